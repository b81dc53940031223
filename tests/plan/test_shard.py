"""`--shard i/n`: parts that are disjoint, complete, even, and the same for whoever asks."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlops.errors import UsageError
from rlops.plan import Grid, Shard
from tests.launch.dummies import Project


def grid_of(envs: int, seeds: tuple[int, ...], *, most: int | None = None) -> Grid:
    benchmark = Project(Path("nowhere")).benchmark(
        many=most is not None,
        environments=[f"E{i}" for i in range(envs)],
        resources={"seeds_per_process": most or 10},
    )
    return Project(Path("nowhere")).grid(benchmark, seeds)


def shards(grid: Grid, count: int) -> list[list[tuple[str, int]]]:
    parts = (Shard(number, count).of(grid) for number in range(1, count + 1))
    return [[(cell.env_id, cell.seed) for cell in part.cells] for part in parts]


GRIDS = st.builds(
    grid_of,
    st.integers(1, 6),
    st.lists(st.integers(0, 99), unique=True, max_size=30).map(tuple),
    most=st.one_of(st.none(), st.integers(1, 12)),
)


@given(grid=GRIDS, count=st.integers(1, 12))
def test_every_cell_is_in_one_shard_and_all_are_as_large(grid: Grid, count: int) -> None:
    parts = shards(grid, count)
    everything = [cell for part in parts for cell in part]
    assert Counter(everything) == Counter((cell.env_id, cell.seed) for cell in grid.cells)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


@given(grid=GRIDS, count=st.integers(1, 12))
def test_another_call_with_other_code_gets_the_same_parts(grid: Grid, count: int) -> None:
    """What is trained where depends on the grid asked for alone: not on keys, and so neither on what is known."""
    other = replace(grid, cells=tuple(replace(cell, key=cell.key[::-1]) for cell in grid.cells))
    assert shards(other, count) == shards(grid, count)


@given(envs=st.integers(1, 6), n_seeds=st.integers(1, 30), count=st.integers(1, 8))
def test_one_seed_a_process_every_shard_has_its_share_of_every_environment(envs: int, n_seeds: int, count: int) -> None:
    for part in shards(grid_of(envs, tuple(range(n_seeds))), count):
        per_environment = Counter({f"E{i}": 0 for i in range(envs)})
        per_environment.update(env_id for env_id, _ in part)
        assert max(per_environment.values()) - min(per_environment.values()) <= 1


def test_many_seeds_a_process_stay_together() -> None:
    assert shards(grid_of(2, tuple(range(10)), most=5), 2) == [
        [(env_id, seed) for seed in range(5) for env_id in ("E0", "E1")],
        [(env_id, seed) for seed in range(5, 10) for env_id in ("E0", "E1")],
    ]
    whole = shards(grid_of(4, tuple(range(10)), most=10), 4)
    assert [[env_id for env_id, _ in part] for part in whole] == [[f"E{i}"] * 10 for i in range(4)]


def test_more_shards_than_cells_leave_some_empty() -> None:
    assert sorted(map(len, shards(grid_of(1, (1, 2)), 4))) == [0, 0, 1, 1]


def test_how_it_is_written() -> None:
    assert Shard.parse("1/4") == Shard(1, 4)
    assert Shard.parse(" 4 / 4 ") == Shard(4, 4)
    assert str(Shard(2, 8)) == "2/8"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0/4", "no shard 0 of 4; they are 1/4 to 4/4"),
        ("5/4", "no shard 5 of 4"),
        ("1/0", "no parts"),
        ("0/0", "no parts"),
        ("-1/4", "is no shard; write 1/4"),
        ("1", "is no shard"),
        ("", "is no shard"),
        ("a/b", "is no shard"),
        ("1/2/3", "is no shard"),
        ("1.0/4", "is no shard"),
        ("\u0661/4", "is no shard"),
        ("1/99999999999", "is no shard"),
    ],
)
def test_what_is_none(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Shard.parse(text)
