"""The tables of docs/study.md and docs/study-details.md, from docs/study.json: `python -m benchmarks.study.page`.

What stands between `<!-- NAME -->` and `<!-- end -->` is written here, the words around it by hand.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import product

from benchmarks.mutant_table import ROOT
from benchmarks.study.beside import needed, partly, planned, rules, welch_cells, welch_head
from benchmarks.study.details import details, truth
from benchmarks.study.figures import (
    STRONG,
    TO_CATCH,
    Study,
    caught,
    mean,
    passes,
    studies,
    worst_first,
)
from benchmarks.study.judged import REGRESSED, Answers, Judged
from benchmarks.study.text import minus, percent, table
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
        f"{data['on']}, {data['machine']}, trainer of commit `{data['unchanged'][:7]}`, judge `{data['judge'][:12]}` "
        f"(SHA-256 of its code). In every environment {changing} seeds of each mutant ({keeping} of those that keep "
        f"every bit) and {unchanged.seeds_trained} of the unchanged code, {reference} of them for baselines and as the "
        f"reference of the truth; {unchanged.repeats} draws of each that changes bits.\n"
    )


def numbers(study: Study) -> str:
    """What was to be reached, and what was."""
    rate, error = study.accused
    alpha, identical = study.data["alpha"], study.data["identical"]
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
        *_seeds_beside_welch(study),
        [
            f"{len(identical)} harmless mutants that keep every bit",
            "`identical`, two seeds",
            f"{', '.join(words)}; {_identical_seeds(study)} seeds of each version",
            _yes(words == ["identical"] and _identical_seeds(study) == IDENTICAL_SEEDS),
        ],
    ]
    return table(["what", "asked", "measured", "reached"], rows)


def _seeds_beside_welch(study: Study) -> Iterator[list[str]]:
    """Half of what two Welch tests need, for all error rates and to catch alone."""
    most, same = study.fixed_sizes()[-1], {"for the same error rates": study.same_rates()}
    catching = {**same, "to catch alone": study.to_catch_alone()}
    for kind, group, others in (("caught", study.strong, catching), ("harmless", study.harmless, same)):
        seeds = {
            "candidate seeds of an environment": mean(lambda one: one.gate.seeds, group),
            "runs trained in an environment": mean(lambda one: one.gate.cells, group) / len(study.env_ids),
        }
        for (rates, n), (what, measured) in product(others.items(), seeds.items()):
            limit = f"half of {n}" if n else f"half of more than {most}"
            few = measured <= (n or most) / 2
            reached = _yes(few) if few or n else "not known"
            yield [f"{kind} ones: {what}", f"{limit}, what Welch needs {rates}", f"{measured:.1f}", reached]


def _caught(group: Sequence[Judged]) -> tuple[str, str, str]:
    least = min(group, key=caught)
    name = "every one" if caught(least) == 1 else f"the least, `{least.mutant}`"
    asked = f"each caught in ≥ {percent(TO_CATCH, 0)}"
    return asked, f"{percent(caught(least))}: {name}", _yes(caught(least) >= TO_CATCH)


def _yes(reached: bool) -> str:
    return "yes" if reached else "**no**"


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
    head = [
        "mutants",
        "candidate seeds",
        "fresh baseline seeds",
        "cells",
        "cells, 95 % of draws at most",
        "million steps",
    ]
    return table([*head, "core minutes"], rows)


def harmful(study: Study) -> str:
    """What the gate said of those meant to do harm."""
    return _gate_table(study, study.harmful)


def harmless(study: Study) -> str:
    """And of the others; the unchanged code, too."""
    return _gate_table(study, [*study.harmless, *study.control])


def _gate_table(study: Study, mutants: Sequence[Judged]) -> str:
    env_ids = study.env_ids
    head = ["mutant", "end, margins", "most in any statistic, margins", *(f"broken, {env_id}" for env_id in env_ids)]
    head += ["regressed", *(f"names {env_id}" for env_id in env_ids), "passes", "of these improved", "open", "seeds"]
    head += ["cells", *welch_head(study)]
    rows = []
    for one in worst_first(mutants):
        regressed, passes, still_open, seeds = _in_short(one.gate)
        rows.append(
            [
                f"`{one.mutant}`",
                minus(f"{one.worst.margins:.2f} [{one.worst.margins_low:.2f}, {one.worst.margins_high:.2f}]"),
                minus(f"{one.margins_anywhere:.2f}"),
                *(percent(one.broken[env_id], 0) for env_id in env_ids),
                regressed,
                *(percent(one.gate.named[env_id], 0) for env_id in env_ids),
                passes,
                percent(one.gate.words.get("improved", 0.0)),
                still_open,
                seeds,
                f"{one.gate.cells:.1f}",
                *welch_cells(study, one),
            ]
        )
    return table(head, rows)


def finer(study: Study) -> str:
    """The gate beside one with half the margins, on the same draws."""
    head = ["regressed", "passes", "open", "seeds"]
    rows = [
        [f"`{one.mutant}`", *(text for answers in (one.gate, one.finer) for text in _in_short(answers))]
        for one in (*worst_first([*study.between, *study.slight]), *study.harmless, *study.control)
    ]
    return table(["mutant", *head, *(f"half: {what}" for what in head)], rows)


def _in_short(answers: Answers) -> Iterator[str]:
    yield percent(answers.words.get(REGRESSED, 0.0))
    yield percent(passes(answers))
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


TABLES = (about, numbers, cost, harmful, harmless, rules, planned, partly, needed, finer, details, truth, identical)
BLOCKS: dict[str, Callable[[Study], str]] = {one.__name__: one for one in TABLES}


def page(text: str) -> str:
    """`text` with every block written anew; those of a benchmark that is not judged yet stay as they are."""
    known = studies()

    def block(found: re.Match[str]) -> str:
        name, _, what = found["name"].partition("-")
        return f"{found[1]}{BLOCKS[what](known[name])}{found[3]}" if name in known else found[0]

    return BLOCK.sub(block, text)


def write_pages() -> None:
    """Writes the tables into both pages."""
    for path in PAGES:
        write_whole(path, page(path.read_text(encoding="utf-8")))


def _identical_seeds(study: Study) -> int:
    cells = max(one["cells"] for one in study.data["identical"])
    return int(cells) // (2 * len(study.env_ids))


if __name__ == "__main__":
    write_pages()
