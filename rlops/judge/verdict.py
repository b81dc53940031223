"""Which word. The only module that holds a p against an alpha to find one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rlops.curves import COLUMNS
from rlops.errors import ExitCode
from rlops.judge.record import Finding, Word
from rlops.judge.samples import Glance, Samples
from rlops.plan import FEWEST_SEEDS_TO_PASS, Plan
from rlops.stats import MeanChange, holm, p_suite_within_margin, stouffer, suite_change

HOLD = 0.10
"""A passed environment whose p of harm is not above this goes on being looked at."""

PRECEDENCE = (
    Word.FAILED,
    Word.NOT_COMPARABLE,
    Word.INCONCLUSIVE,
    Word.IMPROVED,
    Word.EQUIVALENT,
    Word.IDENTICAL,
)
"""The benchmark's word is the first of these that an environment has, unless there is a regression."""

EXIT_CODES = {
    Word.IDENTICAL: ExitCode.PASS,
    Word.EQUIVALENT: ExitCode.PASS,
    Word.IMPROVED: ExitCode.PASS,
    Word.REGRESSED: ExitCode.REGRESSED,
    Word.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Word.FAILED: ExitCode.FAILED,
    Word.NOT_COMPARABLE: ExitCode.NOT_COMPARABLE,
}


@dataclass
class Standing:
    """What the looks so far have shown of one environment."""

    samples: Samples
    glance: Glance
    passed: bool = False
    harm: bool = False
    inside: bool = False

    @property
    def p_harm(self) -> float:
        """The latest; 1 where there was nothing to test."""
        return self.glance.p_harm if self.glance.testable else 1.0

    @property
    def regressed(self) -> bool:
        """Is it proven to be worse, and not shown to lose less than matters?"""
        return self.harm and not self.inside


@dataclass
class SuiteStanding:
    """What the looks so far have shown of all environments together; `change` is of the informative ones."""

    change: MeanChange | None = None
    p_equivalent: float | None = None
    p_harm: float = 1.0
    environments: int = 0
    within_margin: bool = False
    passed: bool = False
    harm: bool = False

    @property
    def regressed(self) -> bool:
        """Is the suite proven to be worse, and its mean not shown to lose less than matters?"""
        return self.harm and not self.within_margin


@dataclass
class Course:
    """A judgement on its way through the looks: where it stands after `look` (counted from 0)."""

    plan: Plan
    look: int
    standings: list[Standing]
    suite: SuiteStanding = field(default_factory=SuiteStanding)

    @property
    def regressed(self) -> bool:
        """A regression ends it."""
        return self.suite.regressed or any(item.regressed for item in self.standings)

    @property
    def last(self) -> bool:
        """Is no look left?"""
        return self.look == self.plan.num_looks - 1

    def seeds(self) -> dict[str, tuple[int, ...]]:
        """Environment -> the planned seeds that it was given; empty where none were planned."""
        if self.plan.seeds is None or not self.plan.looks:
            return {}
        return {
            item.samples.plan.env_id: self.plan.seeds[: self.plan.looks[item.glance.look]] for item in self.standings
        }

    def next_seeds(self) -> dict[str, tuple[int, ...]]:
        """Environment -> all seeds that the next look wants of it; empty where it is decided."""
        if self.plan.seeds is None:
            return {}
        places = self.unsettled()
        seeds = self.plan.seeds[: self.plan.looks[self.look + 1]] if places else ()
        return {self.standings[place].samples.plan.env_id: seeds for place in places}

    def unsettled(self) -> list[int]:
        """The places of the environments that get the seeds of the next look; none where it is decided."""
        if self.regressed or self.last:
            return []
        everyone = range(len(self.standings))
        held = [] if self.look == self.plan.num_looks - 2 else [i for i in everyone if self.standings[i].p_harm <= HOLD]
        if self.plan.policy.strict:
            open_ones = [i for i in everyone if not self.standings[i].passed]
            if not open_ones and not self.suite.passed:
                return list(everyone)
        else:
            open_ones = [] if self.suite.passed else list(everyone)
        return sorted({*open_ones, *held})

    def to_confirm(self) -> list[int]:
        """The places of the environments whose baseline wants fresh runs before `regressed` may be said.

        Those that are named; where only all together are worse, all that had a say.
        """
        if not self.regressed:
            return []
        named = [i for i, item in enumerate(self.standings) if item.regressed]
        named = named or [i for i, item in enumerate(self.standings) if item.samples.plan.informative]
        return [i for i in named if not len(self.standings[i].samples.fresh)]


def follow(plan: Plan, samples: Sequence[Samples], until: int | None = None, *, stop_for_a_pass: bool = True) -> Course:
    """Goes through the looks at the data, up to `until` (counted from 0; default: the last), or to a decision.

    A function of the plan and the data alone: asked again with the data of a later look it takes the same way.
    Without `stop_for_a_pass` every environment gets all looks, and only a regression ends it: for studies of the level.
    """
    course = Course(plan, 0, [Standing(one, one.at(plan, 0)) for one in samples])
    levels = [plan.pass_levels(one.plan.n_baseline) for one in samples]
    _look(course, range(len(samples)), levels)
    while course.look < (plan.num_looks - 1 if until is None else until):
        asked = course.unsettled() if stop_for_a_pass or course.regressed else range(len(samples))
        if not asked:
            break
        course.look += 1
        _look(course, asked, levels)
    return course


def _look(course: Course, asked: Sequence[int], levels: Sequence[tuple[float, ...]]) -> None:
    """One look: the asked environments are seen with their new seeds, then all together.

    One that is not asked, but whose baseline has fresh runs since this look, is seen again with the seeds it has.
    """
    plan, look = course.plan, course.look
    confirmed = [i for i, item in enumerate(course.standings) if item.samples.confirmed_at(look)]
    for place in {*asked, *confirmed}:
        item = course.standings[place]
        own = look if place in asked else item.glance.look
        if own != item.glance.look or place in confirmed:
            item.glance = item.samples.at(plan, own, look)
        item.passed = item.passed or (item.glance.may_pass and _rejects(item.glance, levels[place][look]))
    together = [item for item in course.standings if item.samples.plan.informative and item.glance.informed]
    course.suite.p_harm = stouffer([item.p_harm for item in together])
    course.suite.harm = course.suite.p_harm <= plan.levels.suite
    harmed = holm({i: item.p_harm for i, item in enumerate(course.standings)}, plan.levels.harm)
    for place, item in enumerate(course.standings):
        item.harm = place in harmed
        item.inside = item.harm and bool(item.glance.p_inside <= _inside_level(levels[place], plan, look))
    _look_at_the_mean(course, min(levels, key=lambda level: level[look]))


def _inside_level(levels: Sequence[float], plan: Plan, look: int) -> float:
    """What the p of "the loss matters" is held against at a look.

    Where so few seeds never pass, a loss may be shown to be small all the same: then it is open, and not worse.
    """
    return levels[look] or min(filter(None, levels), default=plan.policy.beta)


def _rejects(glance: Glance, level: float) -> bool:
    """Is the score shown to lose less than the margin?"""
    if not glance.testable:
        return False
    if glance.plan.margin == 0 and not glance.final_baseline.std() and not glance.final_candidate.std():
        # Nothing was lost, and there is no unit in which a margin could be given.
        return bool(glance.final_candidate[0] >= glance.final_baseline[0])
    return bool(glance.p_equivalent <= level)


def _look_at_the_mean(course: Course, levels: Sequence[float]) -> None:
    """The mean change over the informative environments against its margin.

    Without any informative environment there is no mean: when strict, the environments speak for themselves.
    """
    suite, plan = course.suite, course.plan
    informative = [item for item in course.standings if item.glance.plan.informative]
    counted = [item.glance for item in informative if item.glance.testable]
    if not counted:
        suite.passed = plan.policy.strict and not informative
        return
    suite.environments = len(counted)
    suite.change = suite_change(
        [one.final_baseline for one in counted],
        [one.final_candidate for one in counted],
        [one.plan.scale for one in counted],
    )
    suite.p_equivalent = p_suite_within_margin(suite.change, plan.suite_margin)
    level = levels[course.look]
    suite.within_margin = suite.within_margin or suite.p_equivalent <= _inside_level(levels, plan, course.look)
    complete = len(counted) == len(informative) and all(one.may_pass for one in counted)
    suite.passed = suite.passed or (suite.p_equivalent <= level and complete)


@dataclass(frozen=True)
class Evidence:
    """All that the word of one environment depends on."""

    not_comparable: bool = False
    failed: bool = False
    identical: bool = False
    harm: bool = False
    inside: bool = False
    may_pass: bool = True
    passed: bool = False
    better: bool = False


@dataclass(frozen=True, eq=False)
class Decision:
    """The words, each environment's with a note where the word alone would mislead, and how far the looks went."""

    word: Word
    environments: Mapping[str, tuple[Word, str | None]]
    course: Course

    def exit_code(self, inconclusive: int) -> int:
        """The process exit code; `inconclusive` is the policy's for an open question."""
        return inconclusive if self.word is Word.INCONCLUSIVE else int(EXIT_CODES[self.word])


def decide(course: Course, findings: Sequence[Finding], identical: frozenset[str]) -> Decision:
    """The words of every environment and of the benchmark; `identical`: where the curves are bit-equal."""
    plan = course.plan
    better = holm(
        {i: item.glance.p_improved if item.passed else 1.0 for i, item in enumerate(course.standings)}, plan.levels.harm
    )
    environments = {}
    for place, item in enumerate(course.standings):
        env_id = item.samples.plan.env_id
        evidence = Evidence(
            not_comparable=_has(findings, env_id, "not-comparable"),
            failed=_has(findings, env_id, "failed"),
            identical=env_id in identical,
            harm=item.harm,
            inside=item.inside,
            may_pass=item.glance.may_pass,
            passed=item.passed,
            better=place in better,
        )
        environments[env_id] = (environment_word(evidence), _note(evidence, item.glance, plan))
    words = [word for word, _ in environments.values()]
    word = benchmark_word(
        words,
        suite_regressed=course.suite.regressed,
        suite_passed=course.suite.passed,
        strict=plan.policy.strict,
    )
    return Decision(word, environments, course)


def environment_word(evidence: Evidence) -> Word:
    """The first word that applies, in the order of the specification."""
    match evidence:
        case Evidence(not_comparable=True):
            return Word.NOT_COMPARABLE
        case Evidence(failed=True):
            return Word.FAILED
        case Evidence(identical=True):
            return Word.IDENTICAL
        case Evidence(harm=True, inside=False):
            return Word.REGRESSED
        case Evidence(harm=True, may_pass=True):
            return Word.EQUIVALENT
        case Evidence(harm=True):
            return Word.INCONCLUSIVE
        case Evidence(passed=True, better=True):
            return Word.IMPROVED
        case Evidence(passed=True):
            return Word.EQUIVALENT
    return Word.INCONCLUSIVE


def benchmark_word(words: Sequence[Word], *, suite_regressed: bool, suite_passed: bool, strict: bool) -> Word:
    """The word of all environments together.

    Strict: every environment and the suite must pass. Otherwise the suite alone decides, and environments that are
    open do not hold it up.
    """
    found = set(words)
    judged = Word.NOT_COMPARABLE not in found and found != {Word.IDENTICAL}
    if Word.REGRESSED in found or (suite_regressed and judged):
        return Word.REGRESSED
    if not suite_passed and found != {Word.IDENTICAL}:
        found.add(Word.INCONCLUSIVE)
    elif not strict and suite_passed:
        found = (found - {Word.INCONCLUSIVE}) or {Word.EQUIVALENT}
    return next(word for word in PRECEDENCE if word in found)


def _has(findings: Sequence[Finding], env_id: str, severity: str) -> bool:
    return any(item.severity == severity and item.env_id in {None, env_id} for item in findings)


def _note(evidence: Evidence, glance: Glance, plan: Plan) -> str | None:
    if evidence.failed and evidence.harm and not evidence.inside:
        return "the runs that did finish are proven worse"
    if evidence.failed or evidence.not_comparable or evidence.identical:
        return None
    if not glance.testable:
        return None
    if not evidence.may_pass and (evidence.inside or glance.p_equivalent <= plan.policy.beta):
        return f"inside the margin, but with so few environments {FEWEST_SEEDS_TO_PASS} candidate seeds are the least"
    if evidence.harm and evidence.inside:
        return "measurably lower, inside the margin"
    if evidence.harm and 0 not in glance.shown_by:
        return f"worse on the way rather than at the end: {' and '.join(COLUMNS[one] for one in glance.shown_by)}"
    if glance.all_equal and glance.plan.margin == 0:
        return "every run scored the same: this environment carries no information"
    return None
