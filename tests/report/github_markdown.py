"""What GitHub would make of a Markdown text, told by a parser that is not ours and by what GitHub looks for."""

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

Shape = tuple[str, str, str, str]
DOLLAR = "<span>$</span>"
"""How a dollar is written; it alone depends on the text, so it is looked at apart."""
CODE = {"code_inline", "fence", "code_block"}

GITHUB_LOOKS_FOR = {
    "mention": r"@\w",
    "issue": r"#\d",
    "issue by its other name": r"(?i)\bgh-\d",
    "commit": r"(?i)\b[0-9a-f]{7,40}\b",
    "address": r"(?i)www\.|:/",
    "emoji": r":[\w+-]+:",
    "mathematics": r"\$",
}
"""GitHub searches the text that Markdown leaves outside of code and links for these; backslashes do not help there."""


def parse(markdown: str) -> list[Token]:
    """Tokens of the block level; raw HTML, tables, strikethrough, task lists, alerts and bare links are understood."""
    parser = MarkdownIt("gfm-like2")
    assert parser.linkify is not None
    parser.linkify.set({"fuzzy_link": False})  # GitHub links no bare `train.py`, although .py is a domain
    return parser.parse(markdown)


def shape(markdown: str) -> list[Shape]:
    """The structure without the text: every token's type, tag, attributes, and HTML but for its numbers."""
    return list(_shapes(parse(markdown.replace(DOLLAR, "$"))))


def _shapes(tokens: Sequence[Token]) -> Iterator[Shape]:
    for token in tokens:
        if token.type == "inline":
            yield from _shapes(token.children or [])
        elif token.type != "text":
            html = token.content if token.type.startswith("html") else ""
            html = re.sub(r"\d+ lines?|<!-- rlops:[\w.~%/-]* -->", "…", html)
            yield token.type, token.tag, f"{token.info} {token.attrs}", html


def texts(markdown: str) -> list[str]:
    """The pieces of text a reader sees outside of code, as GitHub's filters meet them."""
    found = [""]
    for token in parse(markdown.replace(DOLLAR, "<wbr>")):
        for child in [token, *(token.children or [])]:
            if child.type == "text":
                found[-1] += child.content
            else:
                found.append("")
    return [piece for piece in found if piece]


def codes(markdown: str) -> list[str]:
    """The contents of all code spans and fences."""
    return [
        child.content for token in parse(markdown) for child in [token, *(token.children or [])] if child.type in CODE
    ]


def activities(markdown: str) -> list[str]:
    """What GitHub would find to act on."""
    pieces = texts(markdown)
    return [f"{what}: {piece}" for piece in pieces for what, it in GITHUB_LOOKS_FOR.items() if re.search(it, piece)]
