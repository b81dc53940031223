"""Numbers and words as a reader sees them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlops.judge.record import Word
from rlops.report import text
from rlops.report.words import MEANING_BY_SEVERITY, SEVERITIES, WORDS


@pytest.mark.parametrize(
    ("fraction", "shown"),
    [
        (-0.214, "−21.4 %"),
        (0.0, "0.0 %"),
        (-0.0001, "0.0 %"),
        (0.5, "+50.0 %"),
        (-12.345, "−1,234.5 %"),
        (2e6, "+2.00e8 %"),
        (None, "–"),
    ],
)
def test_percent(fraction: float | None, shown: str) -> None:
    assert text.percent(fraction) == shown.replace(" ", "\u00a0")


def test_margins_have_no_sign() -> None:
    assert [text.percent(value, signed=False)[:-2] for value in (0.2, 0.184, 1.0)] == ["20", "18.4", "100"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (7233.4, "7233"),
        (12345.6, "12,346"),
        (554.21, "554.2"),
        (-0.51234, "−0.512"),
        (0.0, "0"),
        (1.23456e9, "1.23e9"),
        (-4e-7, "−4.00e−7"),
        (None, "–"),
    ],
)
def test_score(value: float | None, shown: str) -> None:
    assert text.score(value) == shown


def test_p_values() -> None:
    assert [text.p_value(p) for p in (None, 0.0, 0.00031, 0.031, 0.51)] == ["–", "<0.0001", "0.0003", "0.031", "0.51"]


def test_steps() -> None:
    assert [text.steps(value) for value in (0, 500, 25_000, 1_500_000, 2e9)] == ["0", "500", "25k", "1.5M", "2G"]


def test_minutes() -> None:
    shown = [text.minutes(value) for value in (None, 0.3, 38.4, 130.0, 60.0, 4567.0)]
    assert shown == ["–", "18 s", "38 min", "2 h 10 min", "1 h", "3 d 4 h"]


def test_seed_list() -> None:
    assert text.seed_list([4, 0, 1, 2, 7, 7]) == "0–2, 4, 7"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_has_a_short_text(value: float) -> None:
    for shown in (text.score(value), text.percent(value), text.steps(abs(value))):
        assert 0 < len(shown) <= 14


@given(st.text())
def test_cleaning_twice_changes_nothing(given_text: str) -> None:
    once = text.clean(given_text)
    assert text.clean(once) == once
    assert "\x1b" not in once


@given(st.text())
def test_slugs_are_fit_for_ids(given_text: str) -> None:
    assert text.slug(given_text).replace("-", "x").isalnum()


def test_every_verdict_and_severity_has_its_words() -> None:
    assert set(WORDS) == set(Word)
    assert set(SEVERITIES) == set(MEANING_BY_SEVERITY)
    assert len({style.symbol for style in WORDS.values()}) == len(Word)
