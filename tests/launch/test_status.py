"""How a store stands, told from its files alone."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

from rlops.launch import GridStatus, State, store_status
from rlops.launch.asked import note_asked, read_asked
from rlops.launch.cell_group import group_cells
from tests.launch.dummies import Project
from tests.launch.test_together import held_elsewhere


def only(project: Project) -> GridStatus:
    (grid,) = store_status(project.cells).grids
    return grid


def states(grid: GridStatus) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for cell in grid.cells:
        found.setdefault(cell.env_id, []).append(f"{cell.seed} {cell.state}")
    return found


def test_an_empty_store_has_no_grids(project: Project) -> None:
    assert store_status(project.cells).grids == ()
    project.cells.mkdir(parents=True)
    assert store_status(project.cells).grids == ()


def test_every_state(project: Project) -> None:
    benchmark = project.benchmark("exit@2=3", environments=["A-v1", "B/v1"])
    project.fill(benchmark, (1, 2))
    grid = project.grid(benchmark, (1, 2, 3, 4, 5))
    note_asked(grid, project.cells)
    groups = group_cells({grid: [cell for cell in grid.cells if cell.seed in {3, 4}]}, project.cells, 9)
    for group in groups:
        group.folder.mkdir()
        (group.folder / "cell.json").write_text(json.dumps(group.request()))
    running = [group for group in groups if group.seeds == (3,)]
    with held_elsewhere([lock for group in running for lock in group.locks()]):
        found = only(project)
    row = ["1 done", "2 failed", "3 running", "4 stopped", "5 waiting"]
    assert states(found) == {"A-v1": row, "B/v1": row}
    assert (found.benchmark, found.variant, found.name) == ("bench", "no-git", grid.name)
    assert dict(found.counts) == dict.fromkeys(State, 2)
    assert found.goes_on
    done, failed, started, stopped, waiting = found.cells[:5]
    assert done.seconds is not None
    assert done.seconds >= 0
    assert (failed.exit_code, failed.directory is not None) == (3, True)
    assert started.seconds is not None
    assert started.seconds >= 0
    assert (stopped.seconds, waiting.directory) == (None, None)
    assert states(only(project))["A-v1"][2] == "3 stopped", "nobody holds its lock any more"


def test_what_was_asked_is_the_union_of_all_calls(project: Project) -> None:
    benchmark = project.benchmark(environments=["A-v1", "B-v1"])
    note_asked(project.grid(benchmark, (3,)).only({"A-v1": (3,)}), project.cells)
    project.fill(benchmark, (1,))
    note_asked(project.grid(benchmark, ()), project.cells)
    (parent,) = [path for path in project.cells.iterdir() if path.is_dir()]
    asked = read_asked(parent)
    assert asked.environments == {"A-v1": (1, 3), "B-v1": (1,)}
    assert json.loads((parent / "asked.json").read_text())["budget"] == 1000
    assert states(only(project)) == {"A-v1": ["1 done", "3 waiting"], "B-v1": ["1 done"]}


def test_a_store_of_an_older_rlops_is_read_too(project: Project) -> None:
    project.fill(project.benchmark(), (1, 2))
    (path,) = project.cells.glob("*/asked.json")
    path.unlink()
    grid = only(project)
    assert states(grid) == {"A-v1": ["1 done", "2 done"]}
    assert (grid.benchmark, grid.variant, grid.goes_on) == ("bench", "no-git", False)


def test_the_share_of_a_process_of_many_seeds(project: Project) -> None:
    project.fill(project.benchmark(many=True), (1, 2, 3, 4), slots=1)
    path = project.directory() / "done.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "seconds": 120.0}))
    assert [cell.seconds for cell in only(project).cells] == [30.0] * 4


def test_done_counts_whatever_other_groups_had_the_cell_before(project: Project) -> None:
    """Seeds 1-2 were stopped together; seed 1 was trained alone since."""
    benchmark = project.benchmark(many=True)
    grid = project.grid(benchmark, (1, 2))
    (both,) = group_cells({grid: grid.cells}, project.cells, 1)
    both.folder.mkdir(parents=True)
    (both.folder / "cell.json").write_text(json.dumps(both.request()))
    project.fill(benchmark, (1,))
    assert states(only(project)) == {"A-v1": ["1 done", "2 stopped"]}


def test_what_is_broken_or_foreign_is_skipped_with_a_word(project: Project) -> None:
    project.fill(project.benchmark(), (1, 2, 3, 4))
    one, two, three, four = project.directories()
    (one / "cell.json").write_text("{")
    (two / "cell.json").write_text(json.dumps({"env_id": "A-v1", "seeds": [2], "keys": {"2": "../../x"}}))
    (three / "done.json").write_text("[]")
    (four / "done.json").write_text('{"exit_code": 0, "seconds": "long"}')
    (one.parent / "notes.txt").write_text("mine")
    (one.parent / ".half-written").mkdir()
    (project.cells / "README").write_text("mine")
    (project.cells / "other").mkdir()
    store = store_status(project.cells)
    (grid,) = store.grids
    assert states(grid) == {"A-v1": ["1 waiting", "2 waiting", "3 stopped", "4 done"]}
    assert grid.cells[-1].seconds is None
    assert sorted(text.partition(": ")[0] for text in grid.skipped) == sorted(
        map(str, (one / "cell.json", two / "cell.json", one.parent / "notes.txt"))
    )
    why = {"README": "is no folder of a grid", "other": "holds no cells"}
    assert store.skipped == tuple(f"{project.cells / name}: {text}" for name, text in why.items())
    (one.parent / "asked.json").write_text('{"environments": {"A-v1": "all", "B-v1": [true, 7]}, "git_commits": 3}')
    assert states(only(project)) == {"A-v1": ["3 stopped", "4 done"], "B-v1": ["7 waiting"]}


def test_what_runs_comes_first_then_the_newest(project: Project) -> None:
    old, new, running = (project.benchmark(name=name) for name in ("old", "new", "running"))
    for number, benchmark in enumerate((running, old, new)):
        project.fill(benchmark, (1,))
        folder = project.cells / project.grid(benchmark, ()).name
        for path in [*folder.glob("*.json"), *folder.glob("*/*.json")]:
            os.utime(path, (time.time(), 1_000_000_000 + number))
    assert [grid.benchmark for grid in store_status(project.cells).grids] == ["new", "old", "running"]
    (again,) = group_cells({(grid := project.grid(running, (1,))): grid.cells}, project.cells, 1)
    (again.folder / "done.json").unlink()
    with held_elsewhere(again.locks()):
        assert [grid.benchmark for grid in store_status(project.cells).grids] == ["running", "new", "old"]


def test_looking_does_not_disturb_who_trains(project: Project) -> None:
    """Whoever looks at a cell that waits holds no lock of it, so its trainer is never told that it is busy."""
    benchmark = project.benchmark()
    grid = project.grid(benchmark, (1,))
    note_asked(grid, project.cells)
    before = sorted(path.name for path in project.cells.rglob("*"))
    assert states(only(project)) == {"A-v1": ["1 waiting"]}
    assert sorted(path.name for path in project.cells.rglob("*")) == before


def test_two_calls_that_ask_at_once_are_both_heard(project: Project) -> None:
    benchmark = project.benchmark()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: note_asked(project.grid(benchmark, (seed,)), project.cells), range(40)))
    assert [cell.seed for cell in only(project).cells] == list(range(40))
