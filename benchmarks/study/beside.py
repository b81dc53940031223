"""The tables that set the gate beside other rules, and say how many seeds it takes."""

from collections.abc import Callable, Sequence
from statistics import fmean

from benchmarks.study import practice
from benchmarks.study.figures import Study, caught, mean, passed, worst_first
from benchmarks.study.judged import EQUIVALENT, REGRESSED, Judged
from benchmarks.study.text import minus, percent, table

PARTLY = 0.1
"""Share of broken seeds from which a bug counts as one that breaks some of them."""
MEAN = "mean < 95 %, n = 10"


def rules(study: Study) -> str:
    """The gate beside the rules of practice, on the same draws."""
    groups = study.strata
    head = ["says worse", *groups, "the worst of the harmless", "seeds a side"]

    def line(name: str, share: Callable[[Judged], float], seeds: str) -> list[str]:
        rates = [percent(mean(share, group)) for group in groups.values()]
        return [name, *rates, percent(max(map(share, study.harmless))), seeds]

    rows = [line("**the gate**", caught, "candidate 5 to 20, baseline 20 or 30")]
    rows += [
        line(rule, lambda one, rule=rule: one.practice[rule], str(n))  # type: ignore[misc]
        for rule, (n, _) in practice.RULES.items()
    ]
    return table(head, rows)


def planned(study: Study) -> str:
    """Two Welch tests beside the gate: with a fixed number of seeds, and at the gate's looks."""
    groups = list(study.strata)
    head = ["", "candidate seeds (strong / in between / harmless)", f"caught: {groups[0]}", "the least of them"]
    head += [f"caught: {groups[1]}", "wrongly passed", f"pass: {groups[3]}", "accused"]
    looks = ", ".join(study.harmful[0].gate.by_look)
    fixed = [
        _planned("two Welch tests", str(n), study, lambda one, word, n=n: one.fixed[str(n)].get(word, 0.0))  # type: ignore[misc]
        for n in study.fixed_sizes()
    ]
    rows = [
        _planned(
            "**the gate**",
            _seeds(study, lambda one: one.gate.seeds),
            study,
            lambda one, word: caught(one) if word == REGRESSED else passed(one),
        ),
        _planned(
            f"two Welch tests, looks at {looks}",
            _seeds(study, lambda one: one.looked_seeds),
            study,
            lambda one, word: one.looked.get(word, 0.0),
        ),
        *fixed,
    ]
    return table(head, rows)


def _seeds(study: Study, seeds: Callable[[Judged], float]) -> str:
    """Of the strong ones, those in between and the harmless ones."""
    return " / ".join(f"{mean(seeds, group):.1f}" for group in (study.strong, study.between, study.harmless))


def _planned(name: str, seeds: str, study: Study, share: Callable[[Judged, str], float]) -> list[str]:
    def rate(word: str, group: Sequence[Judged]) -> float:
        return mean(lambda one: share(one, word), group)

    each = [share(one, REGRESSED) for one in study.strong]
    shares = [fmean(each), min(each), rate(REGRESSED, study.between), rate(EQUIVALENT, study.between)]
    shares += [rate(EQUIVALENT, study.harmless), rate(REGRESSED, study.harmless)]
    return [name, seeds, *map(percent, shares)]


def partly(study: Study) -> str:
    """Bugs that break some seeds and spare the others."""
    head = ["mutant", "broken", "draws without a broken seed in the first look", "of these passed"]
    head += ["of the others passed", "regressed", "passes", *welch_head(study), f"{MEAN}: worse"]
    rows = [
        [
            f"`{one.mutant}`",
            percent(max(one.broken.values()), 0),
            percent(one.spared[0] / one.repeats, 0),
            *(_of(*counts) for counts in (one.spared, one.hit)),
            *map(percent, (caught(one), passed(one))),
            *welch_cells(study, one),
            percent(one.practice[MEAN]),
        ]
        for one in worst_first(study.harmful)
        if one not in study.strong and max(one.broken.values()) >= PARTLY
    ]
    return table(head, rows)


def welch_head(study: Study) -> tuple[str, str]:
    """Of the two columns that set two Welch tests beside a mutant."""
    n = study.shown_size()
    return f"Welch, {n}: regressed", f"Welch, {n}: passes"


def welch_cells(study: Study, one: Judged) -> list[str]:
    """What they say of it."""
    said = one.fixed[str(study.shown_size())]
    return [percent(said.get(word, 0.0)) for word in (REGRESSED, EQUIVALENT)]


def _of(draws: int, passes: int) -> str:
    return f"{passes} of {draws}"


def needed(study: Study) -> str:
    """How many seeds it takes, a mutant a line."""
    looks = list(study.harmful[0].gate.by_look)
    head = ["mutant", "end, margins", *(f"caught by {look} seeds" for look in looks), "mean seeds"]
    rows = [
        [
            f"`{one.mutant}`",
            minus(f"{one.margins:.2f}"),
            *(percent(one.gate.by_look[look], 0) for look in looks),
            f"{one.gate.seeds:.1f}",
            *(_welch_needs(one, power) for power in (0.8, 0.95)),
        ]
        for one in worst_first(study.harmful)
    ]
    return table([*head, "Welch, 80 %", "Welch, 95 %"], rows)


def _welch_needs(one: Judged, power: float) -> str:
    found = next((n for n, words in one.fixed.items() if words.get(REGRESSED, 0.0) >= power), None)
    return found or f"> {max(map(int, one.fixed))}"
