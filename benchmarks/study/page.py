"""The tables of docs/study.md, from docs/study.json: `python -m benchmarks.study.page`.

What stands between `<!-- NAME -->` and `<!-- end -->` is written here, the words around it by hand.
"""

import re
from collections.abc import Callable, Sequence

from benchmarks.mutant_table import ROOT
from benchmarks.study import fixed, practice
from benchmarks.study.figures import PASSES, STRONG, WITHIN, Study, caught, mean, passed, row, studies
from benchmarks.study.judged import REGRESSED, Judged
from benchmarks.study.truth import Loss
from rlops.files import write_whole

PAGE = ROOT / "docs" / "study.md"
BLOCK = re.compile(r"(<!-- (?P<name>[a-z]+-[a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)
DETAILS = range(1, 14)
FIXED = f"two Welch tests with a fixed number of seeds and rates within {WITHIN:.0%}"


def percent(share: float, digits: int = 1) -> str:
    """As readers see it; what is not quite all or nothing never looks like it."""
    text = f"{100 * share:.{digits}f}"
    if share in {0.0, 1.0}:
        text = f"{100 * share:.0f}"
    elif float(text) in {0.0, 100.0}:
        text = f"{'<' if share < 0.5 else '>'} {10**-digits if share < 0.5 else 100 - 10**-digits:.{digits}f}"
    return f"{text} %"


def change(loss: Loss) -> str:
    """A change with its interval, in percent of the scale."""
    low, high = (f"{100 * one:.1f}" for one in (loss.low, loss.high))
    return minus(f"{100 * loss.change:+.1f} [{low}, {high}]")


def minus(text: str) -> str:
    """With the sign that typesetters use."""
    return text.replace("-", "−")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown; the first column is text, the others numbers."""
    lines = [head, [":--", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def numbers(study: Study) -> str:
    """What was to be reached, and what was."""
    least, (rate, error) = min(study.strong, key=caught), study.accused
    seeds = mean(lambda one: one.seeds, study.decided)
    with_fresh = seeds + mean(lambda one: one.fresh_cells, study.decided) / len(study.env_ids)
    needs = study.same_rates()
    words = {one["word"] for one in study.data["identical"]}
    rows = [
        [
            f"harmful mutants that lose ≥ {STRONG} margins at the end: {len(study.strong)}; caught, the least of them",
            "≥ 95 %",
            f"{percent(caught(least))} (`{least.mutant}`)",
        ],
        [
            f"harmless mutants: {len(study.harmless)}; accused, pooled",
            f"≤ 5 % + {percent(2 * error)}",
            percent(rate),
        ],
        [
            f"seeds of an environment for a verdict on these {len(study.decided)}, beside {FIXED}",
            f"half of {needs or f'more than {_most_fixed(study)}'}",
            f"{seeds:.1f}; with fresh baseline seeds {with_fresh:.1f}",
        ],
        [
            f"harmless mutants that keep every bit: {len(study.data['identical'])}",
            "`identical`, two seeds",
            f"{' '.join(sorted(words))}, {_identical_seeds(study)} seeds of each version",
        ],
    ]
    return table(["what", "asked", "measured"], rows)


def cost(study: Study) -> str:
    """What a verdict takes."""
    rows = []
    for name, group in (
        (f"caught: lose ≥ {STRONG} margins", study.strong),
        ("meant to be harmful, lose less", study.weak),
        ("harmless", study.harmless),
    ):
        cells = mean(lambda one: one.cells, group)
        rows.append(
            [
                name,
                str(len(group)),
                f"{mean(lambda one: one.seeds, group):.1f}",
                f"{mean(lambda one: one.fresh_cells, group) / len(study.env_ids):.1f}",
                f"{cells:.1f}",
                f"{cells * study.data['budget'] / 1e6:.1f}",
                f"{cells * group[0].minutes_a_cell:.1f}",
            ]
        )
    head = ["mutants", "how many", "seeds", "fresh baseline seeds", "cells", "million steps", "core minutes"]
    return table(head, rows)


def harmful(study: Study) -> str:
    """What the gate said of those meant to do harm."""
    return _gate_table(study.harmful, study.env_ids)


def harmless(study: Study) -> str:
    """And of the others; the unchanged code, too."""
    return _gate_table([*study.harmless, *study.control], study.env_ids)


def _gate_table(mutants: Sequence[Judged], env_ids: Sequence[str]) -> str:
    head = ["mutant", *(f"end, {env_id}" for env_id in env_ids), "margins", "regressed", "passes", "open"]
    rows = [
        [
            f"`{one.mutant}`",
            *(change(one.losses[env_id][0]) for env_id in env_ids),
            minus(f"{one.margins:.2f}"),
            percent(caught(one)),
            percent(passed(one)),
            percent(max(0.0, round(1 - caught(one) - passed(one), 9))),
            f"{one.seeds:.1f}",
            f"{one.cells:.1f}",
            f"{one.most_cells:.0f}",
        ]
        for one in _worst_first(mutants)
    ]
    return table([*head, "seeds", "cells", "95 %"], rows)


def rules(study: Study) -> str:
    """The gate beside the rules of practice, on the same draws."""
    groups = (study.strong, study.weak, study.harmless)
    head = ["rule", f"{len(groups[0])} that lose ≥ {STRONG} margins", f"{len(groups[1])} that lose less"]
    head += [f"{len(groups[2])} harmless", "worst harmless", "seeds"]

    def line(name: str, share: Callable[[Judged], float], seeds: str) -> list[str]:
        rates = [percent(mean(share, group)) for group in groups]
        return [name, *rates, percent(max(map(share, study.harmless))), seeds]

    seeds = mean(lambda one: one.seeds, [*study.harmful, *study.harmless])
    rows = [line("**the gate**", caught, f"{seeds:.1f}")]
    rows += [
        line(rule, lambda one, rule=rule: one.practice[rule], str(n))  # type: ignore[misc]
        for rule, (n, _) in practice.RULES.items()
    ]
    return table(head, rows)


def planned(study: Study) -> str:
    """Two Welch tests with a fixed number of seeds, beside the gate."""
    head = ["", "seeds", f"caught, ≥ {STRONG} margins", "passes, harmless", "accused, harmless"]
    seeds = mean(lambda one: one.seeds, study.decided)
    gate = [mean(caught, study.strong), mean(passed, study.harmless), mean(caught, study.harmless)]
    rows = [["**the gate**", f"{seeds:.1f}", *map(percent, gate)]]
    asked = ((REGRESSED, study.strong), (PASSES[0], study.harmless), (REGRESSED, study.harmless))
    for n in [n for n in fixed.SEEDS if n <= _most_fixed(study)]:
        shares = [percent(study.fixed_rate(n, word, group)) for word, group in asked]
        rows.append(["two Welch tests", str(n), *shares])
    return table(head, rows)


def needed(study: Study) -> str:
    """How many seeds it takes, a mutant a line."""
    looks = list(study.harmful[0].by_look)
    head = ["mutant", "margins", *(f"by {look} seeds" for look in looks), "mean seeds", "Welch, 80 %", "Welch, 95 %"]
    rows = [
        [
            f"`{one.mutant}`",
            minus(f"{one.margins:.2f}"),
            *(percent(one.by_look[look], 0) for look in looks),
            f"{one.seeds:.1f}",
            *(_welch_needs(one, power) for power in (0.8, 0.95)),
        ]
        for one in _worst_first(study.harmful)
    ]
    return table(head, rows)


def details(study: Study) -> str:
    """Which of the 13 details matter at this budget: the end and the course."""
    head = ["detail", "mutant", *(f"{what}, {env_id}" for env_id in study.env_ids for what in ("end", "course"))]
    rows = [
        [str(number), f"`{one.mutant}`", *(change(loss) for env_id in study.env_ids for loss in one.losses[env_id][:2])]
        for number in DETAILS
        for one in study.harmful
        if number in row(one).details
    ]
    return table(head, rows)


def identical(study: Study) -> str:
    """The gate on mutants that keep every bit."""
    head = ["mutant", "verdict", "cells, both versions", "runs equal bit for bit"]
    rows = [
        [f"`{one['mutant']}`", one["word"], str(one["cells"]), f"{one['equal']} of {one['runs']}"]
        for one in study.data["identical"]
    ]
    return table(head, rows)


BLOCKS: dict[str, Callable[[Study], str]] = {
    one.__name__: one
    for one in (numbers, cost, harmful, harmless, rules, planned, needed, details, identical)
}  # fmt: skip


def page(text: str) -> str:
    """`text` with every block written anew."""
    known = studies()

    def block(found: re.Match[str]) -> str:
        name, _, what = found["name"].partition("-")
        return f"{found[1]}{BLOCKS[what](known[name])}{found[3]}"

    return BLOCK.sub(block, text)


def write_page() -> None:
    """Writes the tables into the page."""
    write_whole(PAGE, page(PAGE.read_text(encoding="utf-8")))


def _worst_first(mutants: Sequence[Judged]) -> list[Judged]:
    return sorted(mutants, key=lambda one: -one.margins)


def _most_fixed(study: Study) -> int:
    return min(max(map(int, one.fixed)) for one in study.decided)


def _welch_needs(one: Judged, power: float) -> str:
    found = next((n for n, words in one.fixed.items() if words.get(REGRESSED, 0.0) >= power), None)
    return found or f"> {max(map(int, one.fixed))}"


def _identical_seeds(study: Study) -> int:
    cells = max(one["cells"] for one in study.data["identical"])
    return int(cells) // (2 * len(study.env_ids))


if __name__ == "__main__":
    write_page()
