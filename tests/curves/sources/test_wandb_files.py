"""Files that the real client wrote, offline, in child processes."""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from rlops.curves.history import RunHistory
from rlops.curves.sources.source import pull
from rlops.curves.sources.wandb_files import LATELY_SECONDS, WandbFiles
from rlops.curves.store import Store
from rlops.errors import UsageError
from tests.curves.sources.oracle import assert_read_alike
from tests.curves.sources.wandb_writer import log_of, run_records
from tests.integration.wandb_standin.children import account, child, hermetic_environment
from tests.integration.wandb_standin.server import standin

METRIC, STEP = "charts/episodic_return", "global_step"

TRAINER = """
import math, os, signal, sys, time, wandb

def start(name, seed, folder=None, mode="offline", resume=None, **more):
    quiet = wandb.Settings(x_disable_stats=True, console="off", quiet=True)
    config = {"env_id": "Hopper-v4", "seed": seed, **more}
    where = {"project": "bench", "id": name, "group": "pr", "tags": ["pr-12"], "mode": mode}
    run = wandb.init(config=config, reinit="create_new", settings=quiet, dir=folder, resume=resume, **where)
    run.define_metric("*", step_metric="global_step")
    return run

def log(run, first, last, value):
    for k in range(first, last):
        run.log({"charts/episodic_return": value(k), "global_step": 100 * k})

"""

ENDINGS = """
odd = {3: math.nan, 4: math.inf, 5: -math.inf}
run = start("finished", 1)
log(run, 0, 2000, lambda k: odd.get(k, k / 3))
run.finish()

first = start("resumed", 2)
log(first, 0, 10, float)
first.finish(exit_code=1)
time.sleep(1.1)  # the client names directories by the second
second = start("resumed", 2)
log(second, 6, 14, lambda k: 1000.0 + k)
second.finish()

os.mkdir("elsewhere")
start("noted", 5, "elsewhere", note="line\\u2028 and \\x85 breaks").finish()

various = start("various", 6, "elsewhere", nested={"a": [1, {"b": None}]}, odd=math.inf)
various.config.update({"late": 1.5, "seed": 7}, allow_val_change=True)
row = {"whole": 3.0, "true": True, "none": None, "text": "t", "quoted": "NaN", "nested": {"a": {"b": 2.5}}, "n.c": 1}
various.log({**row, "\u2713\u2028": 1, "k" * 3000: 2, "h": wandb.Histogram([1, 2]), "tiny": 1e-320, "list": [1, 2]})
various.log({"whole": 4, "nested": {"a": {"b": math.nan}}}, step=500)
various.tags = ("another",)
various.finish()

log(start("failed", 3), 0, 5, float)
sys.exit(3)
"""

ONLINE = """
for first, last, offset in ((0, 10, 0.0), (6, 14, 1000.0)):
    run = start("online", 7, mode="online", resume="allow")
    log(run, first, last, lambda k: offset + k)
    run.finish(exit_code=1 if first == 0 else 0)
    time.sleep(1.1)
"""

KILLED = """
import pathlib
log(start("killed", 4), 0, 2000, float)
(file,) = pathlib.Path("wandb").glob("offline-run-*-killed/*.wandb")
while file.stat().st_size < 100_000:  # the client's own process writes behind, how far depends on the machine
    time.sleep(0.05)
os.kill(os.getpid(), signal.SIGKILL)
"""


@dataclass
class Runs:
    """Where the files are, and what was read of them, by run id."""

    folder: Path
    read: dict[str, RunHistory]
    environment: dict[str, str]

    @property
    def files(self) -> list[Path]:
        """Every file of every run, each once."""
        found = self.folder.parent.rglob("*.wandb")
        return sorted(file for file in found if not file.parent.is_symlink())


def read(folder: Path, *, ended: bool = False) -> dict[str, RunHistory]:
    source = WandbFiles(folder, ended=ended)
    return {listing.identity.rpartition("#run-")[2]: source.fetch(listing) for listing in source.list_runs()}


def settled(folder: Path) -> None:
    """Wait for the client's own process, which outlives the one that was killed for a moment."""
    sizes = [-1]
    while len(sizes) < 4 or len(set(sizes[-4:])) > 1:
        time.sleep(0.2)
        sizes.append(sum(file.stat().st_size for file in folder.rglob("*.wandb")))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Runs that ended in every way, long ago."""
    folder = tmp_path_factory.mktemp("offline")
    environment = hermetic_environment(folder)
    child(TRAINER + ENDINGS, environment, exit_code=3)
    child(TRAINER + KILLED, environment, exit_code=-9)
    with standin() as server:
        child(TRAINER + ONLINE, hermetic_environment(folder, **account(server.url)))
    settled(folder)
    for file in folder.rglob("*.wandb"):
        age(file)
    return Runs(folder / "wandb", read(folder / "wandb"), environment)


def age(file: Path) -> None:
    """As if nobody had written to the file for long enough."""
    then = time.time() - LATELY_SECONDS - 1
    os.utime(file, (then, then))


def test_every_run_is_read_once(runs: Runs) -> None:
    assert (runs.folder / "latest-run").is_symlink()
    assert sorted(runs.read) == ["failed", "finished", "killed", "online", "resumed"]


def test_a_finished_run(runs: Runs) -> None:
    run = runs.read["finished"]
    curve = run.curve(METRIC, STEP)
    expected = np.arange(2000) / 3
    expected[3:6] = np.nan, np.inf, -np.inf
    assert run.state == "finished"
    assert np.array_equal(curve.values, expected, equal_nan=True)
    assert curve.steps.tolist() == list(range(0, 200_000, 100))
    assert (run.tags, run.group, run.incomplete) == (("pr-12",), "pr", None)
    assert run.config == {"env_id": "Hopper-v4", "seed": 1}
    assert run.minutes is not None
    assert 0 <= run.minutes < 1


def test_a_process_that_exits_with_an_error_leaves_a_failed_run_with_its_rows(runs: Runs) -> None:
    run = runs.read["failed"]
    assert (run.state, run.curve(METRIC, STEP).values.tolist()) == ("failed", [0, 1, 2, 3, 4])


def test_a_killed_process_leaves_a_crashed_run_and_most_of_its_rows(runs: Runs) -> None:
    run = runs.read["killed"]
    values = run.curve(METRIC, STEP).values
    assert run.state == "crashed"
    assert 100 < values.size <= 2000
    assert values.tolist() == list(range(values.size))


@pytest.mark.parametrize(("name", "folders"), [("resumed", "offline-run-*-resumed"), ("online", "run-*-online")])
def test_where_a_resumed_run_overlaps_itself_the_later_segment_stands(runs: Runs, name: str, folders: str) -> None:
    assert len(list(runs.folder.glob(folders))) == 2
    run = runs.read[name]
    curve = run.curve(METRIC, STEP)
    assert (run.state, run.incomplete) == ("finished", None)
    assert curve.steps.tolist() == list(range(0, 1400, 100))
    assert curve.values.tolist() == [*range(6), *range(1006, 1014)]


def test_text_with_line_breaks_of_every_kind(runs: Runs) -> None:
    run = read(runs.folder.parent / "elsewhere")["noted"]
    assert run.config["note"] == "line\u2028 and \x85 breaks"


def copied(runs: Runs, name: str, folder: Path) -> Path:
    """A copy of the file of one run, to be damaged."""
    (file,) = runs.folder.glob(f"offline-run-*-{name}/*.wandb")
    (folder / "run").mkdir()
    return Path(shutil.copy2(file, folder / "run"))


def test_the_client_s_own_reader_says_the_same(runs: Runs) -> None:
    names = {file.stem for file in runs.files}
    assert names == {f"run-{name}" for name in (*runs.read, "noted", "various")}
    for file in runs.files:
        assert_read_alike(file, runs.environment)


def test_the_client_s_own_reader_says_the_same_of_damaged_files(runs: Runs, tmp_path: Path) -> None:
    content = copied(runs, "finished", tmp_path).read_bytes()
    middle = len(content) // 2
    flipped, zeroed = bytearray(content), bytearray(content)
    flipped[middle] ^= 0x10
    zeroed[middle : middle + 1000] = bytes(1000)
    damaged = {"torn": content[:middle], "torn in a header": content[:middle] + b"\1\2\3", "flipped": flipped}
    for name, bad in {**damaged, "zeroed": zeroed, "filled up": content[:middle] + bytes(50_000)}.items():
        file = tmp_path / f"{name}.wandb"
        file.write_bytes(bad)
        assert_read_alike(file, runs.environment)


def test_the_rows_before_a_torn_end_are_kept_and_it_is_said(runs: Runs, tmp_path: Path) -> None:
    """Cut twice, 12 bytes apart: one cut may fall between two records, where nothing can be seen to be missing."""
    file = copied(runs, "finished", tmp_path)
    content = file.read_bytes()
    whole, said = runs.read["finished"].curve(METRIC, STEP), []
    for cut in (len(content) * 3 // 4, len(content) * 3 // 4 - 12):
        file.write_bytes(content[:cut])
        age(file)
        run = read(tmp_path)["finished"]
        torn = run.curve(METRIC, STEP)
        assert 1000 < torn.values.size < 2000
        assert np.array_equal(torn.values, whole.values[: torn.values.size], equal_nan=True)
        assert run.state == "crashed"
        said.append(run.incomplete or "")
    assert any("the file ends inside a record: nothing is known after _step 1" in text for text in said)


def test_rows_lost_in_the_middle_are_never_silent(runs: Runs, tmp_path: Path) -> None:
    file = copied(runs, "finished", tmp_path)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    run = read(tmp_path)["finished"]
    assert 1000 < run.curve(METRIC, STEP).values.size < 2000
    assert run.state == "finished"
    assert run.incomplete is not None
    assert run.incomplete.startswith("1 damaged block of 32 KiB left out: _step jumps from ")


def test_rows_lost_at_the_end_of_an_earlier_segment_are_never_silent(runs: Runs, tmp_path: Path) -> None:
    for folder in runs.folder.glob("offline-run-*-resumed"):
        shutil.copytree(folder, tmp_path / folder.name)
    first, _ = sorted(tmp_path.glob("*/*.wandb"))
    content, said = first.read_bytes(), []
    for cut in (len(content) * 6 // 10, len(content) * 6 // 10 - 12):  # one may fall between two records
        first.write_bytes(content[:cut])
        run = read(tmp_path)["resumed"]
        assert 500 not in run.curve(METRIC, STEP).steps
        said.append(run.incomplete)
    assert any(said)


def test_a_torn_end_that_a_later_segment_repeats_is_not_missing(runs: Runs, tmp_path: Path) -> None:
    for folder in runs.folder.glob("offline-run-*-resumed"):
        shutil.copytree(folder, tmp_path / folder.name)
    first, second = sorted(tmp_path.glob("*/*.wandb"))
    first.write_bytes(first.read_bytes()[:-3])
    run = read(tmp_path)["resumed"]
    assert (run.state, run.incomplete) == ("finished", None)
    assert run.curve(METRIC, STEP).values.tolist() == [*range(6), *range(1006, 1014)]
    second.unlink()
    age(first)
    assert read(tmp_path)["resumed"].incomplete == "the file ends inside a record: nothing is known after _step 9"


class TestWithoutAnEnd:
    """A file of two rows to which the process that writes it could still add."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        file = tmp_path / "run" / "run-x.wandb"
        file.parent.mkdir()
        file.write_bytes(log_of(run_records([{STEP: "1", METRIC: "2"}] * 2, exit_code=None)) + b"\1")
        return file

    def test_a_file_that_was_changed_lately_is_of_a_run_that_goes_on(self, file: Path, tmp_path: Path) -> None:
        run = read(tmp_path)["x"]
        assert (run.state, run.incomplete, run.curve(METRIC, STEP).values.tolist()) == ("running", None, [2, 2])

    def test_when_nobody_writes_any_more_the_stored_run_is_called_crashed(
        self, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = Store(tmp_path / "store")
        states = [run.state for run in pull(WandbFiles(tmp_path), store)]
        monkeypatch.setattr("rlops.curves.sources.wandb_files.LATELY_SECONDS", -1)
        states += [run.state for run in pull(WandbFiles(tmp_path), store)]
        assert states == ["running", "crashed"]

    def test_a_launcher_knows_that_the_process_has_ended(self, file: Path, tmp_path: Path) -> None:
        run = read(tmp_path, ended=True)["x"]
        assert (run.state, run.incomplete) == ("crashed", "the file ends inside a record")

    def test_a_later_segment_that_goes_on(self, file: Path, tmp_path: Path) -> None:
        (tmp_path / "then").mkdir()
        (tmp_path / "then" / file.name).write_bytes(log_of(run_records([{STEP: "2", METRIC: "3"}], exit_code=None)))
        age(file)
        run = read(tmp_path)["x"]
        assert (run.state, run.curve(METRIC, STEP).values.tolist()) == ("running", [2, 2, 3])


def test_what_is_no_file_of_the_client_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run-x.wandb").write_bytes(b"not what it is named" * 100)
    with pytest.raises(UsageError, match=r"run-x\.wandb: is not a .wandb file: it does not begin as"):
        read(tmp_path)


def test_an_empty_folder_has_no_runs(tmp_path: Path) -> None:
    assert WandbFiles(tmp_path).list_runs() == []


def test_a_file_that_grew_is_another_version_of_the_same_run(runs: Runs, tmp_path: Path) -> None:
    file = copied(runs, "failed", tmp_path)
    (before,) = WandbFiles(tmp_path).list_runs()
    with file.open("ab") as grown:
        grown.write(b"\0")
    (after,) = WandbFiles(tmp_path).list_runs()
    assert before.identity == after.identity
    assert before.version != after.version


def test_an_unchanged_file_is_not_read_again(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied(runs, "failed", tmp_path)
    store = Store(tmp_path / "store")
    (first,) = pull(WandbFiles(tmp_path), store)
    monkeypatch.delattr("rlops.curves.sources.wandb_files.read_log")
    (second,) = pull(WandbFiles(tmp_path), store)
    assert second.run(METRIC, STEP).curve_sha256 == first.run(METRIC, STEP).curve_sha256
