"""The pools as reports of our own: `rlops report` on the unchanged code and a handful of mutants, a page a group."""

from collections.abc import Iterator

from benchmarks.mutant_table import Mutant, read
from benchmarks.study.pools import CANDIDATES
from benchmarks.study.versions import UNCHANGED, commit_of, rlops
from rlops.plan import format_seeds

PAGES = "docs/study"
EARLY = range(1, 6)
"""Of the 13 details; all of them would be more lines than a picture can hold."""


def groups() -> Iterator[tuple[str, list[Mutant]]]:
    """Name of the page, and its mutants."""
    harmful = [one for one in read() if one.harmful]
    early = [one for one in harmful if set(one.details) & set(EARLY)]
    yield "details-1-5", early
    yield "details-6-13", [one for one in harmful if one.details and one not in early]
    yield "other-bugs", [one for one in harmful if not one.details]
    yield "harmless", [one for one in read() if not one.harmful and not one.bits]


def publish(name: str) -> None:
    """Writes every page, with its figures; the unchanged code is the first run set, and so the scale."""
    seeds = format_seeds(CANDIDATES)
    for group, mutants in groups():
        shown = (UNCHANGED, *mutants)
        references = [f"git:{commit_of(mutant)[:12]}?seed={seeds}" for mutant in shown]
        labels = [word for mutant in shown for word in ("--label", mutant.name)]
        page = f"{PAGES}/{name}-{group}"
        files = ("--figures", page, "--output", f"{page}.md")
        rlops("report", "--benchmark", name, "--quiet", *references, *labels, *files).check_returncode()
