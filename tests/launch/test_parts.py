"""Cells of other machines: what comes in, what is known, and what a part that lies cannot do."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlops.errors import UsageError
from rlops.launch import Imported, import_cells
from rlops.launch.cell_group import CellGroup, finished_cells, group_cells
from rlops.plan import Shard
from tests.launch.dummies import Project, make_project
from tests.launch.test_together import held_elsewhere


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Seeds 1 and 2 of A-v1, trained on another machine."""
    other = make_project(tmp_path_factory.mktemp("machine") / "other")
    other.fill(other.benchmark(), (1, 2))
    return other


@pytest.fixture
def part(trained: Project, tmp_path: Path) -> Project:
    """The same, to be spoilt."""
    shutil.copytree(trained.root, tmp_path / "other")
    return Project(tmp_path / "other")


def fetch(project: Project, part: Project, **more: Any) -> Imported:
    return import_cells(part.cells, project.cells, **more)


def groups(project: Project, seeds: tuple[int, ...]) -> list[CellGroup]:
    grid = project.grid(project.benchmark(many=len(seeds) > 1), seeds)
    return group_cells({grid: grid.cells}, project.cells, 1)


def edit(path: Path, **values: object) -> None:
    content = {**json.loads(path.read_text()), **values}
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_comes_in_is_known_and_is_what_it_was(project: Project, part: Project) -> None:
    log = part.directories()[0] / "wandb" / "offline-run-1" / "run-1.wandb"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"\0rows")
    assert fetch(project, part) == Imported(2, 0, 0)
    assert [path.name for path in project.directories()] == [path.name for path in part.directories()]
    theirs, ours = part.directories()[0], project.directories()[0]
    assert ours.parent.name == theirs.parent.name
    assert {name: json.loads(text) if name.endswith(".json") else text for name, text in files(ours).items()} == {
        name: json.loads(text) if name.endswith(".json") else text for name, text in files(theirs).items()
    }
    board = project.fill(project.benchmark(), (1, 2))
    assert (board.trained, board.known) == (0, 2)
    assert not project.starts()
    assert fetch(project, part) == Imported(0, 2, 0)


def test_the_shards_of_a_grid_are_the_grid(project: Project, tmp_path: Path) -> None:
    benchmark = project.benchmark(many=True, environments=["A-v1", "B-v1"])
    for number in (1, 2, 3):
        machine = make_project(tmp_path / "parts" / str(number))
        shard = Shard(number, 3).of(machine.grid(benchmark, (1, 2, 3, 4, 5)))
        for env_id in ("A-v1", "B-v1"):
            mine = tuple(cell.seed for cell in shard.cells if cell.env_id == env_id)
            machine.fill(benchmark.model_copy(update={"environments": (env_id,)}), mine)
    assert import_cells(tmp_path / "parts", project.cells) == Imported(10, 0, 0)
    board = project.fill(benchmark, (1, 2, 3, 4, 5))
    assert (board.trained, board.known) == (0, 10)


def test_a_folder_without_cells_changes_nothing(project: Project, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "done.json").write_text("{}")
    assert import_cells(tmp_path / "logs", project.cells) == Imported()
    assert not project.cells.exists()


def test_the_store_s_own_cells_are_no_parts(project: Project) -> None:
    project.fill(project.benchmark(), (1,))
    for place in (project.cells, project.directory(), project.root):
        assert import_cells(place, project.cells) == Imported()


def test_only_what_is_asked_for(project: Project, part: Project) -> None:
    assert fetch(project, part, env_ids=frozenset({"B-v1"})) == Imported()
    assert fetch(project, part, seeds=frozenset({2, 3})) == Imported(1, 0, 0)
    assert [key for path in project.cells.iterdir() for key in finished_cells(path)] == [("A-v1", 2)]


def test_cells_of_an_older_rlops_are_of_the_grid_of_their_folder(project: Project, part: Project) -> None:
    for path in part.cells.glob("*/*/cell.json"):
        edit(path, grid=None)
    assert fetch(project, part) == Imported(2, 0, 0)
    assert project.fill(project.benchmark(), (1, 2)).known == 2


def test_bare_cells_say_their_grid_themselves(project: Project, part: Project, tmp_path: Path) -> None:
    shutil.copytree(part.directories()[0], tmp_path / "upload" / "x")
    assert import_cells(tmp_path / "upload", project.cells) == Imported(1, 0, 0)
    assert project.directory().name == part.directories()[0].name
    edit(tmp_path / "upload" / "x" / "cell.json", grid=None)
    with pytest.raises(UsageError, match="neither it nor its folder names a grid"):
        import_cells(tmp_path / "upload", project.cells)


def test_the_same_cell_in_two_parts_comes_in_once(project: Project, part: Project, tmp_path: Path) -> None:
    twin = make_project(tmp_path / "twin")
    twin.fill(twin.benchmark(), (2, 3))
    both = tmp_path / "both"
    for number, one in enumerate((part, twin)):
        shutil.copytree(one.cells, both / str(number))
    assert import_cells(both, project.cells) == Imported(3, 1, 0)
    (log,) = [path / "stdout.log" for path in project.directories() if "-s2-" in path.name]
    assert log.exists()


def test_what_is_not_done_stays_behind(project: Project, part: Project) -> None:
    (part.directories()[0] / "done.json").unlink()
    assert fetch(project, part) == Imported(1, 0, 0)


def test_failed_cells_come_in_as_failed(project: Project, tmp_path: Path) -> None:
    other = make_project(tmp_path / "failing")
    other.fill(other.benchmark("exit=3"), (1,))
    assert fetch(project, other) == Imported(1, 0, 0)
    board = project.fill(project.benchmark("exit=3"), (1,))
    assert (board.trained, len(board.failures)) == (0, 1)


def test_what_a_stopped_attempt_left_here_gives_way(project: Project, part: Project) -> None:
    (group,) = groups(project, (1,))
    group.folder.mkdir(parents=True)
    (group.folder / "cell.json").write_text("{}")
    (group.folder / "half.wandb").write_text("x")
    assert fetch(project, part) == Imported(2, 0, 0)
    assert not (group.folder / "half.wandb").exists()


def test_what_is_trained_here_just_now_is_left_alone(project: Project, part: Project) -> None:
    (group,) = groups(project, (1,))
    with held_elsewhere(group.locks()):
        assert fetch(project, part) == Imported(1, 0, 1)
    assert fetch(project, part) == Imported(1, 1, 0)


def test_a_crash_while_it_copies_leaves_nothing_that_counts(
    project: Project, part: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "x")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space"):
        fetch(project, part)
    assert [path.name for path in project.cells.glob("*/*")] == [".locks"]
    monkeypatch.undo()
    assert fetch(project, part) == Imported(2, 0, 0)


class TestConflicts:
    def test_a_process_of_which_some_seeds_are_done_here(self, project: Project, tmp_path: Path) -> None:
        other = make_project(tmp_path / "other")
        other.fill(other.benchmark(many=True), (1, 2, 3), slots=1)
        project.fill(project.benchmark(many=True), (2,))
        with pytest.raises(UsageError, match=r"one process trained A-v1 seeds 1-3, and .* has A-v1 seed 2 already"):
            fetch(project, other)
        assert len(project.directories()) == 1

    def test_two_parts_that_overlap_are_refused_before_anything_is_copied(
        self, project: Project, tmp_path: Path
    ) -> None:
        for name, seeds in (("a", (1, 2)), ("b", (2, 3))):
            machine = make_project(tmp_path / "parts" / name)
            machine.fill(machine.benchmark(many=True), seeds, slots=1)
        with pytest.raises(UsageError, match=r"seeds 2-3, and .*parts/a.* has A-v1 seed 2"):
            import_cells(tmp_path / "parts", project.cells)
        assert not project.cells.exists()

    def test_another_key_under_the_same_name(self, project: Project, part: Project) -> None:
        project.fill(project.benchmark(), (1,))
        (lying, _) = part.directories()
        edit(lying / "cell.json", keys={"1": "0" * 64})
        with pytest.raises(UsageError, match="says another key of A-v1 seed 1 than"):
            fetch(project, part)


Lie = Callable[[Path], object]


def link(target: str) -> Lie:
    def lie(cell: Path) -> None:
        (cell / "cell.json").rename(cell / "hidden.json")
        (cell / "cell.json").symlink_to(target)

    return lie


LIES: dict[str, tuple[Lie, str]] = {
    "grid above": (lambda cell: edit(cell / "cell.json", grid="../bench-0123456789ab"), "neither it nor its folder"),
    "grid with path": (lambda cell: edit(cell / "cell.json", grid="/etc/x-0123456789ab"), "neither it nor its folder"),
    "hidden grid": (lambda cell: edit(cell / "cell.json", grid=".bench-0123456789ab"), "neither it nor its folder"),
    "grid is a list": (lambda cell: edit(cell / "cell.json", grid=["x"]), "neither it nor its folder"),
    "no JSON": (lambda cell: (cell / "cell.json").write_text("{"), "is not the file a launcher wrote"),
    "deep JSON": (lambda cell: (cell / "cell.json").write_text("[" * 400_000), "is not the file a launcher wrote"),
    "a list": (lambda cell: (cell / "cell.json").write_text("[]"), "it holds no object"),
    "bytes": (lambda cell: (cell / "cell.json").write_bytes(b"\xff\xfe"), "is not the file a launcher wrote"),
    "huge": (lambda cell: (cell / "cell.json").write_text(" " * 2_000_000), "it has 2000000 bytes"),
    "no seeds": (lambda cell: edit(cell / "cell.json", seeds=[]), "does not say environment, seeds"),
    "seed twice": (lambda cell: edit(cell / "cell.json", seeds=[1, 1]), "do not go together"),
    "true seed": (lambda cell: edit(cell / "cell.json", seeds=[True], keys={"True": "0" * 64}), "does not say"),
    "no keys": (lambda cell: edit(cell / "cell.json", keys=None), "does not say environment, seeds"),
    "key as path": (lambda cell: edit(cell / "cell.json", keys={"1": "../" * 22}), "does not say environment"),
    "odd environment": (lambda cell: edit(cell / "cell.json", env_id="A\x1b[2J"), "its environment is"),
    "environment of two lines": (lambda cell: edit(cell / "cell.json", env_id="A\n  done"), "its environment is"),
    "long environment": (lambda cell: edit(cell / "cell.json", env_id="A" * 300), "its environment is"),
    "no provenance": (lambda cell: edit(cell / "cell.json", provenance=None), "provenance is missing"),
    "odd reproduce": (lambda cell: edit(cell / "cell.json", reproduce=[]), "reproduce is of another kind"),
    "odd end": (lambda cell: edit(cell / "done.json", exit_code="0"), "done.json: .* lacks exit_code"),
    "no moment": (lambda cell: edit(cell / "done.json", ended_at="yesterday"), "done.json: .* lacks exit_code"),
    "endless": (lambda cell: edit(cell / "done.json", seconds=1e300), "done.json: .* lacks exit_code"),
    "not a number": (lambda cell: edit(cell / "done.json", seconds=float("nan")), "done.json: .* lacks exit_code"),
    "negative": (lambda cell: edit(cell / "done.json", seconds=-5), "done.json: .* lacks exit_code"),
    "linked": (link("hidden.json"), "it is a link"),
    "linked to nothing": (link("/nowhere/x"), "it is a link"),
    "within": (lambda cell: shutil.copytree(cell, cell / "z"), "is a cell inside of another one's directory"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_part_that_lies_is_refused_whole(name: str, project: Project, part: Project) -> None:
    tell, why = LIES[name]
    tell(part.directories()[0])
    with pytest.raises(UsageError, match=why):
        fetch(project, part)
    assert not project.cells.exists()
    assert sorted(path.name for path in project.root.iterdir()) == ["trainer.py"]


def test_nothing_is_taken_through_links_or_from_pipes(project: Project, part: Project, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("secret")
    cell = part.directories()[0]
    (cell / "file").symlink_to(tmp_path / "secret" / "key")
    (cell / "folder").symlink_to(tmp_path / "secret")
    (cell / "loop").symlink_to(".")
    os.mkfifo(cell / "pipe")
    assert fetch(project, part) == Imported(2, 0, 0)
    assert sorted(path.name for path in project.directories()[0].iterdir()) == ["cell.json", "done.json", "stdout.log"]
    assert all(not path.is_symlink() for path in project.cells.rglob("*"))


@pytest.mark.parametrize("limit", ["MOST_FILES", "MOST_BYTES"])
def test_no_part_fills_the_disk(limit: str, project: Project, part: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"rlops.launch.parts.{limit}", 2)
    with pytest.raises(UsageError, match="too much for what a trainer logs"):
        fetch(project, part)
    assert not project.cells.exists()


def test_what_was_trained_here_between_the_look_and_the_lock_stays(
    project: Project, part: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    import rlops.launch.parts as module

    real = module.take_locks

    def late(paths: list[Path]) -> list[int] | None:
        if not project.starts():
            project.fill(project.benchmark(), (1,))
        return real(paths)

    monkeypatch.setattr(module, "take_locks", late)
    assert fetch(project, part) == Imported(1, 1, 0)
