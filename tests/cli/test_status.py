"""`rlops status`: the board as people and programs see it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rlops.cli.board import draw
from rlops.launch import State, store_status
from rlops.launch.asked import note_asked
from rlops.strangers import clean
from tests.cli.commands import CommandLine, child, child_environment
from tests.launch.dummies import Project, Rlops, eventually, make_project, start_run, write_benchmark

HEAVY = ("torch", "wandb", "scipy", "pandas", "gymnasium", "jinja2", "rich")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


def status(rlops: CommandLine, *arguments: str) -> str:
    ended = rlops("status", "--dir", "store", *arguments)
    assert ended.code == 0, ended.err
    return ended.out


def test_what_people_see(rlops: CommandLine, project: Project) -> None:
    benchmark = project.benchmark(r"print=\x1b[31mno such file", "exit@2=3", environments=["A-v1", "Long/B-v1"])
    project.fill(benchmark, (1, 2, 3))
    note_asked(project.grid(benchmark, (4, 5)).only({"A-v1": (4, 5)}), project.cells)
    out = status(rlops)
    head, counts, *rows = out.splitlines()
    assert head == "bench  no-git"
    assert counts.startswith("  8 cells, seeds 1-5: 4 done, 2 failed, 2 waiting  (store/cells/bench-")
    assert rows[0].split()[:2] == ["A-v1", "#x#.."]
    assert rows[1].split()[:2] == ["Long/B-v1", "#x#"]
    assert rows[0].index("#") == rows[1].index("#")
    assert rows[0].endswith(" s a cell")
    (one, other) = [row for row in rows if row.startswith("  failed")]
    assert one.startswith("  failed   A-v1 seed 2: exit code 3: no such file  (store/cells/bench-")
    assert other.startswith("  failed   Long/B-v1 seed 2: exit code 3")
    assert one.endswith("/stdout.log)")
    assert (project.root / one.rpartition("(")[2].removesuffix(")")).is_file()
    assert out.count("a sign a seed:") == 1
    assert "# done  x failed  > running  ! stopped  . waiting" in out
    assert "\x1b" not in out


def test_a_process_of_many_seeds_fails_once(rlops: CommandLine, project: Project) -> None:
    project.fill(project.benchmark("exit=3", many=True), (1, 2, 3), slots=1)
    assert [row for row in status(rlops).splitlines() if "failed   A-v1 seeds 1-3: exit code 3" in row]


def test_long_rows_are_broken_and_keep_their_columns(rlops: CommandLine, project: Project) -> None:
    benchmark = project.benchmark(environments=["A-v1", "B-v1"])
    note_asked(project.grid(benchmark, tuple(range(150))).only({"A-v1": tuple(range(150))}), project.cells)
    note_asked(project.grid(benchmark, (149,)).only({"B-v1": (149,)}), project.cells)
    rows = status(rlops).splitlines()[2:6]
    assert [row.count(".") for row in rows] == [60, 60, 30, 1]
    assert rows[2].rindex(".") == rows[3].rindex("."), "the same seed stands below itself"


def test_one_benchmark_of_several(rlops: CommandLine, project: Project) -> None:
    for name in ("slow", "quick"):
        project.fill(project.benchmark(name=name), (1,))
    heads = [line for line in status(rlops).splitlines() if line.endswith("no-git")]
    assert heads == ["quick  no-git", "slow  no-git"], "the newest first"
    for name in ("slow", "benchmarks/slow.toml"):
        assert [line for line in status(rlops, name).splitlines() if line.endswith("no-git")] == ["slow  no-git"]
    ended = rlops("status", "quikc", "--dir", "store")
    assert ended.code == 2
    for part in ("nothing of the benchmark 'quikc'", "did you mean quick?", "it has: quick, slow"):
        assert part in ended.err


def test_a_store_without_cells(rlops: CommandLine, project: Project) -> None:
    assert "there are no cells in" in status(rlops)
    assert json.loads(status(rlops, "--json")) == {"schema": 1, "grids": [], "skipped": []}
    assert rlops("status", "quick").code == 2
    assert not (project.root / "store").exists()


def test_what_programs_read(rlops: CommandLine, project: Project) -> None:
    project.fill(project.benchmark("exit@2=3"), (1, 2))
    note_asked(project.grid(project.benchmark("exit@2=3"), (3,)), project.cells)
    (project.cells / "README").touch()
    record = json.loads(status(rlops, "--json"))
    (grid,) = record["grids"]
    assert (record["schema"], grid["benchmark"], grid["version"]) == (1, "bench", "no-git")
    assert grid["counts"] == {"done": 1, "failed": 1, "running": 0, "stopped": 0, "waiting": 1}
    assert [(cell["seed"], cell["state"], cell["exit_code"]) for cell in grid["cells"]] == [
        (1, "done", 0),
        (2, "failed", 3),
        (3, "waiting", None),
    ]
    assert Path(grid["cells"][1]["log"]).is_file()
    assert record["skipped"] == [f"{project.cells / 'README'}: is no folder of a grid"]
    ended = rlops("status", "--watch", "--json")
    assert (ended.code, "--watch draws for people" in ended.err) == (2, True)


def test_the_colours_say_nothing_that_the_signs_do_not(project: Project) -> None:
    project.fill(project.benchmark("exit@2=3"), (1, 2))
    store = store_status(project.cells)
    assert "\x1b[" in draw(store, color=True)
    assert clean(draw(store, color=True)) == draw(store, color=False)


def test_what_a_stranger_named_cannot_write_on_the_terminal(rlops: CommandLine, project: Project) -> None:
    project.fill(project.benchmark(), (1,))
    (path,) = project.cells.glob("*/asked.json")
    path.write_text(
        json.dumps({"benchmark": "b\x1b[2Jx\nfailed", "variant": "v\x07w", "environments": {"E\x1b[1m\u202e": [1]}})
    )
    out = status(rlops)
    assert out.startswith("bx failed  vw\n")
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_is_light(project: Project) -> None:
    project.fill(project.benchmark(), (1,))
    program = (
        "import sys\nfrom rlops.cli.main import rlops\n"
        "rlops.main(['status', '--dir', 'store'], standalone_mode=False)\n"
        f"print('heavy:', [name for name in {HEAVY} if name in sys.modules])"
    )
    ended = child(project.root, program=("-c", program))
    assert ended.out.endswith("heavy: []\n"), ended


def on_a_terminal(folder: Path, *arguments: str, **more: str) -> str:
    """What `rlops status` writes on a terminal."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "rlops", "status", "--dir", "store", *arguments],
        cwd=folder, env=child_environment(folder, TERM="xterm-256color", COLUMNS="120", LINES="40", **more),
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    written = b""
    try:
        while chunk := os.read(ours, 65536):
            written += chunk
    except OSError:  # how Linux says that nobody holds the other end any more
        pass
    os.close(ours)
    assert process.wait(60) == 0
    return written.decode()


def test_colours_are_for_terminals_that_want_them(project: Project) -> None:
    project.fill(project.benchmark(), (1,))
    assert "\x1b[32m#" in on_a_terminal(project.root)
    assert "\x1b" not in on_a_terminal(project.root, NO_COLOR="1")


def test_watching_on_a_terminal_ends_with_the_last_board(project: Project) -> None:
    project.fill(project.benchmark(), (1,))
    shown = on_a_terminal(project.root, "--watch")
    assert "1 cell, seeds 1: 1 done" in clean(shown)


class TestWatching:
    def watch(self, project: Project) -> Rlops:
        return Rlops(("status", "--watch", "--dir", "store"), project.root, project.root / "watch.log")

    def test_a_board_whenever_something_changes_until_all_is_done(self, project: Project) -> None:
        write_benchmark(project, "mark=here", "wait@1=one", "wait@2=two", seeds="1-2")
        training = start_run(project)
        training.wait_until(lambda: project.has("here.A-v1.1") or project.has("here.A-v1.2"), "it trains")
        watching = self.watch(project)
        watching.wait_until(lambda: ">" in watching.output and "  running  A-v1 seed" in watching.output, "it shows it")
        project.touch("one")
        watching.wait_until(lambda: "A-v1  #" in watching.output, "the first is done")
        project.touch("two")
        assert (watching.end(), training.end()) == (0, 0), watching.output
        boards = watching.output.split("bench  no-git\n")[1:]
        assert "2 cells, seeds 1-2: 2 done" in boards[-1]
        drawn = [next(line.split()[1] for line in board.splitlines() if line.startswith("  A-v1")) for board in boards]
        assert len(set(drawn)) == len(drawn), "nothing is printed twice"
        assert drawn[-1] == "##"

    def test_control_c_ends_it(self, project: Project) -> None:
        note_asked(project.grid(project.benchmark(), (1,)), project.cells)
        watching = self.watch(project)
        watching.wait_until(lambda: "1 waiting" in watching.output, "it watches")
        watching.process.send_signal(signal.SIGINT)
        assert watching.end() == 130

    def test_what_is_stopped_is_not_waited_for(self, project: Project) -> None:
        write_benchmark(project, "mark=here", "wait=never")
        training = start_run(project, "--seeds", "1")
        training.wait_until(lambda: project.has("here.A-v1.1"), "it trains")
        training.process.send_signal(signal.SIGTERM)
        assert training.end() == 143
        eventually(lambda: store_status(project.cells).grids[0].counts[State.STOPPED] == 1, "its lock is free")
        watching = self.watch(project)
        assert watching.end() == 0
        assert "  A-v1  !" in watching.output
