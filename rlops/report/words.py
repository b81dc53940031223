"""What the report says in words: symbols and meanings of the verdicts, of the findings, of the terms."""

from dataclasses import dataclass

from rlops.judge.record import Word


@dataclass(frozen=True)
class WordStyle:
    """How one of the seven words is shown. `tone` is a colour class; the symbol makes colour unnecessary."""

    symbol: str
    tone: str
    passes: bool
    meaning: str


WORDS: dict[Word, WordStyle] = {
    Word.REGRESSED: WordStyle(
        "▼", "bad", passes=False, meaning="Shown to be worse than the baseline, and not shown to be inside the margin."
    ),
    Word.FAILED: WordStyle(
        "✕",
        "bad",
        passes=False,
        meaning="Runs of the candidate failed or are missing; nothing is said about how it learns.",
    ),
    Word.NOT_COMPARABLE: WordStyle(
        "≠", "bad", passes=False, meaning="The two sides did not do the same thing, so their scores answer no question."
    ),
    Word.INCONCLUSIVE: WordStyle(
        "?", "warn", passes=False, meaning="Neither harm nor its absence is shown. Not a pass: more seeds would decide."
    ),
    Word.IMPROVED: WordStyle(
        "▲",
        "good",
        passes=True,
        meaning="Shown to lose less than the margin, and shown to be better than the baseline.",
    ),
    Word.EQUIVALENT: WordStyle(
        "≈", "good", passes=True, meaning="Shown to lose less than the margin. Smaller losses are possible."
    ),
    Word.IDENTICAL: WordStyle(
        "=",
        "good",
        passes=True,
        meaning="The same seeds gave bit-equal curves, or nothing that is trained differs and nothing was run.",
    ),
}

NO_BASELINE_YET = WordStyle(
    "○", "warn", passes=False, meaning="There is no baseline to compare with yet, so nothing was judged."
)
"""How not-comparable is shown where nobody did anything wrong."""

READ_ON = {
    Word.REGRESSED: "harm is proven. Merge only if the loss is known and meant.",
    Word.FAILED: "candidate runs failed or are missing, so whether it learns worse is not known.",
    Word.NOT_COMPARABLE: "the two sides did not do the same thing, so whether it learns worse is not known.",
    Word.INCONCLUSIVE: "neither harm nor its absence is shown. Do not take it for a pass.",
    Word.IMPROVED: "nothing here needs a decision.",
    Word.EQUIVALENT: "nothing here needs a decision.",
    Word.IDENTICAL: "nothing here needs a decision.",
}
"""Why a reviewer must read on, or need not where no finding says otherwise."""

SEVERITIES: dict[str, tuple[str, str]] = {
    "not-comparable": ("≠", "bad"),
    "failed": ("✕", "bad"),
    "warning": ("⚠", "warn"),
    "note": ("i", "calm"),
}
"""Severity -> symbol and tone, worst first."""

_CRASH = "The run has no score and is left out. Read its log before anything else: a crash is not bad luck."
_CUT = "The run has no score and is left out; a shorter curve is never stretched to the budget."

MEANINGS = {
    "other-definition": "The sides measured different things. Save a new baseline, or use the benchmark of the old.",
    "other-margins": "Margins are frozen with the baseline. Save it again if the new ones are to hold.",
    "crashed-run": _CRASH,
    "failed-run": _CRASH,
    "left-out": "The baseline was saved without these runs. Its numbers are those of the others.",
    "running-run": "The run has not ended. Wait for it, then compare again.",
    "incomplete-run": "The run's files are incomplete, so it is left out.",
    "empty-curve": "The run logged nothing under this metric. Check the metric's name.",
    "nan": "Training diverged, or the metric is broken. The run has no score and is left out.",
    "truncated": _CUT,
    "duplicated-seeds": "The seed probably does not reach the trainer. Each copy counts once.",
    "repeated-seed": "One seed, several runs: choosing among them would be choosing the answer.",
    "repeated-steps": "A logging habit, usually harmless.",
    "constant-curve": "Nothing was learned, or the metric is not what it seems.",
    "missing-seeds": "The grid is not full. The same command fills it.",
    "missing-environment": "Other run sets have it. The numbers for all environments are without it.",
    "too-few-seeds": "No test is possible with so few runs.",
    "level-unreachable": "With so few seeds an equal change and a large harm look alike in this environment.",
    "same-runs": "Of the same runs on both sides a comparison says nothing.",
    "beyond-budget": "Perhaps the steps are counted in another unit than the budget. What lies beyond is not judged.",
    "hyperparameters": "The difference may come from the settings instead of the code. Are they part of the change?",
    "packages": "The difference may come from a package instead of the code.",
    "log-formats": "A return of every episode and a mean over a hundred have one name. Take one format on both sides.",
    "machine": "Everything one side did was done on another kind of machine than the other's.",
    "uninformative": "The baseline hardly beats a random policy here; the environment is left out of the suite's mean.",
    "falling-baseline": "Whoever learns ends above where it began. Here the scale has no meaning, and nor has a pass.",
    "no-baseline": "This environment is not judged. Compare with a baseline that has it.",
    "no-baseline-yet": "Changes are judged from the benchmark's first baseline on.",
    "unchanged": "By what the benchmark names as code, both versions are one, so nothing had to be trained.",
    "outside-code": "The gate knows only what the benchmark names as its code. Is this file a part of the trainer?",
    "accepted-regression": "Somebody has decided to live with a loss here. It is measured from there on.",
    "acceptance-lapsed": "Decide again: mend it, or accept it with a new day.",
    "asked-again": "A regression is only said when fresh runs of the baseline show it, too.",
    "unconfirmed": "The baseline alone speaks. An unlucky one would be seen with fresh baseline seeds.",
    "out-of-time": "What has ended is kept. The same command goes on where it was stopped.",
    "failure-rate": "More seeds collapse than before. Look at their curves, the mean hides them.",
    "less-stable": "The curves are rougher or fall deeper than before, whatever they end at.",
    "steps-per-second": "Speed is judged apart: it touches no verdict.",
    "common-prefix": "The runs of both sides began alike, seed by seed; what follows is judged as if they had not.",
    "changed-gate": "Judged by the rules of the base commit. Once this is merged the edited ones hold, so review them.",
    "dependencies": "The dependency files differ, but both sides ran with the same packages: their change is untested.",
    "unequal-horizons": "Only the steps that both sides have are compared.",
}

MEANING_BY_SEVERITY = {
    "not-comparable": "The sides did not do the same thing.",
    "failed": "Something is missing that the verdict needs.",
    "warning": "Read this before you trust the numbers.",
    "note": "Good to know; it changes no verdict.",
}


def meaning(kind: str, severity: str) -> str:
    """What a finding means for the reader."""
    return MEANINGS.get(kind, MEANING_BY_SEVERITY[severity])


GLOSSARY: tuple[tuple[str, str], ...] = (
    ("final", "The score of a run: mean of the metric over the last 10 % of its steps."),
    ("auc", "Mean of the metric over all steps: high for fast learners."),
    ("scale", "What the baseline gained over a random policy: its mean score minus the random policy's."),
    (
        "change",
        "(Candidate mean − baseline mean) ÷ scale. Negative is always worse; −100 %: no better than a random policy.",
    ),
    ("interval", "The range of changes that fits the data, with 95 % confidence. It is a picture: the tests decide."),
    ("margin", "The smallest loss that matters, agreed on before the candidate was trained."),
    (
        "p (worse)",
        "How often chance makes equal versions look this much worse, at the end or on the way. Large is no all-clear.",
    ),
    ("P(better)", "The chance that a candidate run scores higher than a baseline run. 0.50 is a draw."),
    ("detectable loss", "The smallest loss these runs find in 80 of 100 cases."),
    ("seeds", "Counted runs, baseline + candidate."),
)
