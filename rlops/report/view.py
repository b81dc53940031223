"""The view model: everything a renderer shows, as finished strings. Wording and number formats stand here once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rlops.judge.record import SideRecord, Verdict, Word
from rlops.report import text
from rlops.report.environment import EnvironmentView, common_scale, environment_views
from rlops.report.findings import FailureView, FindingGroup, failure_views, finding_groups
from rlops.report.pictures import Tick, axis_ticks
from rlops.report.reading import ReadOn, nothing_to_compare, read_on
from rlops.report.words import GLOSSARY, NO_BASELINE_YET, WORDS

MOST_PACKAGES_NAMED = 2
GATE = {0: "passes", 1: "fails", 3: "is undecided", 4: "has runs missing", 5: "cannot judge"}
"""Exit code -> what the gate does."""
DIFFERENCES = {"hyperparameters": "settings", "unequal-horizons": "horizons", "changed-gate": "the gate's rules"}
"""Kinds of findings that say what differs, and their words on the card."""


@dataclass(frozen=True)
class CountView:
    """How many environments have one of the seven words."""

    word: str
    symbol: str
    tone: str
    number: int


@dataclass(frozen=True)
class Fact:
    """One of the cards under the sentence."""

    label: str
    value: str
    detail: str
    tone: str = "calm"


@dataclass(frozen=True)
class SideView:
    """Who took part."""

    reference: str
    commit: str | None
    dirty: bool


@dataclass(frozen=True)
class NextView:
    """What to do now."""

    text: str
    command: str | None
    cost: str | None


@dataclass(frozen=True)
class Difference:
    """One line of what was compared."""

    label: str
    baseline: str
    candidate: str
    unequal: bool


@dataclass(frozen=True)
class CommitView:
    """A commit between the two versions."""

    commit: str
    subject: str
    author: str
    date: str


@dataclass(frozen=True)
class ReportView:
    """The whole report in strings."""

    title: str
    word: Word
    sentence: str
    symbol: str
    tone: str
    judged: bool
    read_on: ReadOn
    baseline: SideView
    candidate: SideView
    gate: str
    exit_code: int
    counts: tuple[CountView, ...]
    next_step: NextView
    facts: tuple[Fact, ...]
    metric: str
    direction: str
    step: str
    axis: tuple[Tick, ...]
    environments: tuple[EnvironmentView, ...]
    findings: tuple[FindingGroup, ...]
    failures: tuple[FailureView, ...]
    compared: tuple[Difference, ...]
    packages: tuple[Difference, ...]
    commits: tuple[CommitView, ...]
    commits_left_out: int
    cost: tuple[tuple[str, str], ...]
    aggregates: tuple[Difference, ...]
    policy: tuple[tuple[str, str], ...]
    method: tuple[str, ...]
    words: tuple[tuple[CountView, str], ...]
    glossary: tuple[tuple[str, str], ...]
    provenance: tuple[tuple[str, str], ...]


def build_view(verdict: Verdict) -> ReportView:
    """The view of a verdict."""
    judged = not nothing_to_compare(verdict)
    style = WORDS[verdict.verdict] if judged else NO_BASELINE_YET
    scale = common_scale(verdict.environments)
    environments = environment_views(verdict.environments, scale)
    counts = _counts(verdict)
    sentence = text.line(verdict.sentence)
    packages = tuple(_packages(verdict))
    return ReportView(
        title=f"{text.cut(sentence, 200)} · rlops",
        word=verdict.verdict,
        sentence=sentence,
        symbol=style.symbol,
        tone=style.tone,
        judged=judged,
        read_on=read_on(verdict),
        baseline=_side(verdict.baseline),
        candidate=_side(verdict.candidate),
        gate=GATE.get(verdict.exit_code, "fails"),
        exit_code=verdict.exit_code,
        counts=counts,
        next_step=_next_step(verdict),
        facts=(
            _suite_fact(verdict),
            _environments_fact(verdict),
            _runs_fact(verdict),
            _comparable_fact(verdict, packages),
        ),
        metric=text.line(verdict.metric, text.LONGEST_LABEL),
        direction=verdict.direction.replace("-", " "),
        step=text.line(verdict.step, text.LONGEST_LABEL),
        axis=axis_ticks(scale),
        environments=environments,
        findings=finding_groups(verdict.findings, {view.env_id: view.anchor for view in environments}),
        failures=failure_views(verdict.failures),
        compared=tuple(_compared(verdict)),
        packages=packages,
        commits=tuple(
            CommitView(
                text.line(one.commit)[:7],
                text.line(one.subject, 200),
                text.line(one.author, 80),
                text.line(one.date)[:10],
            )
            for one in verdict.commits
        ),
        commits_left_out=verdict.commits_left_out,
        cost=tuple(_cost(verdict)),
        aggregates=tuple(_aggregates(verdict)),
        policy=tuple(_policy(verdict)),
        method=tuple(text.clean(paragraph) for paragraph in verdict.method),
        words=tuple((view, WORDS[Word(view.word)].meaning) for view in counts),
        glossary=GLOSSARY,
        provenance=tuple(_provenance(verdict)),
    )


def _counts(verdict: Verdict) -> tuple[CountView, ...]:
    return tuple(CountView(w.value, s.symbol, s.tone, verdict.counts.get(w, 0)) for w, s in WORDS.items())


def _side(side: SideRecord) -> SideView:
    commit = text.line(side.git_commit)[:7] if side.git_commit else None
    return SideView(text.line(side.reference, 200), commit, bool(side.git_dirty))


def _next_step(verdict: Verdict) -> NextView:
    step = verdict.next_step
    cost = f"about {text.minutes(step.minutes)}" if step.minutes is not None else None
    return NextView(text.line(step.text), text.line(step.command) if step.command else None, cost)


def _suite_fact(verdict: Verdict) -> Fact:
    suite, total = verdict.suite, len(verdict.environments)
    if verdict.verdict is Word.IDENTICAL:
        return Fact("Mean change, all environments", "none", "nothing to estimate: nothing changed", "good")
    if suite is None:
        return Fact("Mean change, all environments", text.NONE, "not computed")
    which = "all" if suite.environments == total else f"{suite.environments:,} of {total:,}"
    label = f"Mean change, {which} environments"
    margin = text.percent(suite.margin, signed=False)
    value = text.change(suite.change, suite.interval)
    if suite.passed:
        return Fact(label, value, f"a mean loss of {margin} is ruled out", "good")
    if suite.within_margin:
        return Fact(label, value, f"a mean loss of {margin} is ruled out, but with too few seeds to pass", "warn")
    if verdict.verdict is Word.REGRESSED and not verdict.counts.get(Word.REGRESSED):
        detail = f"all together worse, p = {text.p_value(suite.p_harm)}; a mean loss of {margin} is not ruled out"
        return Fact(label, value, detail, "bad")
    return Fact(label, value, f"a mean loss of {margin} is not ruled out", "warn")


def _environments_fact(verdict: Verdict) -> Fact:
    total = len(verdict.environments)
    passing = sum(WORDS[environment.verdict].passes for environment in verdict.environments)
    changes = [(item.change, item.env_id) for item in verdict.environments if item.change is not None]
    change, env_id = min(changes, default=(None, ""))
    identical = verdict.verdict is Word.IDENTICAL
    detail = "nothing changed anywhere" if identical else "no change could be computed"
    if change is not None:
        name = text.line(env_id, 40)
        detail = f"lowest: {name}, {text.percent(change)}"
    if nothing_to_compare(verdict):
        return Fact("Environments", f"0 of {total} judged", "there is nothing to compare with", "warn")
    return Fact("Environments", f"{passing} of {total} pass", detail, "calm" if passing == total else "warn")


def _runs_fact(verdict: Verdict) -> Fact:
    runs = [run for environment in verdict.environments for run in environment.runs]
    counted = sum(run.counted for run in runs)
    by_side = {side: sum(run.counted for run in runs if run.side == side) for side in ("baseline", "candidate")}
    detail = f"{by_side['baseline']:,} baseline + {by_side['candidate']:,} candidate"
    value = f"{counted:,} of {len(runs):,} counted"
    return Fact("Runs", value, detail, "calm" if counted == len(runs) else "warn")


def _comparable_fact(verdict: Verdict, packages: Sequence[Difference]) -> Fact:
    label = "Comparable?"
    blocking = [finding for finding in verdict.findings if finding.severity == "not-comparable"]
    if blocking:
        return Fact(label, "≠ no", text.line(blocking[0].detail, 120), "bad")
    unequal = [f"{item.label} {item.baseline} → {item.candidate}" for item in packages if item.unequal]
    unequal += [item.label.lower() for item in _surroundings(verdict) if item.unequal]
    kinds = {finding.kind for finding in verdict.findings}
    unequal += [word for kind, word in DIFFERENCES.items() if kind in kinds]
    if unequal:
        more = len(unequal) - MOST_PACKAGES_NAMED
        detail = f"and {more} more differ" if more > 0 else "differs; see below"
        return Fact(label, "⚠ " + ", ".join(unequal[:MOST_PACKAGES_NAMED]), detail, "warn")
    if not packages and not verdict.baseline.machine:
        return Fact(label, "as far as known", "packages and machines are not recorded")
    return Fact(label, "yes", "packages, machine and Python are the same")


def _difference(label: str, before: str | None, now: str | None, *, unequal: bool) -> Difference:
    shown = [text.line(value, 200) if value else text.NONE for value in (before, now)]
    return Difference(label, shown[0], shown[1], unequal)


def _surroundings(verdict: Verdict) -> Iterator[Difference]:
    """What should be equal; what only one side recorded is not known to differ."""
    for label, before, now in (
        ("Machine", verdict.baseline.machine, verdict.candidate.machine),
        ("Python", verdict.baseline.python, verdict.candidate.python),
    ):
        yield _difference(label, before, now, unequal=None not in (before, now) and before != now)


def _compared(verdict: Verdict) -> Iterator[Difference]:
    """The first lines are meant to differ, so they are not marked."""
    before, now = verdict.baseline, verdict.candidate
    dirty = [None if side.git_dirty is None else "yes" if side.git_dirty else "no" for side in (before, now)]
    yield _difference("Reference", before.reference, now.reference, unequal=False)
    yield _difference("Commit", before.git_commit, now.git_commit, unequal=False)
    yield _difference("Uncommitted changes", *dirty, unequal="yes" in dirty)
    yield _difference("Runs", text.count(before.n_runs), text.count(now.n_runs), unequal=False)
    yield from _surroundings(verdict)


def _packages(verdict: Verdict) -> Iterator[Difference]:
    """Unequal ones first; none where only one side recorded any."""
    before, now = verdict.baseline.packages, verdict.candidate.packages
    if not before or not now:
        return
    names = sorted({*before, *now}, key=lambda name: (before.get(name) == now.get(name), name))
    for name in names:
        one, other = before.get(name), now.get(name)
        yield _difference(text.line(name, text.LONGEST_LABEL), one, other, unequal=one != other)


def _cost(verdict: Verdict) -> Iterator[tuple[str, str]]:
    cost = verdict.cost
    yield (
        "Trained for this answer",
        text.NONE if cost.cells_trained is None else text.counted(cost.cells_trained, "cell"),
    )
    yield "Known before", text.NONE if cost.cells_known is None else text.counted(cost.cells_known, "cell")
    yield "Training time", text.minutes(cost.minutes)
    yield "Environment steps of the candidate", text.count(cost.environment_steps)


def _aggregates(verdict: Verdict) -> Iterator[Difference]:
    """Estimates with their intervals; nothing in them is unequal: they decide nothing."""
    for item in verdict.aggregates:
        before = text.estimate(item.baseline, item.baseline_interval)
        yield Difference(text.line(item.name), before, text.estimate(item.candidate, item.candidate_interval), False)


def _policy(verdict: Verdict) -> Iterator[tuple[str, str]]:
    policy = verdict.policy
    yield "False alarms", f"at most {text.percent(policy.alpha, signed=False)}: regressed, although nothing changed"
    yield (
        "Missed losses",
        f"at most {text.percent(policy.beta, signed=False)}: equivalent, although the loss is as large as the margin",
    )
    if len(policy.looks) > 1:
        counts = ", ".join(map(str, policy.looks))
        yield "Looks", f"after {counts} candidate seeds, until decided; {policy.look} of {len(policy.looks)} taken"
    strict = "every environment must pass" if policy.strict else "the mean over all environments must pass"
    yield "Strictness", strict
    yield "Smallest loss that matters", text.line(policy.smallest_loss)


def _provenance(verdict: Verdict) -> Iterator[tuple[str, str]]:
    yield "Benchmark", text.line(verdict.benchmark) if verdict.benchmark else text.NONE
    yield "Command", text.line(verdict.command)
    yield "sha256 of the data", text.line(verdict.data_sha256)
    yield "rlops", text.line(verdict.rlops_version)
    yield "Made at", text.line(verdict.created_at) or text.NONE
