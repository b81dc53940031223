"""How long it will take: by hand on small cases, and nearer to the truth the more has ended."""

import json
from pathlib import Path

import numpy as np
import pytest

from rlops.launch.cell_group import CellGroup, group_cells
from rlops.launch.estimate import Estimate
from tests.launch.dummies import Project


def groups(project: Project, seeds: int, **more: object) -> list[CellGroup]:
    grid = project.grid(project.benchmark(**more), tuple(range(1, seeds + 1)))
    return group_cells({grid: grid.cells}, project.cells, 1)


def ended(group: CellGroup, seconds: float, exit_code: int = 0, at: str = "2026-01-01") -> None:
    group.folder.mkdir(parents=True)
    (group.folder / "cell.json").write_text(json.dumps(group.request()))
    done = {"exit_code": exit_code, "seconds": seconds, "ended_at": at}
    (group.folder / "done.json").write_text(json.dumps(done))


class TestPast:
    def test_nothing_is_known_of_nothing(self, project: Project) -> None:
        (one,) = groups(project, 1)
        estimate = Estimate.of(one.grid.benchmark, project.cells)
        assert estimate.seconds("A-v1", 1) is None
        assert estimate.left({one: 0.0}, [], 2, 10.0) is None
        assert estimate.left({}, [one], 2, 10.0) is None
        assert estimate.left({}, [], 2, 10.0) == 0

    def test_the_median_of_other_versions_of_the_benchmark(self, project: Project) -> None:
        for version, seconds in enumerate((10.0, 30.0, 500.0)):
            (project.root / "trainer.py").write_text(f"# {version}")
            ended(groups(project, 1)[0], seconds)
        (other,) = groups(project, 1, budget=2000)
        ended(other, 7.0)
        ended(groups(project, 1, environments=["B-v1"])[0], 2.0, exit_code=1)
        benchmark = project.benchmark()
        assert Estimate.of(benchmark, project.cells).seconds("A-v1", 1) == 30.0
        # Nothing ended well there: as long as elsewhere, in proportion to the seeds.
        assert Estimate.of(benchmark, project.cells).seconds("B-v1", 2) == 60.0

    def test_the_latest_tell(self, project: Project) -> None:
        for version in range(25):
            (project.root / "trainer.py").write_text(f"# {version}")
            ended(groups(project, 1)[0], 100.0 if version < 5 else 1.0 * version, at=f"2026-01-{version + 1:02}")
        assert Estimate.of(project.benchmark(), project.cells).seconds("A-v1", 1) == 14.5

    def test_processes_of_the_same_size_first(self) -> None:
        estimate = Estimate({("A", 1): [10.0], ("A", 10): [40.0]})
        assert (estimate.seconds("A", 1), estimate.seconds("A", 10)) == (10.0, 40.0)
        assert estimate.seconds("A", 5) == 5 * (10 + 4) / 2

    def test_this_call_counts_more(self, project: Project) -> None:
        (one,) = groups(project, 1)
        estimate = Estimate({("A-v1", 1): [10.0] * 20, ("B-v1", 1): [1.0]})
        ended(one, 50.0)
        estimate.learn(one)
        assert estimate.seconds("A-v1", 1) == 50.0
        assert estimate.seconds("B-v1", 1) == 1.0


class TestLeft:
    """Processes of 60 s on two slots."""

    @pytest.fixture
    def known(self) -> Estimate:
        return Estimate({("A-v1", 1): [60.0]})

    @pytest.mark.parametrize(
        ("running", "waiting", "expected"),
        [
            ([], 1, 60.0),
            ([], 2, 60.0),
            ([], 3, 120.0),
            ([0.0], 0, 60.0),
            ([40.0], 0, 20.0),
            ([40.0, 0.0], 1, 80.0),
            ([40.0, 20.0], 3, 140.0),
            ([100.0], 0, 10.0),  # overdue: a tenth more
        ],
    )
    def test_by_hand(
        self, running: list[float], waiting: int, expected: float, known: Estimate, project: Project
    ) -> None:
        found = groups(project, len(running) + waiting)
        since = {found.pop(): 1000.0 - elapsed for elapsed in running}
        assert known.left(since, found, 2, 1000.0) == pytest.approx(expected)

    def test_it_gets_better(self, project: Project) -> None:
        """The past says a tenth of the truth (another machine, another load); the error of what is told shrinks."""
        truth = np.random.default_rng(0).lognormal(np.log(60.0), 0.2, 20)
        waiting, estimate = groups(project, 20), Estimate({("A-v1", 1): [6.0]})
        errors = []
        for number in range(19):  # one slot: what is left is the sum of the others
            told = estimate.left({}, waiting[number:], 1, 0.0)
            assert told is not None
            errors.append(abs(told / truth[number:].sum() - 1))
            estimate.here["A-v1", 1].append(float(truth[number]))
        assert errors[0] > 0.85
        assert max(errors[1:5]) < 0.5
        assert max(errors[5:15]) < 0.25, errors


def test_a_store_that_is_not_there(tmp_path: Path, project: Project) -> None:
    assert Estimate.of(project.benchmark(), tmp_path / "none").past == {}
