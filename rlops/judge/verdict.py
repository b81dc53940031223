"""Which word. The only module that holds a p against an alpha."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rlops.errors import ExitCode
from rlops.judge.compare import Comparison, EnvironmentComparison, SuiteComparison
from rlops.judge.record import Finding, Word
from rlops.plan import Plan
from rlops.stats import holm

FEW_ENVIRONMENTS = 3
FEWEST_SEEDS_TO_PASS = 5
"""With fewer than three environments fewer seeds never pass: the t and the permutation test are too coarse there."""

PRECEDENCE = (
    Word.FAILED,
    Word.NOT_COMPARABLE,
    Word.INCONCLUSIVE,
    Word.IMPROVED,
    Word.EQUIVALENT,
    Word.IDENTICAL,
)
"""The benchmark's word is the first of these that an environment has, unless one regressed."""

EXIT_CODES = {
    Word.IDENTICAL: ExitCode.PASS,
    Word.EQUIVALENT: ExitCode.PASS,
    Word.IMPROVED: ExitCode.PASS,
    Word.REGRESSED: ExitCode.REGRESSED,
    Word.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Word.FAILED: ExitCode.FAILED,
    Word.NOT_COMPARABLE: ExitCode.NOT_COMPARABLE,
}


@dataclass(frozen=True)
class Evidence:
    """All that the word of one environment depends on."""

    not_comparable: bool = False
    failed: bool = False
    identical: bool = False
    harm: bool = False
    within_margin: bool = False
    may_pass: bool = True
    better: bool = False


@dataclass(frozen=True)
class Decision:
    """The words, each environment's with a note where the word alone would mislead."""

    word: Word
    environments: Mapping[str, tuple[Word, str | None]]
    suite_passed: bool
    suite_within_margin: bool

    def exit_code(self, inconclusive: int) -> int:
        """The process exit code; `inconclusive` is the policy's for an open question."""
        return inconclusive if self.word is Word.INCONCLUSIVE else int(EXIT_CODES[self.word])


def decide(comparison: Comparison, findings: Sequence[Finding], plan: Plan) -> Decision:
    """The words of every environment and of the benchmark."""
    tested = {item.plan.env_id: item.tests for item in comparison.environments if item.tests is not None}
    untested = {item.env_id: 1.0 for item in plan.environments}  # they count: the plan was made for all of them
    harmed = holm(untested | {env_id: tests.p_harm for env_id, tests in tested.items()}, plan.policy.alpha)
    better = holm(untested | {env_id: tests.p_improved for env_id, tests in tested.items()}, plan.policy.alpha)
    environments = {}
    for item in comparison.environments:
        env_id = item.plan.env_id
        evidence = Evidence(
            not_comparable=_has(findings, env_id, "not-comparable"),
            failed=_has(findings, env_id, "failed"),
            identical=item.identical,
            harm=env_id in harmed,
            within_margin=_within_margin(item, plan),
            may_pass=seeds_may_pass(len(plan.environments), len(item.candidate)),
            better=env_id in better,
        )
        environments[env_id] = (environment_word(evidence), _note(evidence, item))
    suite_passed = _suite_passed(comparison.suite, comparison.environments, plan)
    within = comparison.suite is not None and comparison.suite.p_equivalent <= plan.policy.beta
    words = [word for word, _ in environments.values()]
    word = benchmark_word(words, suite_passed=suite_passed, strict=plan.policy.strict)
    return Decision(word, environments, suite_passed, within)


def environment_word(evidence: Evidence) -> Word:
    """The first word that applies, in the order of the specification."""
    match evidence:
        case Evidence(not_comparable=True):
            return Word.NOT_COMPARABLE
        case Evidence(failed=True):
            return Word.FAILED
        case Evidence(identical=True):
            return Word.IDENTICAL
        case Evidence(harm=True, within_margin=False):
            return Word.REGRESSED
        case Evidence(within_margin=True, may_pass=True, better=True):
            return Word.IMPROVED
        case Evidence(within_margin=True, may_pass=True):
            return Word.EQUIVALENT
    return Word.INCONCLUSIVE


def benchmark_word(words: Sequence[Word], *, suite_passed: bool, strict: bool) -> Word:
    """The word of all environments together.

    Strict: every environment and the suite must pass. Otherwise the suite alone decides, and environments that are
    open do not hold it up.
    """
    if Word.REGRESSED in words:
        return Word.REGRESSED
    found = set(words)
    if not suite_passed and found - {Word.IDENTICAL}:
        found.add(Word.INCONCLUSIVE)
    elif not strict and suite_passed:
        found = (found - {Word.INCONCLUSIVE}) or {Word.EQUIVALENT}
    return next(word for word in PRECEDENCE if word in found)


def _has(findings: Sequence[Finding], env_id: str, severity: str) -> bool:
    return any(item.severity == severity and item.env_id in {None, env_id} for item in findings)


def _within_margin(item: EnvironmentComparison, plan: Plan) -> bool:
    if item.tests is None:
        return False
    if item.all_scores_equal and item.plan.margin == 0:
        return True  # nothing was lost, and there is no unit in which a margin could be given
    return item.tests.p_equivalent <= plan.policy.beta


def _suite_passed(suite: SuiteComparison | None, items: Sequence[EnvironmentComparison], plan: Plan) -> bool:
    """Is the mean change over all informative environments shown to be inside its margin?

    Without any informative environment there is no mean: when strict, the environments speak for themselves.
    """
    informative = [item for item in items if item.plan.informative]
    if suite is None or suite.environments < len(informative):
        return plan.policy.strict and not informative
    fewest = min(len(item.candidate) for item in informative)
    return suite.p_equivalent <= plan.policy.beta and seeds_may_pass(len(plan.environments), fewest)


def seeds_may_pass(environments: int, n_candidate: int) -> bool:
    """With few environments few seeds never pass, whatever their scores."""
    return environments >= FEW_ENVIRONMENTS or n_candidate >= FEWEST_SEEDS_TO_PASS


def _note(evidence: Evidence, item: EnvironmentComparison) -> str | None:
    if evidence.failed and evidence.harm and not evidence.within_margin:
        return "the runs that did finish are proven worse"
    if evidence.failed or evidence.not_comparable or evidence.identical:
        return None
    if evidence.within_margin and not evidence.may_pass:
        return f"inside the margin, but with so few environments {FEWEST_SEEDS_TO_PASS} candidate seeds are the least"
    if evidence.harm and evidence.within_margin:
        return "measurably lower, inside the margin"
    if item.tests is not None and item.all_scores_equal and item.plan.margin == 0:
        return "every run scored the same: this environment carries no information"
    return None
