"""The badge of a verdict: an SVG of its own, and the answer that shields.io draws one from."""

import json
from xml.sax.saxutils import escape, quoteattr

from rlops.judge.record import Word
from rlops.report import text
from rlops.report.words import WORDS

COLORS = {"good": "#17663a", "warn": "#7a4a00", "bad": "#b42318"}
"""White text on each has a contrast of 6 to 1 at least."""
LABEL_COLOR = "#3d444d"
HEIGHT, PAD, LETTER = 20, 6, 6.6
NARROW, WIDE = frozenset("fijlrtI1.,:;'|!()[] "), frozenset("mwMW%@")
LONGEST = 60


def badge_svg(label: str, word: Word) -> str:
    """A badge that says `label: word`; the widths are those of its text, and the text is set to them."""
    name, symbol = text.line(label, LONGEST), WORDS[word].symbol
    shown = f"{symbol} {word.value}"
    left, right = _width(name), _width(shown)
    whole = left + right
    title = f"{name}: {word.value}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{HEIGHT}" role="img" '
        f"aria-label={quoteattr(title)}>\n"
        f"<title>{escape(title)}</title>\n"
        f'<clipPath id="round"><rect width="{whole}" height="{HEIGHT}" rx="3"/></clipPath>\n'
        f'<g clip-path="url(#round)"><rect width="{left}" height="{HEIGHT}" fill="{LABEL_COLOR}"/>'
        f'<rect x="{left}" width="{right}" height="{HEIGHT}" fill="{COLORS[WORDS[word].tone]}"/></g>\n'
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">\n'
        f"{_text(name, left / 2, left)}\n{_text(shown, left + right / 2, right)}\n"
        "</g>\n</svg>\n"
    )


def badge_json(label: str, word: Word) -> str:
    """The answer of an endpoint badge of shields.io."""
    color = COLORS[WORDS[word].tone].removeprefix("#")
    content = {"schemaVersion": 1, "label": text.line(label, LONGEST), "message": word.value, "color": color}
    return json.dumps(content, ensure_ascii=False) + "\n"


def _text(content: str, middle: float, width: int) -> str:
    return f'<text x="{middle:g}" y="14" textLength="{width - 2 * PAD}">{escape(content)}</text>'


def _width(content: str) -> int:
    """The width of a text at 11 px with its padding; fonts differ, so the text is stretched to it."""
    letters = sum(4.2 if c in NARROW else 10.0 if c in WIDE else LETTER if ord(c) < 0x2000 else 10.0 for c in content)
    return round(letters) + 2 * PAD
