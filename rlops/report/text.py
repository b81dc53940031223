"""From values to the strings a reader sees. Everything untrusted goes through `clean` before any renderer sees it."""

import math
import re
from collections.abc import Iterable

from rlops.strangers import CONTROL
from rlops.strangers import clean as clean  # renderers find every string function here

NONE = "–"
MINUS = "−"
NO_BREAK = "\u00a0"
LONGEST_LABEL = 60
LONGEST_DETAIL = 4000


def json_escaped(json: str) -> str:
    """The same JSON with markup and invisible characters as \\u escapes."""
    return re.sub(rf"[<>&]|{CONTROL.pattern}", lambda found: f"\\u{ord(found[0]):04x}", json)


def line(text: str, longest: int = LONGEST_DETAIL) -> str:
    """Clean text on one line, cut at `longest` characters."""
    return cut(" ".join(clean(text).split()), longest)


def cut(text: str, longest: int) -> str:
    """The text itself, or its beginning and an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def percent(fraction: float | None, *, signed: bool = True) -> str:
    """A fraction as per cent: -0.214 -> '−21.4 %'; unsigned for margins: 0.2 -> '20 %'."""
    if fraction is None:
        return NONE
    return f"{_percent_number(fraction, signed=signed)}{NO_BREAK}%"


def percent_interval(interval: tuple[float, float] | None) -> str:
    """Two fractions as per cent, without the sign, as it follows a change: '[−30.1, −11.2]'."""
    if interval is None:
        return NONE
    low, high = (_percent_number(end, signed=True) for end in interval)
    return f"[{low}, {high}]"


def change(fraction: float | None, interval: tuple[float, float] | None) -> str:
    """A change, followed by its interval where it has one: '−21.4 % [−30.1, −11.2]'."""
    return percent(fraction) if interval is None else f"{percent(fraction)} {percent_interval(interval)}"


def estimate(value: float | None, interval: tuple[float, float] | None) -> str:
    """An estimate with its interval: '0.97 [0.91, 1.02]'."""
    if value is None or interval is None:
        return NONE
    one, low, high = (f"{number:.2f}".replace("-", "−") for number in (value, *interval))
    return f"{one} [{low}, {high}]"


def _percent_number(fraction: float, *, signed: bool) -> str:
    value = fraction * 100 if abs(fraction) < 1e300 else fraction
    if abs(value) >= 1e5:
        return ("+" if signed and value > 0 else "") + _exponent(value)
    digits = f"{abs(value):,.1f}"
    if not signed:
        digits = digits.removesuffix(".0")
    sign = "" if digits in {"0.0", "0"} else MINUS if value < 0 else "+" if signed else ""
    return sign + digits


def score(value: float | None) -> str:
    """A score in the metric's own units with four significant digits: 7233, 12,345, 0.5123, 1.2e9."""
    if value is None:
        return NONE
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e7 or size < 1e-3:
        return _exponent(value)
    if size >= 1000:
        digits = f"{size:,.0f}" if size >= 10_000 else f"{size:.0f}"
    else:
        digits = f"{size:.{3 - _magnitude(size)}f}"
    return (MINUS if value < 0 else "") + digits


def tick(value: float) -> str:
    """A round number on an axis: a score without trailing zeros."""
    shown = score(value)
    return shown.rstrip("0").rstrip(".") if "." in shown and "e" not in shown else shown


def _magnitude(size: float) -> int:
    return max(0, math.floor(math.log10(size)))


def _exponent(value: float) -> str:
    mantissa, power = f"{abs(value):.2e}".split("e")
    return f"{MINUS if value < 0 else ''}{mantissa}e{int(power)}".replace("e-", f"e{MINUS}")


def p_value(p: float | None) -> str:
    """A p-value: '0.51', '0.031', '0.0008', '<0.0001'."""
    if p is None:
        return NONE
    if p < 1e-4:
        return "<0.0001"
    return f"{p:.2f}" if p >= 0.1 else f"{p:.3f}" if p >= 0.01 else f"{p:.4f}"


def probability(value: float | None) -> str:
    """A probability with two digits."""
    return NONE if value is None else f"{value:.2f}"


def count(value: int | None) -> str:
    """A whole number with thousands separated."""
    return NONE if value is None else f"{value:,}"


def counted(number: int, noun: str) -> str:
    """A number with its noun: '1 run', '1,200 runs'."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def steps(value: float) -> str:
    """A number of environment steps, short: 25k, 1.5M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.4g}{unit}" if abs(value) < 1e15 else _exponent(value)
    return f"{value:.4g}"


def minutes(value: float | None) -> str:
    """A duration given in minutes: '18 s', '38 min', '2 h 10 min', '3 d 4 h'."""
    if value is None:
        return NONE
    if value < 1:
        return f"{max(1, round(60 * value))} s"
    whole = round(value)
    days, rest = divmod(whole, 24 * 60)
    parts = [(days, "d"), (rest // 60, "h"), (rest % 60, "min")]
    shown = [f"{number:,} {unit}" for number, unit in parts if number]
    return " ".join(shown[:2])


def seed_list(seeds: Iterable[int]) -> str:
    """Seeds with ranges folded: '0–4, 7'."""
    runs: list[list[int]] = []
    for seed in sorted(set(seeds)):
        if runs and seed == runs[-1][1] + 1:
            runs[-1][1] = seed
        else:
            runs.append([seed, seed])
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in runs)


def slug(text: str) -> str:
    """Letters, digits and hyphens of a text: fit for an id."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:LONGEST_LABEL] or "x"


def web_link(url: str | None) -> str | None:
    """The address if it is plain http or https, else None."""
    if url is None:
        return None
    return url if re.fullmatch(r"https?://[\w.\-]+(:\d+)?(/[^\s<>\"'`\\\x00-\x1f\x7f]*)?", url, re.ASCII) else None
