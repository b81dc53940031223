"""The badge: a picture that says its word to eyes, screen readers and shields.io."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from rlops.judge.record import Word
from rlops.report import badge_json, badge_svg
from tests.report import gold
from tests.report.test_trust import HOSTILE

SVG = "{http://www.w3.org/2000/svg}"


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("word", Word)
def test_it_says_its_word_and_can_be_read(word: Word) -> None:
    root = ET.fromstring(badge_svg("rlops quick", word))  # noqa: S314  (our own)
    assert root.attrib["aria-label"] == root.findtext(f"{SVG}title") == f"rlops quick: {word}"
    label, shown = root.findall(f".//{SVG}text")
    assert label.text == "rlops quick"
    assert shown.text.endswith(word)
    for rect in root.findall(f"{SVG}g/{SVG}rect"):
        assert 1.05 / (luminance(rect.attrib["fill"]) + 0.05) >= 4.5, "contrast with white"


def test_the_width_is_that_of_the_text() -> None:
    def width(label: str) -> int:
        root = ET.fromstring(badge_svg(label, Word.EQUIVALENT))  # noqa: S314  (our own)
        left, right = root.findall(f"{SVG}g/{SVG}rect")
        assert int(root.attrib["width"]) == int(left.attrib["width"]) + int(right.attrib["width"])
        for rect, text in zip((left, right), root.findall(f".//{SVG}text"), strict=True):
            assert int(text.attrib["textLength"]) == int(rect.attrib["width"]) - 12
        return int(root.attrib["width"])

    assert width("rlops") < width("rlops quick") < width("rlops mmmmm mmmmm")
    assert width("iiiiiiiiii") < width("mmmmmmmmmm")


def test_it_is_as_reviewed() -> None:
    gold.check("badge.svg", badge_svg("rlops quick", Word.REGRESSED))


@pytest.mark.parametrize("text", HOSTILE)
def test_names_of_strangers_are_text(text: str) -> None:
    rendered = badge_svg(text, Word.FAILED)
    root = ET.fromstring(rendered)  # noqa: S314  (our own)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg",
        "title",
        "clipPath",
        "g",
        "rect",
        "text",
    }
    assert not any(name.startswith("on") for element in root.iter() for name in element.attrib)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", rendered)
    assert int(root.attrib["width"]) < 800
    assert len(json.loads(badge_json(text, Word.FAILED))["label"]) <= 60


def test_the_endpoint_of_shields_has_its_four_keys() -> None:
    content = json.loads(badge_json("rlops quick", Word.INCONCLUSIVE))
    assert content == {"schemaVersion": 1, "label": "rlops quick", "message": "inconclusive", "color": "7a4a00"}
