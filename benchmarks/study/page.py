"""The tables of docs/study.md and docs/study-details.md, from docs/study.json: `python -m benchmarks.study.page`.

What stands between `<!-- NAME -->` and `<!-- end -->` is written here, the words around it by hand.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean

from benchmarks.mutant_table import ROOT
from benchmarks.study import practice
from benchmarks.study.details import details, truth
from benchmarks.study.figures import (
    EQUIVALENT,
    PASSES,
    STRONG,
    TO_CATCH,
    Study,
    caught,
    mean,
    passed,
    studies,
    worst_first,
)
from benchmarks.study.judged import REGRESSED, Answers, Judged
from benchmarks.study.text import change, minus, percent, table
from rlops.files import write_whole
from rlops.judge import IDENTICAL_SEEDS

PAGES = (ROOT / "docs" / "study.md", ROOT / "docs" / "study-details.md")
BLOCK = re.compile(r"(<!-- (?P<name>[a-z]+-[a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def about(study: Study) -> str:
    """When, where, and of how much."""
    data, unchanged = study.data, study.control[0]
    changing, keeping = study.harmful[0].seeds_trained, study.others[0].seeds_trained
    reference = unchanged.seeds_trained - changing
    return (
        f"{data['on']}, {data['machine']}, trainer of commit `{data['unchanged'][:7]}`. In every environment "
        f"{changing} seeds of each mutant ({keeping} of those that keep every bit) and {unchanged.seeds_trained} of "
        f"the unchanged code, {reference} of them for baselines and as the reference of the truth; {unchanged.repeats} "
        "draws of each that changes bits.\n"
    )


def numbers(study: Study) -> str:
    """What was to be reached, and what was."""
    rate, error = study.accused
    alpha, fixed, identical = study.data["alpha"], study.same_rates(), study.data["identical"]
    limit = fixed / 2 if fixed else study.fixed_sizes()[-1] / 2
    words = sorted({one["word"] for one in identical})
    rows = [
        [f"{len(study.strong)} mutants lose ≥ {STRONG} margins at the end", *_caught(study.strong)],
        [f"{len(study.strong_anywhere)} lose as much in any statistic (stricter)", *_caught(study.strong_anywhere)],
        [
            f"{len(study.harmless)} harmless mutants that change bits",
            f"accused in ≤ {percent(alpha, 0)} + {percent(2 * error)} (two standard errors)",
            percent(rate),
            _yes(rate <= alpha + 2 * error),
        ],
        *(
            [
                f"seeds for a verdict, {kind}",
                f"half of {fixed or f'more than {2 * limit:.0f}'}",
                _seeds(study, group),
                _reached(study, group, limit),
            ]
            for kind, group in (("caught ones", study.strong), ("harmless ones", study.harmless))
        ),
        [
            f"{len(identical)} harmless mutants that keep every bit",
            "`identical`, two seeds",
            f"{', '.join(words)}; {_identical_seeds(study)} seeds of each version",
            _yes(words == ["identical"] and _identical_seeds(study) == IDENTICAL_SEEDS),
        ],
    ]
    return table(["what", "asked", "measured", "reached"], rows)


def _caught(group: Sequence[Judged]) -> tuple[str, str, str]:
    least = min(group, key=caught)
    name = "every one" if caught(least) == 1 else f"the least, `{least.mutant}`"
    asked = f"each caught in ≥ {percent(TO_CATCH, 0)}"
    return asked, f"{percent(caught(least))}: {name}", _yes(caught(least) >= TO_CATCH)


def _yes(reached: bool) -> str:
    return "yes" if reached else "**no**"


def _seeds(study: Study, group: Sequence[Judged]) -> str:
    seeds, everything = _cost(study, group)
    return f"{seeds:.1f} of the candidate; {everything:.1f} with all that is trained"


def _reached(study: Study, group: Sequence[Judged], limit: float) -> str:
    seeds, everything = (one <= limit for one in _cost(study, group))
    return _yes(seeds) if seeds == everything else "candidate seeds yes, all **no**"


def _cost(study: Study, group: Sequence[Judged]) -> tuple[float, float]:
    """Candidate seeds of an environment, and all trainings there: twins and fresh baseline seeds as well."""
    return mean(lambda one: one.gate.seeds, group), mean(lambda one: one.gate.cells, group) / len(study.env_ids)


def cost(study: Study) -> str:
    """What a verdict takes."""
    rows = []
    for name, group in zip(study.strata, study.strata.values(), strict=True):
        cells = mean(lambda one: one.gate.cells, group)
        rows.append(
            [
                name,
                f"{mean(lambda one: one.gate.seeds, group):.1f}",
                f"{mean(lambda one: one.gate.fresh_cells, group) / len(study.env_ids):.1f}",
                f"{cells:.1f}",
                f"{mean(lambda one: one.gate.most_cells, group):.0f}",
                f"{cells * study.data['budget'] / 1e6:.1f}",
                f"{cells * group[0].minutes_a_cell:.1f}",
            ]
        )
    head = ["mutants", "candidate seeds", "fresh baseline seeds", "cells", "cells, 95th percentile", "million steps"]
    return table([*head, "core minutes"], rows)


def harmful(study: Study) -> str:
    """What the gate said of those meant to do harm."""
    return _gate_table(study, study.harmful)


def harmless(study: Study) -> str:
    """And of the others; the unchanged code, too."""
    return _gate_table(study, [*study.harmless, *study.control])


def _gate_table(study: Study, mutants: Sequence[Judged]) -> str:
    env_ids, n = study.env_ids, str(study.same_rates() or study.fixed_sizes()[-1])
    head = ["mutant", *(f"end, {env_id}" for env_id in env_ids), *(f"broken, {env_id}" for env_id in env_ids)]
    head += ["end, margins", "worst stretch, margins", "regressed", "passes", "open", "seeds", "cells"]
    head += [f"Welch, {n} seeds: regressed", "passes"]
    rows = [
        [
            f"`{one.mutant}`",
            *(change(one.losses[env_id][0]) for env_id in env_ids),
            *(percent(one.broken[env_id], 0) for env_id in env_ids),
            minus(f"{one.worst.margins:.2f} [{one.worst.margins_low:.2f}, {one.worst.margins_high:.2f}]"),
            minus(f"{one.margins_anywhere:.2f}"),
            *_in_short(one.gate),
            f"{one.gate.cells:.1f}",
            *(percent(one.fixed[n].get(word, 0.0)) for word in (REGRESSED, EQUIVALENT)),
        ]
        for one in worst_first(mutants)
    ]
    return table(head, rows)


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
    """Two Welch tests with a fixed number of seeds, beside the gate."""
    strong, between, _, harmless = study.strata.values()
    groups = list(study.strata)
    head = ["", "candidate seeds", f"caught: {groups[0]}", "the least of them"]
    head += [f"caught: {groups[1]}", "these pass", f"pass: {groups[3]}", "accused"]
    gate = [mean(caught, strong), min(map(caught, strong)), mean(caught, between), mean(passed, between)]
    gate += [mean(passed, harmless), mean(caught, harmless)]
    seeds = [f"{mean(lambda one: one.gate.seeds, group):.1f}" for group in (strong, between, harmless)]
    rows = [["**the gate**", " / ".join(seeds), *map(percent, gate)]]
    for n in study.fixed_sizes():
        each = [study.fixed_rate(n, REGRESSED, [one]) for one in strong]
        shares = [fmean(each), min(each)]
        shares += [study.fixed_rate(n, word, between) for word in (REGRESSED, EQUIVALENT)]
        shares += [study.fixed_rate(n, word, harmless) for word in (EQUIVALENT, REGRESSED)]
        rows.append(["two Welch tests", str(n), *map(percent, shares)])
    return table(head, rows)


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


def late(study: Study) -> str:
    """The gate beside one whose first look is later."""
    head = [
        "mutant",
        "regressed",
        "passes",
        "open",
        "seeds",
        *(f"{what}, late" for what in ("regressed", "passes", "open", "seeds")),
    ]
    rows = [
        [f"`{one.mutant}`", *(text for answers in (one.gate, one.late) for text in _in_short(answers))]
        for one in (*worst_first(study.between), *study.harmless)
    ]
    return table(head, rows)


def _in_short(answers: Answers) -> Iterator[str]:
    yield percent(answers.words.get(REGRESSED, 0.0))
    yield percent(sum(answers.words.get(word, 0.0) for word in PASSES))
    yield percent(answers.words.get("inconclusive", 0.0))
    yield f"{answers.seeds:.1f}"


def identical(study: Study) -> str:
    """The gate on mutants that keep every bit, in a sentence."""
    found = study.data["identical"]
    names = ", ".join(f"`{one['mutant']}`" for one in found)
    words = ", ".join(sorted({one["word"] for one in found}))
    cells = ", ".join(sorted({str(one["cells"]) for one in found}))
    equal, runs = sum(one["equal"] for one in found), sum(one["runs"] for one in found)
    return (
        f"{names}: {words}, after {cells} cells each ({_identical_seeds(study)} seeds of both versions in every "
        f"environment). {equal} of their {runs} runs in the pools are equal bit for bit to the unchanged code's.\n"
    )


BLOCKS: dict[str, Callable[[Study], str]] = {
    one.__name__: one
    for one in (about, numbers, cost, harmful, harmless, rules, planned, needed, late, details, truth, identical)
}  # fmt: skip


def page(text: str) -> str:
    """`text` with every block written anew."""
    known = studies()

    def block(found: re.Match[str]) -> str:
        name, _, what = found["name"].partition("-")
        return f"{found[1]}{BLOCKS[what](known[name])}{found[3]}"

    return BLOCK.sub(block, text)


def write_pages() -> None:
    """Writes the tables into both pages."""
    for path in PAGES:
        write_whole(path, page(path.read_text(encoding="utf-8")))


def _welch_needs(one: Judged, power: float) -> str:
    found = next((n for n, words in one.fixed.items() if words.get(REGRESSED, 0.0) >= power), None)
    return found or f"> {max(map(int, one.fixed))}"


def _identical_seeds(study: Study) -> int:
    cells = max(one["cells"] for one in study.data["identical"])
    return int(cells) // (2 * len(study.env_ids))


if __name__ == "__main__":
    write_pages()
