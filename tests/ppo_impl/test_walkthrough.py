"""docs/ppo.md leads to the lines it names. `RLOPS_RENEW_GOLD=1` puts in the line numbers of today."""

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "ppo.md"
ROW = re.compile(r"^\| (?P<name>[^|]*?) \| \[`[\w.]+`\]\(\.\./(?P<file>[\w/.]+)#L(?P<line>\d+)\) \|", re.MULTILINE)


def mark(name: str) -> str:
    """What the line that a row leads to has in it."""
    word, number = name.split()[:2]
    if word.isdecimal():
        return f"# detail {word}"
    return f"# {word} detail {number}" if number.isdecimal() else f"# {name.split(':')[0].split(',')[0]}"


def line_of(file: str, name: str) -> int:
    lines = (ROOT / file).read_text().splitlines()
    found = [number for number, line in enumerate(lines, 1) if re.search(rf"{re.escape(mark(name))}\b", line)]
    assert found, f"{file} has no '{mark(name)}'"
    return found[0]


def test_every_detail_leads_to_the_line_that_is_marked_with_it() -> None:
    text = PAGE.read_text()
    if os.environ.get("RLOPS_RENEW_GOLD"):
        renewed = ROW.sub(lambda row: re.sub(r"#L\d+", f"#L{line_of(row['file'], row['name'])}", row[0]), text)
        PAGE.write_text(renewed)
        pytest.fail("docs/ppo.md was renewed; look at the difference, then run without RLOPS_RENEW_GOLD")
    rows = list(ROW.finditer(text))
    assert len(rows) == 13 + 9 + 4
    for row in rows:
        assert int(row["line"]) == line_of(row["file"], row["name"]), row["name"]
