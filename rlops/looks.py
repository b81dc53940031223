"""Training look by look until the judge has decided, and fresh baseline seeds before a regression is said."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rlops.curves import RunSet
from rlops.judge import Case, Confirmation, Finding, Word, deliberate, out_of_time, unconfirmed
from rlops.launch import Board, duration
from rlops.plan import Grid, Plan, format_seeds
from rlops.training import OutOfTime, Watchers

Filler = Callable[[Sequence[Grid]], Board]
Reader = Callable[[Grid], RunSet]


@dataclass
class Looks:
    """One judgement in the making.

    `fill` brings grids as far as it may, `read` gives the runs of a grid. `base`: the baseline's code with the seeds
    that may confirm a regression, None where it cannot be trained.
    """

    plan: Plan
    head: Grid
    fill: Filler
    read: Reader
    watchers: Watchers
    base: Callable[[], Grid | None]
    boards: list[Board] = field(default_factory=list)
    _wanted: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def first(self) -> Grid:
        """The cells of the first look."""
        seeds = (self.plan.seeds or ())[: self.plan.looks[0]]
        return self.head.only({item.env_id: seeds for item in self.plan.environments})

    def decide(self, baseline: RunSet, beforehand: tuple[Finding, ...] = (), twins: RunSet | None = None) -> Case:
        """Goes on until it is decided, the seeds are used up, a run of the candidate has failed, or the time is over.

        Raises OutOfTime where that is so before the first look.
        """
        confirmation: Confirmation | None = None
        case: Case | None = None
        grid, look = self.first(), 0
        try:
            while True:
                self._bring(grid)
                candidate = self._trained(grid)
                case = deliberate(baseline, candidate, self.plan, beforehand, twins, confirmation, look)
                # More than once: with another baseline another environment may be named.
                while more := self._confirm(case, confirmation):
                    confirmation = more
                    case = deliberate(baseline, candidate, self.plan, beforehand, twins, confirmation, look)
                wanted = case.decision.course.next_seeds()
                if case.decision.word is Word.FAILED or not wanted:
                    break
                self._tell(case, wanted)
                grid, look = self.head.only(wanted), look + 1
        except OutOfTime as stopped:
            if case is None:
                raise
            self.boards.append(stopped.board)
            return out_of_time(case, stopped.board.cells_left)
        if case.decision.word is Word.REGRESSED and case.decision.course.to_confirm():
            case = replace(case, findings=[*case.findings, unconfirmed(self.plan.policy)])
        return case

    def _bring(self, grid: Grid) -> None:
        """Fills a grid, unless it was filled on the way here."""
        seen = {key for board in self.boards for key in board.known_keys | board.trained_keys}
        if not seen.issuperset(cell.key for cell in grid.cells):
            self.boards.append(self.fill([grid]))

    def _trained(self, grid: Grid) -> RunSet:
        """The runs of all cells asked for so far, whatever else is known."""
        for cell in grid.cells:
            self._wanted[cell.env_id] = tuple(dict.fromkeys((*self._wanted.get(cell.env_id, ()), cell.seed)))
        runs = self.read(self.head)
        return replace(runs, runs=tuple(run for run in runs.runs if run.seed in self._wanted.get(run.env_id, ())))

    def _confirm(self, case: Case, before: Confirmation | None) -> Confirmation | None:
        """Trains fresh seeds of the baseline where a regression is in sight and there are none yet."""
        course = case.decision.course
        since = dict(before.since) if before else {}
        env_ids = [course.standings[place].samples.plan.env_id for place in course.to_confirm()]
        env_ids = [env_id for env_id in env_ids if env_id not in since]
        if case.decision.word is not Word.REGRESSED or not env_ids:
            return None
        base = self.base()
        if base is None:
            return None
        names = ", ".join(env_ids)
        self.watchers.told(
            f"{names}: worse, as it seems; {len(base.seeds)} fresh baseline seeds are trained before it is said"
        )
        grid = base.only(dict.fromkeys(env_ids, base.seeds))
        self._bring(grid)
        runs = self.read(base)
        asked = {**since, **dict.fromkeys(env_ids, course.look)}
        return Confirmation(replace(runs, runs=tuple(run for run in runs.runs if run.env_id in asked)), asked)

    def _tell(self, case: Case, wanted: Mapping[str, tuple[int, ...]]) -> None:
        course = case.decision.course
        seeds = len(next(iter(wanted.values())))
        text = f"look {course.look + 1} of {self.plan.num_looks}: undecided; {seeds} seeds of {', '.join(wanted)} next"
        if self.boards:
            every = self.head.only(dict.fromkeys(wanted, self.plan.seeds or ()))
            next_one, all_of_them = (self.boards[-1].seconds_for(grid) for grid in (self.head.only(wanted), every))
            if next_one is not None and all_of_them is not None:
                text += f", about {duration(next_one)}"
                text += f" ({duration(all_of_them)} if all looks are needed)" if all_of_them > next_one else ""
        self.watchers.told(text)


def confirming_seeds(count: int, *known: Sequence[int]) -> tuple[int, ...]:
    """`count` seeds that nobody has used yet."""
    first = max(max(seeds, default=0) for seeds in known) + 1
    return tuple(range(first, first + count))


def asked_for(case: Case) -> str:
    """The candidate seeds that were used, as people write them."""
    course = case.decision.course
    return format_seeds({seed for seeds in course.seeds().values() for seed in seeds})
