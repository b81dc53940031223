"""The tables of docs/study.md, from docs/study.json: `python -m benchmarks.study.page`.

What stands between `<!-- NAME -->` and `<!-- end -->` is written here, the words around it by hand.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean

from benchmarks.mutant_table import ROOT
from benchmarks.study import practice
from benchmarks.study.figures import EQUIVALENT, PASSES, STRONG, TO_CATCH, Study, caught, mean, passed, row, studies
from benchmarks.study.judged import REGRESSED, Answers, Judged
from benchmarks.study.truth import Loss
from rlops.files import write_whole
from rlops.stats import holm

PAGE = ROOT / "docs" / "study.md"
BLOCK = re.compile(r"(<!-- (?P<name>[a-z]+-[a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)
DETAILS = range(1, 14)


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


def about(study: Study) -> str:
    """When, where, and of how much."""
    data, trained = study.data, max(one.seeds_trained for one in study.harmful)
    unchanged = study.control[0]
    draws = f"; {unchanged.repeats} draws of each" if unchanged.repeats else ""
    return (
        f"{data['on']}, {data['machine']}, trainer of commit `{data['unchanged'][:7]}`. {trained} seeds of each mutant "
        f"in every environment, {unchanged.seeds_trained} of the unchanged code{draws}.\n"
    )


def numbers(study: Study) -> str:
    """What was to be reached, and what was."""
    rate, error = study.accused
    fixed = study.same_rates() or f"> {study.fixed_sizes()[-1]}"
    identical = study.data["identical"]
    rows = [
        [f"harmful mutants that lose ≥ {STRONG} margins at the end: {len(study.strong)}", *_least(study.strong)],
        [f"the same in any statistic: {len(study.strong_anywhere)}", *_least(study.strong_anywhere)],
        [
            f"harmless mutants, {len(study.harmless)}: accused",
            f"≤ {percent(study.data['alpha'], 0)} + {percent(2 * error)} (two standard errors)",
            percent(rate),
        ],
        [
            "seeds of an environment, caught mutants",
            f"half of {fixed}, of two Welch tests ({_keeps(study)})",
            _seeds(study, study.strong),
        ],
        ["seeds of an environment, harmless mutants", "the same", _seeds(study, study.harmless)],
        [
            f"harmless mutants that keep every bit: {len(identical)}",
            "`identical`, two seeds",
            f"{', '.join(sorted({one['word'] for one in identical}))}; {_identical_seeds(study)} seeds of each version",
        ],
    ]
    return table(["what", "asked", "measured"], rows)


def _least(group: Sequence[Judged]) -> tuple[str, str]:
    least = min(group, key=caught)
    name = "every one" if caught(least) == 1 else f"the least, `{least.mutant}`"
    return f"each caught in ≥ {percent(TO_CATCH, 0)}", f"{percent(caught(least))}: {name}"


def _keeps(study: Study) -> str:
    return f"each caught in ≥ {percent(min(TO_CATCH, min(map(caught, study.strong))), 0)}, passes and alarms as often"


def _seeds(study: Study, group: Sequence[Judged]) -> str:
    seeds = mean(lambda one: one.gate.seeds, group)
    fresh = mean(lambda one: one.gate.fresh_cells, group) / len(study.env_ids)
    return f"{seeds:.1f}, and {fresh:.1f} fresh ones of the baseline"


def cost(study: Study) -> str:
    """What a verdict takes."""
    rows = []
    for name, group in (
        (f"caught: lose ≥ {STRONG} margins", study.strong),
        ("meant to be harmful, lose less", study.weak),
        ("harmless", study.harmless),
    ):
        cells = mean(lambda one: one.gate.cells, group)
        rows.append(
            [
                name,
                str(len(group)),
                f"{mean(lambda one: one.gate.seeds, group):.1f}",
                f"{mean(lambda one: one.gate.fresh_cells, group) / len(study.env_ids):.1f}",
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
    head = ["mutant", *(f"end, {env_id}" for env_id in env_ids), "margins", "anywhere", "regressed", "passes", "open"]
    head += [*(f"names {env_id}" for env_id in env_ids), "seeds", "cells", "95 %"]
    rows = [
        [
            f"`{one.mutant}`",
            *(change(one.losses[env_id][0]) for env_id in env_ids),
            minus(f"{one.worst.margins:.2f} [{one.worst.margins_low:.2f}, {one.worst.margins_high:.2f}]"),
            minus(f"{one.margins_anywhere:.2f}"),
            percent(caught(one)),
            percent(passed(one)),
            percent(one.gate.words.get("inconclusive", 0.0)),
            *(percent(one.gate.named[env_id]) for env_id in env_ids),
            f"{one.gate.seeds:.1f}",
            f"{one.gate.cells:.1f}",
            f"{one.gate.most_cells:.0f}",
        ]
        for one in _worst_first(mutants)
    ]
    return table(head, rows)


def rules(study: Study) -> str:
    """The gate beside the rules of practice, on the same draws."""
    groups = (study.strong, study.weak, study.harmless)
    head = ["rule", f"{len(groups[0])} that lose ≥ {STRONG} margins", f"{len(groups[1])} that lose less"]
    head += [f"{len(groups[2])} harmless", "worst harmless", "seeds a side"]

    def line(name: str, share: Callable[[Judged], float], seeds: str) -> list[str]:
        rates = [percent(mean(share, group)) for group in groups]
        return [name, *rates, percent(max(map(share, study.harmless))), seeds]

    rows = [line("**the gate**", caught, "the candidate's: 5 to 20, of the baseline 20 to 30")]
    rows += [
        line(rule, lambda one, rule=rule: one.practice[rule], str(n))  # type: ignore[misc]
        for rule, (n, _) in practice.RULES.items()
    ]
    return table(head, rows)


def planned(study: Study) -> str:
    """Two Welch tests with a fixed number of seeds, beside the gate."""
    head = ["", "seeds", f"caught, ≥ {STRONG} margins", "least caught", "passes, harmless", "accused, harmless"]
    gate = [mean(caught, study.strong), min(map(caught, study.strong))]
    gate += [mean(passed, study.harmless), mean(caught, study.harmless)]
    seeds = [f"{mean(lambda one: one.gate.seeds, group):.1f}" for group in (study.strong, study.harmless)]
    rows = [["**the gate**", f"{seeds[0]} (caught), {seeds[1]} (harmless)", *map(percent, gate)]]
    for n in study.fixed_sizes():
        strong = [study.fixed_rate(n, REGRESSED, [one]) for one in study.strong]
        shares = [fmean(strong), min(strong)]
        shares += [study.fixed_rate(n, word, study.harmless) for word in (EQUIVALENT, REGRESSED)]
        rows.append(["two Welch tests", str(n), *map(percent, shares)])
    return table(head, rows)


def needed(study: Study) -> str:
    """How many seeds it takes, a mutant a line."""
    looks = list(study.harmful[0].gate.by_look)
    head = ["mutant", "margins", *(f"by {look} seeds" for look in looks), "mean seeds", "Welch, 80 %", "Welch, 95 %"]
    rows = [
        [
            f"`{one.mutant}`",
            minus(f"{one.margins:.2f}"),
            *(percent(one.gate.by_look[look], 0) for look in looks),
            f"{one.gate.seeds:.1f}",
            *(_welch_needs(one, power) for power in (0.8, 0.95)),
        ]
        for one in _worst_first(study.harmful)
    ]
    return table(head, rows)


def details(study: Study) -> str:
    """Which of the 13 details matter at this budget."""
    broken = [(str(number), one) for number in DETAILS for one in study.harmful if number in row(one).details]
    return _losses_table("detail", broken, study)


def truth(study: Study) -> str:
    """What every mutant does."""
    kinds = (("harmful", study.harmful), ("harmless", study.others), ("", study.control))
    return _losses_table("meant to be", [(kind, one) for kind, group in kinds for one in _worst_first(group)], study)


def _losses_table(title: str, mutants: Sequence[tuple[str, Judged]], study: Study) -> str:
    """The losses of the end and of the course, bold where Holm finds them among all of the table."""
    losses = {
        (one.mutant, env_id, place): one.losses[env_id][place]
        for _, one in mutants
        for env_id in study.env_ids
        for place in (0, 1)
    }
    certain = holm({key: loss.p for key, loss in losses.items()}, study.data["alpha"])

    def cell(*key: object) -> str:
        told = change(losses[key])  # type: ignore[index]
        return f"**{told}**" if key in certain else told

    head = [title, "mutant", *(f"{what}, {env_id}" for env_id in study.env_ids for what in ("end", "course"))]
    rows = [
        [label, f"`{one.mutant}`", *(cell(one.mutant, env_id, place) for env_id in study.env_ids for place in (0, 1))]
        for label, one in mutants
    ]
    return table(head, rows)


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
        for one in (*_worst_first(study.weak), *study.harmless)
    ]
    return table(head, rows)


def _in_short(answers: Answers) -> Iterator[str]:
    yield percent(answers.words.get(REGRESSED, 0.0))
    yield percent(sum(answers.words.get(word, 0.0) for word in PASSES))
    yield percent(answers.words.get("inconclusive", 0.0))
    yield f"{answers.seeds:.1f}"


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
    for one in (about, numbers, cost, harmful, harmless, rules, planned, needed, late, details, truth, identical)
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


def _welch_needs(one: Judged, power: float) -> str:
    found = next((n for n, words in one.fixed.items() if words.get(REGRESSED, 0.0) >= power), None)
    return found or f"> {max(map(int, one.fixed))}"


def _identical_seeds(study: Study) -> int:
    cells = max(one["cells"] for one in study.data["identical"])
    return int(cells) // (2 * len(study.env_ids))


if __name__ == "__main__":
    write_page()
