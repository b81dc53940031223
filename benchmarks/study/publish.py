"""The pools as reports of our own: `rlops report` on the unchanged code and a handful of mutants, a page a group."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence

from benchmarks.mutant_table import ROOT, Mutant, read
from benchmarks.study.pools import CANDIDATES
from benchmarks.study.versions import UNCHANGED, commit_of
from rlops.plan import format_seeds

PAGES = ROOT / "docs" / "study"
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TERM", "TMPDIR")
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
    """Writes every page, with its figures."""
    for group, mutants in groups():
        rlops_report(name, f"{name}-{group}", (UNCHANGED, *mutants))


def rlops_report(name: str, page: str, mutants: Sequence[Mutant]) -> None:
    """One page; the unchanged code is the first run set, and so the scale."""
    seeds = format_seeds(CANDIDATES[name])
    command = [sys.executable, "-I", "-m", "rlops", "report", "--benchmark", name, "--quiet"]
    command += [f"git:{commit_of(mutant)[:12]}?seed={seeds}" for mutant in mutants]
    for mutant in mutants:
        command += ["--label", mutant.name]
    output = (PAGES / f"{page}.md").relative_to(ROOT)
    command += ["--figures", str(PAGES.relative_to(ROOT) / page), "--output", str(output)]
    environment = {key: os.environ[key] for key in PASSED_ON if key in os.environ}
    subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
