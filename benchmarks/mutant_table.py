"""The mutants of ppo_impl: small changes, harmful and harmless, that the gate is tried on (benchmarks/mutants).

`python benchmarks/mutant_table.py` writes docs/mutants.md, from benchmarks/mutants/mutants.toml.
"""

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "benchmarks" / "mutants"
TABLE = FOLDER / "mutants.toml"
PAGE = ROOT / "docs" / "mutants.md"
THREAD = re.compile(r"([\w.-]+/[\w.-]+) (issue|pull request) (\d+)")

HEAD = """\
# Mutants: the changes that the gate is tried on

Small changes to `ppo_impl`, each a patch in [benchmarks/mutants](../benchmarks/mutants) that `git apply` takes at the
root of the checkout. Each applies, trains without an error, and changes what some seed learns or, where it says "same",
not one bit of it ([test_mutants.py](../tests/ppo_impl/test_mutants.py)). "Harmful" is what was meant: what each does,
and what the gate says of it, is in [study.md](study.md). "Seen" is where others found such a bug. Numbers of details
are those of the 13 core details in [ppo.md](ppo.md). Made from [mutants.toml](../benchmarks/mutants/mutants.toml) by
`python benchmarks/mutant_table.py`.
"""


@dataclass(frozen=True)
class Mutant:
    """One change, as the table tells of it."""

    name: str
    harmful: bool  # meant to be
    bits: bool  # keeps every floating-point operation of the training, so that curves are equal bit for bit
    details: tuple[int, ...]  # those of the 13 core details that it breaks
    what: str
    seen: str  # where such a bug was seen: repository and thread; "of this kind" if it was a relative; or "made up"

    @property
    def patch(self) -> Path:
        """The change itself."""
        return FOLDER / f"{self.name}.patch"


def read() -> tuple[Mutant, ...]:
    """Every mutant, in the order of the table; TypeError if a key is missing or unknown."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return tuple(Mutant(name=name, **{**row, "details": tuple(row["details"])}) for name, row in rows.items())


def page() -> str:
    """docs/mutants.md."""
    harmful = [one for one in read() if one.harmful]
    harmless = [one for one in read() if not one.harmful]
    lines = [HEAD, f"## Harmful: {len(harmful)}\n", "| mutant | detail | what it does | seen |", "|---|---|---|---|"]
    lines += [_row(one, ", ".join(map(str, one.details))) for one in harmful]
    lines += [f"\n## Harmless: {len(harmless)}\n", "| mutant | bits | what it does | seen |", "|---|---|---|---|"]
    lines += [_row(one, "same" if one.bits else "other") for one in harmless]
    return "\n".join(lines) + "\n"


def _row(one: Mutant, second: str) -> str:
    link = f"[{one.name}](../benchmarks/mutants/{one.patch.name})"
    return f"| {link} | {second} | {one.what} | {THREAD.sub(_thread, one.seen)} |"


def _thread(found: re.Match[str]) -> str:
    repository, kind, number = found.groups()
    place = "issues" if kind == "issue" else "pull"
    return f"[{found[0]}](https://github.com/{repository}/{place}/{number})"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.exit(0)
