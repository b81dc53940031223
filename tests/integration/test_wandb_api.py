"""Runs written by the real client and read back by it, both in child processes, through a stand-in for the server."""

import copy
import io
import json
import math
import os
import pty
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rlops.curves.filters import as_mongo
from rlops.curves.references import parse_reference
from rlops.curves.sources.wandb_api import WandbProject, _within
from rlops.errors import UsageError
from tests.integration.wandb_standin.children import account, child, hermetic_environment
from tests.integration.wandb_standin.server import API_KEY, Fault, Standin, StoredRun, standin

METRIC = "charts/episodic_return"
PROJECT = "wandb:team/bench"

WRITER = """
import math, wandb

quiet = wandb.Settings(x_disable_stats=True, console="off", quiet=True)

def start(name, seed, tags, **config):
    config = {"env_id": "Hopper-v4", "exp_name": "ppo", "seed": seed, "_private": 1, **config}
    where = {"project": "bench", "id": name, "group": "pr", "reinit": "create_new", "settings": quiet}
    run = wandb.init(tags=tags, config=config, **where)
    run.define_metric("*", step_metric="global_step")
    return run

def row(k):
    odd = {100: math.nan, 102: math.inf, 104: -math.inf}
    step = 2048 * (k + k // 100)
    if k % 2:
        return {"losses/value_loss": k / 7, "global_step": step}
    return {"charts/episodic_return": odd.get(k, k / 3), "global_step": step}

long = start("long", 1, ["pr-12", "v1"], num_envs=4, learning_rate=3e-4, anneal=True)
for k in range(1600):
    long.log(row(k))
long.finish()

apart = start("apart", 2, ["pr-12"], num_envs=8)
for k in range(0, 20, 2):
    apart.log(row(k), step=2048 * k)
apart.finish()

broken = start("broken", 3, ["main"], exp_name="dqn", num_envs=4)
broken.log(row(0))
broken.finish(exit_code=1)
"""

READER = """
import json, sys
from pathlib import Path
from rlops.curves.references import parse_reference
from rlops.curves.sources import wandb_api
from rlops.curves.sources.source import pull
from rlops.curves.sources.wandb_files import WandbFiles
from rlops.curves.store import Store
from rlops.errors import RlopsError

store, patience, rows_a_page, *references = sys.argv[1:]
wandb_api.ROWS_A_PAGE = int(rows_a_page)
FACTS = "identity version state config url started_at minutes incomplete tags group source".split()

def told(history):
    run = history.run("charts/episodic_return", "global_step")
    facts = {name: getattr(history, name) for name in FACTS}
    return {**facts, "sha256": run.curve_sha256, "points": int(run.curve.steps.size), "seed": run.seed}

def runs(text):
    reference = parse_reference(text)
    api = reference.kind == "wandb"
    source = wandb_api.WandbProject(reference, int(patience)) if api else WandbFiles(Path(reference.target))
    return [told(history) for history in pull(source, Store(Path(store)))]

try:
    print(json.dumps([runs(text) for text in references]))
except RlopsError as error:
    print(error, file=sys.stderr)
    sys.exit(int(error.exit_code))
"""


@dataclass
class Bench:
    """A server with runs on it, and a user who reads them."""

    server: Standin
    folder: Path

    def environment(self, **more: str) -> dict[str, str]:
        return hermetic_environment(self.folder, **{**account(self.server.url), **more})

    def read_all(self, *references: str, rows_a_page: int = 10_000, patience: int = 20) -> list[list[dict[str, Any]]]:
        store = str(self.folder / "store")
        done = child(READER, self.environment(), store, str(patience), str(rows_a_page), *references)
        return json.loads(done.stdout)

    def read(self, reference: str = PROJECT, **how: int) -> dict[str, dict[str, Any]]:
        """The runs of one reference by their id."""
        (runs,) = self.read_all(reference, **how)
        return {run["source"].rpartition("/")[2]: run for run in runs}

    def refused(self, reference: str = PROJECT, patience: int = 20, **environment: str) -> str:
        """What the user is told where reading is a usage error."""
        arguments = (str(self.folder / "store"), str(patience), "10000", reference)
        done = child(READER, self.environment(**environment), *arguments, exit_code=2)
        assert API_KEY not in done.stdout + done.stderr
        assert done.stdout == ""
        return done.stderr

    def pages(self, since: int = 0) -> list[tuple[str, int]]:
        """The pages of history that were asked for: of which run, from which _step on."""
        asked = self.server.asked[since:]
        return [(variables["run"], variables["minStep"]) for name, variables in asked if name == "HistoryPage"]

    def add(self, name: str, steps: range | list[int], **fields: Any) -> StoredRun:
        """A run that nobody wrote, with one row at each _step."""
        rows = [{"_step": step, "global_step": step, METRIC: step / 3} for step in steps]
        config = {"env_id": {"value": "Hopper-v4"}, "seed": {"value": 9}}
        run = StoredRun("team", "bench", name, rows=rows, config=config, **{"state": "finished", **fields})
        self.server.runs[run.path] = run
        self.server.projects.add("team/bench")
        return run


@dataclass
class Written:
    """Three runs that the real client wrote, and what it tells of them, by seed, when they are read back."""

    bench: Bench
    api: dict[int, dict[str, Any]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    with standin() as server:
        bench = Bench(server, tmp_path_factory.mktemp("written"))
        child(WRITER, bench.environment())
        server.run("long").summary["_wandb"]["runtime"] = 90
        (runs,) = bench.read_all(PROJECT, rows_a_page=500)
    return Written(bench, {run["seed"]: run for run in runs})


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Bench]:
    with standin() as server:
        yield Bench(server, tmp_path)


@pytest.fixture
def bench(empty: Bench, written: Written) -> Bench:
    empty.server.runs = copy.deepcopy(written.bench.server.runs)
    empty.server.projects.add("team/bench")
    return empty


def test_a_run_read_through_the_api_equals_the_file_the_client_wrote_of_it(written: Written) -> None:
    same = ("state", "config", "incomplete", "group", "seed", "points", "sha256")
    assert [run["points"] for run in written.api.values()] == [800, 10, 1]
    assert [run["state"] for run in written.api.values()] == ["finished", "finished", "failed"]
    (files,) = written.bench.read_all(f"dir:{written.bench.folder / 'wandb'}")
    assert len(files) == 3
    for file in files:
        run = written.api[file["seed"]]
        assert [run[name] for name in same] == [file[name] for name in same]
        assert set(run["tags"]) == set(file["tags"])


def test_the_facts_of_a_run(written: Written) -> None:
    run, url = written.api[1], written.bench.server.url
    created = written.bench.server.run("long").created_at
    assert run["identity"] == f"{url}/team/bench/long/{created}"
    assert run["config"] == {
        "env_id": "Hopper-v4",
        "exp_name": "ppo",
        "seed": 1,
        "num_envs": 4,
        "learning_rate": 3e-4,
        "anneal": True,
    }
    assert run["url"] == f"{url}/team/bench/runs/long"
    assert (run["started_at"], run["minutes"], run["group"]) == (created, 1.5, "pr")
    assert (run["tags"], run["incomplete"]) == (["pr-12", "v1"], None)


def test_what_reading_costs(written: Written) -> None:
    """To sign in, to list, and for each run two requests about its history beside the pages."""
    requests = {name: written.bench.server.requests[name] for name in ("Viewer", "Runs", "Run", "RunHistoryKeys")}
    assert requests == {"Viewer": 1, "Runs": 1, "Run": 0, "RunHistoryKeys": 3}
    assert [step for run, step in written.bench.pages() if run == "long"] == [0, 1000]


def test_the_stand_in_holds_rows_as_they_were_logged(written: Written) -> None:
    rows = written.bench.server.run("long").rows
    assert len(rows) == 1600
    assert [math.isnan(rows[k][METRIC]) for k in (100, 102)] == [True, False]


def test_filters(bench: Bench) -> None:
    bench.server.run("broken").username = "other"
    bench.server.run("apart").config["seed"]["value"] = "2"  # a trainer that passed its arguments on as texts
    wanted = {
        "": ["long", "apart", "broken"],
        "?tag=pr-12": ["long", "apart"],
        "?tag=v1,main": ["long", "broken"],
        "?group=pr&seed=1-2": ["long", "apart"],
        "?seed=1,3": ["long", "broken"],
        "?num_envs=4": ["long", "broken"],
        "?num_envs=4.0&exp_name=ppo": ["long"],
        "?learning_rate=0.0003": ["long"],
        "?learning_rate=3e-4": ["long"],
        "?anneal=True": ["long"],
        "?exp_name=ppo,dqn&state=failed": ["broken"],
        "?user=someone": ["long", "apart"],
        "?exp_name=sac": [],
    }
    found = bench.read_all(*[PROJECT + query for query in wanted])
    assert [[run["source"].rpartition("/")[2] for run in runs] for runs in found] == list(wanted.values())


RESUMER = """
import wandb

quiet = wandb.Settings(x_disable_stats=True, console="off", quiet=True)
with wandb.init(project="bench", id="long", resume="must", settings=quiet) as run:
    for k in range(10):
        run.log({"charts/episodic_return": float(k), "global_step": 10_000_000 + k})
"""


def test_a_resumed_run_is_fetched_again_with_all_its_rows(bench: Bench) -> None:
    before = bench.read()
    child(RESUMER, bench.environment())
    after = bench.read()
    assert (before["long"]["points"], after["long"]["points"]) == (800, 810)
    assert after["long"]["identity"] == before["long"]["identity"]
    assert (after["long"]["incomplete"], after["long"]["config"]) == (None, before["long"]["config"])
    assert {name: run for name, run in after.items() if name != "long"} == {
        name: run for name, run in before.items() if name != "long"
    }


def export(run: StoredRun, year: int) -> None:
    """What W&B does with a history some hours after the run's end."""
    file = io.BytesIO()
    keys = dict.fromkeys(key for row in run.rows for key in row)
    pq.write_table(pa.table({key: [row.get(key) for row in run.rows] for key in keys}), file)
    run.parquet, run.heartbeat_at = file.getvalue(), f"{year}-01-01T00:00:00Z"


def test_exported_history_gives_the_same_curve_as_live_history(bench: Bench) -> None:
    """Exported rows hold null for a missing key and NaN itself; live ones leave the key out and spell NaN."""
    live = bench.read()["long"]
    export(bench.server.run("long"), 2030)
    before = len(bench.server.asked)
    exported = bench.read()["long"]
    assert exported["version"] != live["version"]
    assert exported | {"version": ""} == live | {"version": ""}
    assert bench.pages(before) == []


def test_exported_history_is_not_taken_from_the_clients_cache_of_an_older_export(empty: Bench) -> None:
    run = empty.add("run", range(3))
    export(run, 2030)
    assert empty.read()["run"]["points"] == 3
    run.rows.append({"_step": 3, "global_step": 3, METRIC: 1.0})
    export(run, 2031)
    again = empty.read()["run"]
    assert (again["points"], again["incomplete"]) == (4, None)


def test_filters_as_they_are_sent() -> None:
    reference = parse_reference("wandb:team/bench?tag=a,b&user=me&seed=1-2&env_id=Hopper-v4,1e3,nan&anneal=true")
    seeds = {"$or": [{"config.seed.value": {"$in": [1, 2]}}, {"config.seed.value": {"$in": ["1", "2"]}}]}
    environments = [[1000.0], ["Hopper-v4", "1e3", "nan"]]
    anneal = [[True], ["true"]]
    assert as_mongo(reference.run_filters()) == {
        "$and": [
            {"tags": {"$in": ["a", "b"]}},
            {"username": {"$in": ["me"]}},
            seeds,
            {"$or": [{"config.env_id.value": {"$in": values}} for values in environments]},
            {"$or": [{"config.anneal.value": {"$in": values}} for values in anneal]},
        ]
    }
    assert as_mongo(parse_reference("wandb:team/bench").run_filters()) == {}


def test_how_runs_end(empty: Bench) -> None:
    words = {"finished": "finished", "failed": "failed", "crashed": "crashed", "killed": "crashed"}
    words |= dict.fromkeys(("running", "pending", "preempting", "preempted"), "running")
    for word in words:
        empty.add(word, range(3), state=word)
    assert {name: run["state"] for name, run in empty.read().items()} == words


def test_listing_costs_a_request_a_page_and_an_unchanged_run_no_more(empty: Bench) -> None:
    for name in ("a", "b", "c"):
        empty.add(name, range(3))
    empty.server.page_of_runs = 2
    first = empty.read()
    empty.server.requests.clear()
    assert empty.read() == first
    assert empty.server.requests == {"Viewer": 1, "Runs": 2}


def test_only_changed_runs_are_fetched_again(empty: Bench) -> None:
    edits: dict[str, Callable[[StoredRun], object]] = {
        "unchanged": lambda run: None,
        "tag": lambda run: run.tags.append("v2"),
        "config": lambda run: run.config.update(num_envs={"value": 2}),
        "state": lambda run: setattr(run, "state", "failed"),
        "heartbeat": lambda run: setattr(run, "heartbeat_at", "2030-01-01T00:00:00Z"),
        "rows": lambda run: run.rows.append({"_step": 3, "global_step": 3, METRIC: 1.0}),
    }
    added = {name: empty.add(name, range(3)) for name in edits}
    empty.read()
    for name, run in added.items():
        edits[name](run)
    before = len(empty.server.asked)
    assert {name: run["points"] for name, run in empty.read().items()} == {**dict.fromkeys(edits, 3), "rows": 4}
    assert {run for run, _ in empty.pages(before)} == {"state", "heartbeat", "rows"}


def test_a_changed_tag_or_setting_costs_no_history_and_counts_from_now_on(empty: Bench) -> None:
    run = empty.add("run", range(3))
    first = empty.read()["run"]
    run.tags.append("v2")
    run.config.update(num_envs={"value": 2})
    before = len(empty.server.asked)
    again = empty.read(f"{PROJECT}?tag=v2&num_envs=2")["run"]
    assert (again["tags"], again["config"]["num_envs"]) == (["v2"], 2)
    assert (again["version"], again["sha256"]) == (first["version"], first["sha256"])
    assert [name for name, _ in empty.server.asked[before:]] == ["Viewer", "Runs"]


class Ahead(StoredRun):
    last_step = 99


def test_lost_rows_make_a_run_incomplete_until_they_are_found(empty: Bench) -> None:
    empty.server.page_of_rows = 8
    empty.add("whole", range(5))
    lost = empty.add("lost", range(5), lines_lost=3)
    short = empty.add("short", range(5))
    empty.server.runs[short.path] = Ahead(**vars(short))
    empty.add("cut", range(10))
    empty.add("grew", range(5), lines_lost=-2)
    empty.add("growing", range(5), lines_lost=-2, state="running")
    assert {name: run["incomplete"] for name, run in empty.read().items()} == {
        "whole": None,
        "lost": "5 rows of history could be read, W&B counts 8",
        "short": "the history ends at _step 4, W&B knows of _step 99",
        "cut": "8 rows of history could be read, W&B counts 10",
        "grew": "5 rows of history could be read, W&B counts 3",
        "growing": None,
    }
    lost.lines_lost, before = 0, len(empty.server.asked)
    assert empty.read(f"{PROJECT}?seed=9")["lost"]["incomplete"] is None
    assert {run for run, _ in empty.pages(before)} == {"lost", "short", "cut", "grew"}


def test_pages_follow_the_rows_not_the_steps(empty: Bench) -> None:
    steps = {"dense": range(25_000), "apart": range(0, 998_000, 1996), "farther": [0, 1, 50_000_000_000], "empty": []}
    for name, at in steps.items():
        empty.add(name, at)
    runs = empty.read()
    assert {name: (run["points"], run["incomplete"]) for name, run in runs.items()} == {
        name: (len(at), None) for name, at in steps.items()
    }
    requests = Counter(run for run, _ in empty.pages())
    assert requests == {"dense": 3, "apart": 1, "farther": 24}  # no page can be wider than 2**31 - 1


# What a user is told -------------------------------------------------------------------------------------------------


def test_no_key(empty: Bench) -> None:
    said = empty.refused(WANDB_API_KEY="")
    assert said.startswith(f"{PROJECT}: there is no API key for {empty.server.url}; run `wandb login`")


def test_no_key_at_a_terminal_is_no_invitation_to_ask_for_one(empty: Bench) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", READER, str(empty.folder / "store"), "20", "10000", PROJECT]
    terminal = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    environment = empty.environment(WANDB_API_KEY="", TERM="xterm")
    done = subprocess.run(command, env=environment, cwd=empty.folder, timeout=60, check=False, **terminal)
    os.close(theirs)
    said = os.read(ours, 10_000).decode()
    os.close(ours)
    assert said.startswith(f"{PROJECT}: there is no API key")
    assert done.returncode == 2


def test_a_wrong_key(empty: Bench) -> None:
    for key in ("local-" + "1" * 40, "short"):
        said = empty.refused(WANDB_API_KEY=key)
        assert f"{empty.server.url} does not accept the API key; run `wandb login --relogin`" in said
        assert key not in said


def test_a_project_one_may_not_see(empty: Bench) -> None:
    empty.server.refusals["Runs"] = (403, "permission denied")
    assert "does not let this API key in (HTTP 403); check ENTITY/PROJECT" in empty.refused()


def test_an_unknown_project(empty: Bench) -> None:
    said = empty.refused("wandb:team/bensh?tag=pr-12")
    assert said.startswith(f"wandb:team/bensh?tag=pr-12: {empty.server.url} has no such project; check ENTITY/PROJECT")


def test_any_other_refusal_is_passed_on_without_what_may_be_a_key(empty: Bench) -> None:
    empty.server.refusals["Runs"] = (400, f"filters of {API_KEY} are odd")
    assert "answered: filters of [redacted] are odd; try again" in empty.refused()


@pytest.mark.parametrize("operation", ["Viewer", "Runs", "HistoryPage"])
def test_a_server_that_never_answers(empty: Bench, operation: str) -> None:
    empty.add("run", range(3))
    empty.server.mute.add(operation)
    started = time.monotonic()
    patience = 6 if operation == "HistoryPage" else 2  # on a busy machine the client itself takes seconds to start
    said = empty.refused(patience=patience)
    assert time.monotonic() - started < 45
    assert f"no answer from {empty.server.url} in {patience} s; check the network" in said
    assert (": run run:" in said) == (operation == "HistoryPage")


def test_a_server_that_is_not_there(empty: Bench) -> None:
    said = empty.refused(patience=2, WANDB_BASE_URL="http://127.0.0.1:9")
    assert "no answer from http://127.0.0.1:9 in 2 s; check the network and WANDB_BASE_URL" in said


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(429)],
        [Fault(429, retry_after=1), Fault(429, retry_after=1)],
        [Fault(500), Fault(502), Fault(503)],
        [Fault(drop=True), Fault(drop=True)],
        [Fault(seconds=3)],
    ],
    ids=["429", "429 and a time to wait", "5xx", "dropped", "slow"],
)
def test_what_goes_wrong_for_a_while_is_tried_again(empty: Bench, faults: list[Fault]) -> None:
    for name in ("a", "b"):
        empty.add(name, range(2500))
    empty.server.faults = {"Runs": list(faults), "HistoryPage": list(faults)}
    runs = empty.read(patience=60)
    assert {name: (run["points"], run["incomplete"]) for name, run in runs.items()} == {
        "a": (2500, None),
        "b": (2500, None),
    }
    assert not any(empty.server.faults.values())


@pytest.mark.parametrize("status", [429, 503])
def test_what_goes_wrong_for_ever_has_an_end(empty: Bench, status: int) -> None:
    empty.add("run", range(3))
    empty.server.refusals["HistoryPage"] = (status, "no")
    started = time.monotonic()
    said = empty.refused(patience=8)
    assert time.monotonic() - started < 60
    assert f"no answer from {empty.server.url} in 8 s" in said


def test_one_page_cut_short_is_noticed_and_read_again_the_next_time(empty: Bench) -> None:
    empty.add("run", range(50))
    empty.server.page_of_rows = 20
    assert empty.read()["run"]["incomplete"] == "20 rows of history could be read, W&B counts 50"
    empty.server.page_of_rows = 20_000
    assert (empty.read()["run"]["incomplete"], empty.read()["run"]["points"]) == (None, 50)


def test_no_more_than_eight_requests_at_once(empty: Bench) -> None:
    for number in range(30):
        empty.add(f"run{number}", range(3))
    empty.server.faults["HistoryPage"] = [Fault(seconds=0.3)] * 30
    assert len(empty.read()) == 30
    assert 2 <= empty.server.most_at_once <= 8


def test_what_makes_progress_may_take_longer_than_the_patience() -> None:
    ticks: list[int] = []

    def slow() -> str:
        for tick in range(6):
            time.sleep(0.1)
            ticks.append(tick)
        return "done"

    assert _within(0.3, slow, lambda: len(ticks)) == "done"
    with pytest.raises(TimeoutError):
        _within(0.3, lambda: time.sleep(1.5), lambda: 0)


@pytest.mark.parametrize("target", ["bench", "team/bench/runs", "team/"])
def test_a_project_is_named_with_its_entity(target: str) -> None:
    with pytest.raises(UsageError, match=f"named wandb:ENTITY/PROJECT, not '{target}'"):
        WandbProject(parse_reference(f"wandb:{target}")).list_runs()


def test_seeds_are_numbers() -> None:
    with pytest.raises(UsageError, match="'x' is not a list of seeds"):
        parse_reference("wandb:team/bench?seed=x").run_filters()


def test_the_client_is_imported_only_when_it_is_needed(tmp_path: Path) -> None:
    script = "import sys, rlops.curves.sources.wandb_api; print('wandb' in sys.modules)"
    assert child(script, hermetic_environment(tmp_path)).stdout == "False\n"


# The stand-in itself -------------------------------------------------------------------------------------------------


def post(server: Standin, query: str) -> None:
    request = urllib.request.Request(f"{server.url}/graphql", json.dumps({"query": query}).encode())  # noqa: S310
    request.add_header("Authorization", "Basic YXBpOmxvY2FsLTAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA=")
    urllib.request.urlopen(request).close()  # noqa: S310


def test_the_stand_in_does_not_forgive_an_operation_it_does_not_know() -> None:
    with pytest.raises(AssertionError, match="QueryFromTheFuture"), standin() as server, pytest.raises(HTTPError):
        post(server, "query QueryFromTheFuture { future }")
