"""How cells become processes."""

import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlops.errors import UsageError
from rlops.launch import Board, supervise
from rlops.launch.cell_group import CellGroup, group_cells
from rlops.plan import Provenance, Variant, expand
from tests.launch.dummies import Project

KNOWN = Provenance("0" * 64, None, False, {}, "3", "a machine", "a fingerprint")


def groups(
    project: Project, seeds: tuple[int, ...], slots: int, *, many: bool = True, most: int = 10, envs: int = 1
) -> list[tuple[str, tuple[int, ...]]]:
    environments = [f"E{i}" for i in range(envs)]
    benchmark = project.benchmark(many=many, environments=environments, resources={"seeds_per_process": most})
    grid = project.grid(benchmark, seeds)
    return [(group.env_id, group.seeds) for group in group_cells({grid: grid.cells}, project.cells, slots)]


def test_one_seed_a_process_where_the_command_takes_one(project: Project) -> None:
    assert groups(project, (1, 2), 2, many=False, envs=2) == [("E0", (1,)), ("E1", (1,)), ("E0", (2,)), ("E1", (2,))]


def test_every_slot_gets_its_share(project: Project) -> None:
    assert groups(project, (1, 2, 3, 4, 5), 2) == [("E0", (1, 2, 3)), ("E0", (4, 5))]
    assert groups(project, (1, 2, 3, 4, 5), 2, envs=2) == [("E0", (1, 2, 3, 4, 5)), ("E1", (1, 2, 3, 4, 5))]
    assert groups(project, (1, 2, 3, 4), 8) == [("E0", (seed,)) for seed in (1, 2, 3, 4)]


def test_no_process_gets_more_seeds_than_the_benchmark_allows(project: Project) -> None:
    assert [len(seeds) for _, seeds in groups(project, tuple(range(20)), 1, most=4)] == [4] * 5


@given(
    n_seeds=st.integers(1, 40),
    envs=st.integers(1, 4),
    slots=st.integers(1, 12),
    most=st.integers(1, 12),
    many=st.booleans(),
)
def test_every_cell_once_in_a_group_of_its_environment(
    n_seeds: int, envs: int, slots: int, most: int, many: bool
) -> None:
    project = Project(Path("nowhere"))
    found = groups(project, tuple(range(n_seeds)), slots, many=many, most=most, envs=envs)
    cells = [(env_id, seed) for env_id, seeds in found for seed in seeds]
    assert sorted(cells) == sorted((f"E{i}", seed) for i in range(envs) for seed in range(n_seeds))
    assert max(len(seeds) for _, seeds in found) <= (most if many else 1)
    assert len(found) >= min(slots, math.ceil(n_seeds * envs / most)), "a slot has nothing to do"


@given(
    env_id=st.sampled_from(["E", "E-s1", "E/s1-12345678", "E" * 59 + "-s1", "E" * 80]),
    trained=st.lists(st.integers(0, 120), min_size=1, max_size=12, unique=True),
    asked=st.lists(st.integers(0, 120), min_size=1, max_size=12, unique=True),
)
def test_what_another_group_has_trained_is_found_by_the_names_of_folders(
    env_id: str, trained: list[int], asked: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as place:
        project = Project(Path(place))
        benchmark = project.benchmark(many=True, environments=[env_id], code=["x"])
        grid = expand(benchmark, Variant("v", Path(place), KNOWN), tuple(sorted({*trained, *asked})))
        one, other = (
            CellGroup(grid, tuple(cell for cell in grid.cells if cell.seed in seeds), Path(place))
            for seeds in (trained, asked)
        )
        one.folder.mkdir()
        supervise.write_json(one.folder / "cell.json", {"env_id": env_id, "seeds": trained})
        supervise.write_json(one.folder / "done.json", {"exit_code": 0})
        request = {"env_id": env_id, "seeds": list(other.seeds)}
        assert supervise.any_is_finished(request, Path(place)) == bool(set(trained) & set(asked))


def test_a_trainer_of_many_seeds_is_told_all_of_them(project: Project) -> None:
    board = project.fill(project.benchmark(many=True, environments=["A-v1", "B-v1"]), (1, 2, 3, 9), slots=2)
    assert board.trained == 8
    assert project.starts() == {"A-v1 1-3,9": 1, "B-v1 1-3,9": 1}
    board = project.fill(project.benchmark(many=True, environments=["A-v1", "B-v1"]), (1, 2, 4), slots=2)
    assert (board.trained, board.known) == (2, 4)
    assert project.starts() == {"A-v1 1-3,9": 1, "B-v1 1-3,9": 1, "A-v1 4": 1, "B-v1 4": 1}


def test_a_failed_group_fails_all_its_seeds(project: Project) -> None:
    benchmark = project.benchmark("exit@3-4=1", many=True)
    board = project.fill(benchmark, (1, 2, 3, 4), slots=2)
    assert [failure.label for failure in board.failures] == ["A-v1 seeds 3-4"]
    board = project.fill(benchmark, (4,), slots=2)
    assert [failure.label for failure in board.failures] == ["A-v1 seed 4"]


def test_force_takes_all_seeds_of_a_process_or_none(project: Project) -> None:
    benchmark = project.benchmark("exit@1-2=1", many=True)
    project.fill(benchmark, (1, 2), slots=1)
    with pytest.raises(UsageError, match="seeds 1-2 of A-v1 were trained by one process"):
        project.fill(benchmark, (1,), slots=1, force=True)
    assert project.fill(benchmark, (1, 2), slots=1, force=True).trained == 2


def test_code_that_is_edited_while_it_trains_gives_no_results(project: Project) -> None:
    """What had ended before the edit counts; what ran meanwhile does not, under whatever key."""
    benchmark = project.benchmark("wait@2=go")

    def edit(board: Board) -> None:
        if board.ended and not project.has("go"):
            with (project.root / "trainer.py").open("a") as file:
                file.write("# edited\n")
            project.touch("go")

    with pytest.raises(UsageError, match="was changed while it was being trained"):
        project.fill(benchmark, (1, 2, 3), slots=2, changed=edit)
    done = [path.parent.name for path in project.cells.glob("*/*/done.json")]
    assert len(done) == 1
    assert done[0].startswith("A-v1-s1-")
