"""Bisection: train the commit that tells most, a batch of fresh seeds at a time, until one is to blame."""

import math
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from rlops.curves import columns, oriented_grid, sound_runs
from rlops.errors import ExitCode, RlopsError, RunsFailedError, UsageError
from rlops.judge import Found, Suspects, suspects
from rlops.plan import (
    Benchmark,
    CodePath,
    Commit,
    Grid,
    Repository,
    code_path,
    describe,
    expand,
    format_seeds,
    version,
)
from rlops.run_sets import trained_runs
from rlops.stats import CulpritPosterior, Floats, TwoLevels, entropy
from rlops.training import HERE, Launching, Watchers, capacity, train
from rlops.workspace import Workspace

GOOD_RUNS, BAD_RUNS = 10, 5
"""What is trained of each end where it is not known (arbitrary); what a gate has trained there counts, too."""
LARGEST_BATCH = 4
"""Runs of one commit at a time, however many cores there are: of more, most tell nothing new (docs/bisect.md)."""
STATISTICS = ("final", "auc")


@dataclass(frozen=True)
class Question:
    """What is asked: on which environment (None: the one that shows most), how surely, after how many runs at most."""

    env_id: str | None = None
    confidence: float = 0.95
    runs: int = 60


@dataclass(frozen=True)
class Ends:
    """What both ends' runs show: the environment and the score that tell them apart best, and those scores."""

    env_id: str
    statistic: str
    good: Floats
    bad: Floats

    @property
    def spreads(self) -> float:
        """How far the bad end's mean lies below the good one's, in pooled standard deviations."""
        drop = float(self.good.mean() - self.bad.mean())
        spread = math.sqrt((self.good.var(ddof=1) + self.bad.var(ddof=1)) / 2)
        return drop / spread if spread else math.copysign(math.inf, drop) if drop else 0.0


@dataclass(frozen=True)
class Batch:
    """One commit tested: its place on the path, the seeds asked for, the scores of those that came to a good end."""

    position: int
    commit: str
    seeds: tuple[int, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True)
class Answer:
    """How a bisection ended.

    `suspects`: None where there was nothing to decide between, and `why` says it; `drop`: posterior mean and interval
    in units of the score. `trained`: cells that this call trained, at the ends and in tests.
    """

    path: CodePath
    ends: Ends | None
    why: str
    suspects: Suspects | None
    culprits: tuple[Commit, ...]
    likely: tuple[tuple[Commit, float], ...]
    drop: tuple[float, float, float] | None
    tests: tuple[Batch, ...]
    broken: tuple[Commit, ...]
    trained: int
    next_command: str | None

    @property
    def exit_code(self) -> ExitCode:
        """0 where somebody is to blame, 4 where every commit between failed, else 3."""
        if self.all_failed:
            return ExitCode.FAILED
        culprit = self.suspects is not None and self.suspects.found is Found.CULPRIT
        return ExitCode.PASS if culprit else ExitCode.INCONCLUSIVE

    @property
    def all_failed(self) -> bool:
        """Was there anything between the ends, and did all of it fail?"""
        between = set(self.path.commits[1:-1])
        return bool(between) and between <= {commit.id for commit in self.broken}

    @property
    def runs(self) -> int:
        """How many runs the tests asked for, known ones included; those of the ends are not among them."""
        return sum(len(test.seeds) for test in self.tests)


def bisect(
    workspace: Workspace,
    benchmark: Benchmark,
    good: str,
    bad: str,
    question: Question,
    watchers: Watchers,
    launching: Launching = HERE,
) -> Answer:
    """The commit between `good` and `bad` that made it worse."""
    if question.env_id is not None:
        if question.env_id not in benchmark.environments:
            known = ", ".join(benchmark.environments)
            raise UsageError(f"--env-id: the benchmark '{benchmark.name}' has no {question.env_id}; it has: {known}")
        benchmark = benchmark.model_copy(update={"environments": (question.env_id,)})
    workspace.prepare()
    repository = Repository.around(workspace.root)
    path = code_path(repository, good, bad, [*benchmark.code, *benchmark.dependencies.lock])
    watchers.told(
        f"{path.total} commits from {good} to {bad}; {path.left_out} of them leave what is trained as it was, "
        f"so there are {len(path.commits) - 1} to choose from"
    )
    return _Bisection(workspace, benchmark, repository, path, question, watchers, launching).answer()


@dataclass
class _Bisection:
    workspace: Workspace
    benchmark: Benchmark
    repository: Repository
    path: CodePath
    question: Question
    watchers: Watchers
    launching: Launching
    tests: list[Batch] = field(default_factory=list)
    broken: set[int] = field(default_factory=set)
    trained: int = 0

    @property
    def n(self) -> int:
        return len(self.path.commits) - 1

    def answer(self) -> Answer:
        if self.n == 0:
            return self._ended("nothing that is trained differs between the two", None)
        ends = self._ends()
        if not np.ptp(np.concatenate([ends.good, ends.bad])):
            return self._ended("every run of both ends has the same score", ends)
        levels = TwoLevels.of_ends(ends.good, ends.bad)
        while True:
            posterior = self._posterior(levels, ends)
            standing = suspects(posterior.probabilities, self.broken, self.question.confidence)
            bits = np.where(np.isin(np.arange(self.n + 1), list(self.broken)), -1.0, posterior.information())
            self._tell(ends, posterior, standing, float(bits.max()))
            asked = sum(len(test.seeds) for test in self.tests)
            over = standing.found is not Found.UNDECIDED or asked >= self.question.runs
            if over or (self.n > 1 and self.broken.issuperset(range(1, self.n))):
                return self._answered(ends, posterior, standing)
            self._test(int(bits.argmax()), ends, min(self._batch, self.question.runs - asked))

    @property
    def _batch(self) -> int:
        return min(capacity(self.benchmark, self.launching), LARGEST_BATCH)

    def _grid(self, position: int, seeds: tuple[int, ...]) -> Grid:
        commit = self.path.commits[position]
        variant = version(self.repository, commit, self.benchmark, self.workspace.store)
        return expand(self.benchmark, variant, seeds)

    def _ends(self) -> Ends:
        """Trains what is missing at both ends, and finds what tells them apart best."""
        seeds = self.benchmark.seeds
        own = tuple(dict.fromkeys((*seeds.baseline, *seeds.candidate)))
        good, bad = self._grid(0, own), self._grid(self.n, own)
        first = [
            grid.only(dict.fromkeys(self.benchmark.environments, some))
            for grid, some in ((good, seeds.baseline[:GOOD_RUNS]), (bad, seeds.candidate[:BAD_RUNS]))
        ]
        board = train(self.workspace, first, self.watchers, self.launching)
        self.trained += board.trained
        found = list(self._tellings(good, bad))
        if not found:
            raise RunsFailedError(
                f"no environment has two sound runs of both ends ({good.variant.name}, {bad.variant.name}); see what "
                "failed above. Where the bad end crashes there is nothing to learn from scores: git bisect run finds it"
            )
        return max(found, key=lambda ends: ends.spreads)

    def _tellings(self, good: Grid, bad: Grid) -> Iterator[Ends]:
        scores = self._scores(good), self._scores(bad)
        for env_id in self.benchmark.environments:
            one, other = (side[env_id] for side in scores)
            if min(len(one), len(other)) >= 2:
                yield from (Ends(env_id, name, one[:, i], other[:, i]) for i, name in enumerate(STATISTICS))

    def _scores(self, grid: Grid) -> dict[str, Floats]:
        """`final` and `auc` of every sound run of the grid that is known, (runs, 2) by environment."""
        budget, runs = self.benchmark.budget, trained_runs(self.workspace, grid, self.watchers)
        found = {}
        for env_id in self.benchmark.environments:
            curves = [run.curve for run in sound_runs(runs.of(env_id), budget)]
            grids = [oriented_grid(curve, budget, higher_is_better=self.benchmark.higher_is_better) for curve in curves]
            found[env_id] = columns(np.array(grids).reshape(len(grids), -1))[:, :2] if grids else np.empty((0, 2))
        return found

    def _posterior(self, levels: TwoLevels, ends: Ends) -> CulpritPosterior:
        tested = [(test.position, score) for test in self.tests for score in test.scores]
        known = [*((0, score) for score in ends.good), *((self.n, score) for score in ends.bad), *tested]
        positions, scores = zip(*known, strict=True)
        return CulpritPosterior(levels, self.n, np.array(positions), np.array(scores))

    def _test(self, position: int, ends: Ends, size: int) -> None:
        """Trains seeds that no test has used: a seed of two commits that learn alike is one draw, not two."""
        seeds = self.benchmark.seeds
        asked = sum(len(test.seeds) for test in self.tests)
        first = max((*seeds.baseline, *seeds.candidate)) + 1 + asked
        fresh, commit = tuple(range(first, first + size)), self.path.commits[position]
        scores = np.empty(0)
        try:
            grid = self._grid(position, fresh).only({ends.env_id: fresh})
        except RlopsError as error:  # no such folder there, or its packages cannot be installed
            self.watchers.told(f"{commit[:7]} cannot be trained: {error}")
        else:
            scores = self._trained(grid, ends)
        self.tests.append(Batch(position, commit, fresh, tuple(map(float, scores))))
        if not scores.size:
            self.broken.add(position)

    def _trained(self, grid: Grid, ends: Ends) -> Floats:
        """The scores of the sound runs of a test."""
        board = train(self.workspace, [grid], self.watchers, self.launching)
        self.trained += board.trained
        if not (board.trained_keys | board.known_keys).issuperset(cell.key for cell in grid.cells):
            raise RunsFailedError(
                f"a run of {grid.variant.name} was stopped from outside; the same command goes on from here"
            )
        try:
            return self._scores(grid)[ends.env_id][:, STATISTICS.index(ends.statistic)]
        except UsageError as error:  # it logs another metric
            self.watchers.told(f"{grid.variant.name}: {error}")
            return np.empty(0)

    def _tell(self, ends: Ends, posterior: CulpritPosterior, standing: Suspects, bits: float) -> None:
        best = self.path.commits[standing.candidates[0]][:7]
        left = math.ceil(entropy(posterior.probabilities) / bits) if bits > 0 else 0
        more = "" if standing.found is not Found.UNDECIDED else f"; some {left} more runs"
        self.watchers.told(
            f"{self._last(ends)}; {standing.likely} likely, best {best} {standing.probability:.0%}, "
            f"none {standing.none:.0%}{more}"
        )

    def _last(self, ends: Ends) -> str:
        mean = float(ends.good.mean())
        if not self.tests:
            what = f"{ends.good.size} good runs {mean:.4g} +- {ends.good.std(ddof=1):.2g}"
            return f"{ends.env_id}, {ends.statistic}: {what}, {ends.bad.size} bad ones {ends.bad.mean():.4g}"
        test = self.tests[-1]
        if not test.scores:
            return f"{test.commit[:7]}: no sound run, it is skipped"
        return f"{test.commit[:7]}: {', '.join(f'{score:.4g}' for score in test.scores)} (good: {mean:.4g})"

    def _answered(self, ends: Ends, posterior: CulpritPosterior, standing: Suspects) -> Answer:
        probabilities = posterior.probabilities[:-1]
        order = np.argsort(-probabilities, kind="stable")[: max(standing.likely, len(standing.candidates))]
        likely = tuple((self._commit(int(i) + 1), float(probabilities[i])) for i in order)
        found = standing.found is Found.CULPRIT
        culprits = tuple(map(self._commit, standing.candidates)) if found else ()
        answer = replace(
            self._ended("", ends),
            suspects=standing,
            culprits=culprits,
            likely=likely,
            drop=posterior.drop(standing.candidates[0]) if found else None,
        )
        return replace(answer, next_command=self._next(standing)) if found and not answer.all_failed else answer

    def _next(self, standing: Suspects) -> str:
        before, after = (
            f"git:{self.path.commits[k][:12]}" for k in (standing.candidates[0] - 1, standing.candidates[-1])
        )
        seeds = format_seeds(self.benchmark.seeds.candidate)
        sides = [f"{side}?seed={seeds}" for side in (before, after)]
        run = shlex.join(["rlops", "run", self.benchmark.name, before, after, "--seeds", seeds])
        return f"{run} && {shlex.join(['rlops', 'compare', *sides, '--benchmark', self.benchmark.name])}"

    def _commit(self, position: int) -> Commit:
        return describe(self.repository, self.path.commits[position])

    def _ended(self, why: str, ends: Ends | None) -> Answer:
        return Answer(
            path=self.path,
            ends=ends,
            why=why,
            suspects=None,
            culprits=(),
            likely=(),
            drop=None,
            tests=tuple(self.tests),
            broken=tuple(self._commit(position) for position in sorted(self.broken)),
            trained=self.trained,
            next_command=None,
        )
