"""JUnit XML: what CI servers read of it, whatever the verdict and the names."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from rlops.judge.record import Verdict, Word
from rlops.report import render_junit
from rlops.report.junit import TOGETHER
from tests.report import gold, samples
from tests.report.test_trust import HOSTILE, poisoned

ATTRIBUTES = {
    "testsuites": ({"name", "tests", "failures", "errors", "skipped", "time"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
        {"properties", "testcase"},
    ),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "testcase": ({"classname", "name", "time"}, {"failure", "error", "skipped", "system-out"}),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "skipped": ({"message"}, set()),
    "system-out": (set(), set()),
}
"""Element -> its attributes, all required, and what may stand in it: what the readers of Jenkins and GitLab know."""


def checked(text: str) -> ET.Element:
    """The suite of a JUnit file whose structure and sums are right."""
    root = ET.fromstring(text)  # noqa: S314  (our own)
    assert root.tag == "testsuites"
    for element in root.iter():
        attributes, inside = ATTRIBUTES[element.tag]
        assert set(element.attrib) == attributes, element.tag
        assert {child.tag for child in element} <= inside, element.tag
    (suite,) = root
    cases = suite.findall("testcase")
    assert len({case.get("name") for case in cases}) == len(cases)
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        count = len(suite.findall(f"testcase/{tag}"))
        assert suite.get(kind) == root.get(kind) == str(count)
    assert suite.get("tests") == str(len(cases))
    assert all(len(case) == 1 for case in cases)
    assert float(suite.get("time", "")) == pytest.approx(sum(float(case.get("time", "")) for case in cases), abs=0.01)
    return suite


@pytest.mark.parametrize("situation", samples.situations())
def test_every_situation_has_the_right_structure(situation: str) -> None:
    verdict = samples.situations()[situation]
    suite = checked(render_junit(verdict))
    assert suite.get("name") == verdict.benchmark
    names = [case.get("name") for case in suite.findall("testcase")]
    assert names == [*(item.env_id for item in verdict.environments), TOGETHER]


@pytest.mark.parametrize(
    ("word", "tag"),
    [
        (Word.REGRESSED, "failure"),
        (Word.FAILED, "error"),
        (Word.NOT_COMPARABLE, "error"),
        (Word.INCONCLUSIVE, "skipped"),
        (Word.EQUIVALENT, "system-out"),
        (Word.IMPROVED, "system-out"),
        (Word.IDENTICAL, "system-out"),
    ],
)
def test_the_outcome_of_each_word(word: Word, tag: str) -> None:
    verdict = samples.every_word(n_baseline=2, n_candidate=2, points=5)
    suite = checked(render_junit(verdict))
    env_id = next(item.env_id for item in verdict.environments if item.verdict is word)
    (case,) = [case for case in suite.findall("testcase") if case.get("name") == env_id]
    assert case[0].tag == tag


def test_only_a_regression_is_a_failure_and_the_suite_alone_may_be_one() -> None:
    passing = samples.sample(Word.EQUIVALENT, others=1, n_baseline=2, n_candidate=2, points=5)
    together = passing.model_copy(update={"verdict": Word.REGRESSED, "exit_code": 1})
    (failed,) = checked(render_junit(together)).findall("testcase/failure/..")
    assert failed.get("name") == TOGETHER
    assert checked(render_junit(passing)).get("failures") == "0"


@pytest.mark.parametrize("word", [Word.REGRESSED, Word.FAILED, Word.INCONCLUSIVE])
def test_it_is_as_reviewed(word: Word) -> None:
    gold.check(f"{word}.xml", render_junit(samples.sample(word, others=1, n_baseline=4, n_candidate=3, points=5)))


@pytest.mark.parametrize("text", HOSTILE)
def test_names_of_strangers_are_text(text: str) -> None:
    rendered = render_junit(poisoned(text))
    suite = checked(rendered)
    assert len(suite.findall("testcase")) == 2
    assert "<!" not in rendered.replace("&lt;!", "")
    assert not re.search(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", rendered)
    for element in suite.iter():
        assert not any(
            re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", value) for value in element.attrib.values()
        )


def test_two_unnamed_environments_are_two_cases() -> None:
    verdict: Verdict = samples.sample(Word.EQUIVALENT, others=1, n_baseline=2, n_candidate=2, points=5)
    unnamed = tuple(
        item.model_copy(update={"env_id": name})
        for item, name in zip(verdict.environments, ("\x00", "\x01"), strict=True)
    )
    checked(render_junit(verdict.model_copy(update={"environments": unnamed})))


def test_a_file_that_ends_in_xml_is_one(tmp_path: Path) -> None:
    from rlops.cli.options import write_report

    path = tmp_path / "new" / "rlops.xml"
    write_report(samples.sample(Word.REGRESSED, others=0, n_baseline=2, n_candidate=2, points=5), path)
    assert checked(path.read_text(encoding="utf-8")).get("failures") == "2"
    assert path.read_text(encoding="utf-8").startswith('<?xml version="1.0" encoding="UTF-8"?>')
