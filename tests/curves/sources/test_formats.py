"""The page about other logs says what the code does."""

import re
from pathlib import Path

import pytest

from rlops.curves import parse_reference
from rlops.curves.sources.formats import FILES, HOLDS, LOG_FORMATS
from rlops.curves.sources.path_pattern import PathPattern

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "sources.md").read_text()


def test_every_format_has_its_row_in_the_order_in_which_they_are_looked_for() -> None:
    rows = re.findall(r"^\| `([\w]+)` \| (.*?) \|", PAGE, flags=re.MULTILINE)
    assert [name for name, _ in rows] == list(HOLDS) == list(FILES)
    for name, files in rows:
        assert re.findall(r"`([^`]+)`", files) == FILES[name].split(", ")


@pytest.mark.parametrize("name", LOG_FORMATS)
def test_every_name_for_step_and_return_stands_in_its_row(name: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}`")]
    names = LOG_FORMATS[name].names
    assert {*names.step, *names.metric} <= set(re.findall(r"`([^`]+)`", row))


def test_the_examples_are_references() -> None:
    examples = re.findall(r"[\"`](dir:[^\"`]+)[\"`]", PAGE)
    assert len(examples) >= len(LOG_FORMATS)
    for text in examples:
        reference = parse_reference(text)
        assert reference.one("format", "monitor") in HOLDS
        if "path" in reference.filters:
            assert PathPattern.parse(reference.one("path", ""))
