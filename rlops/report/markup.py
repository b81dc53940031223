"""Text of strangers as GitHub-flavoured Markdown: it is shown as it is and can do nothing.

Three places for it: prose inside a line, code inside a line (not in a table), a fence of its own. GitHub looks for
mentions, references and emoji in what Markdown has made of the text, where no backslash is left: only a character
between the parts helps. Inside code it looks for nothing.
"""

import re

from rlops.report.text import NONE

BREAK = "&#8203;"
"""A space without width: nobody sees it, and no name, number, address or emoji goes across it."""
REFERENCE = 6
"""From seven hexadecimal digits on GitHub looks for a commit."""

_ACTIVE = re.compile(
    rf"(?P<hex>(?<![0-9a-z])[0-9a-f]{{{REFERENCE + 1},}}(?![0-9a-z]))"
    r"|(?P<broken>[@#]|gh-(?=\d)|www(?![0-9a-z])|:(?=//|[\w+-]+(?::|$)))"  # text of ours may follow the end
    r"|(?P<entity>[&<>|$])"
    r"|(?P<mark>[\\`*_~\[\]])",
    flags=re.IGNORECASE,
)
_BLOCK = re.compile(r"^(\d{0,9})([-+=.)])(?=[-= ]|$)")
ENTITIES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "|": "&#124;",  # a backslash would do, but parsers disagree about two before a bar in a table
    "$": "<span>$</span>",  # the one way GitHub documents to keep it from starting mathematics
}


def prose(text: str) -> str:
    """The text on one line, for a paragraph, a heading, an item of a list or a cell of a table."""
    shown = _ACTIVE.sub(_harmless, " ".join(re.split(r"[ \t\n]+", text)).strip(" "))
    return _BLOCK.sub(r"\1\\\2", shown)


def _harmless(found: re.Match[str]) -> str:
    part = found[0]
    match found.lastgroup:
        case "hex":
            return BREAK.join(part[i : i + REFERENCE] for i in range(0, len(part), REFERENCE))
        case "broken":
            return part + BREAK
        case "entity":
            return ENTITIES[part]
    return "\\" + part


def code(text: str) -> str:
    """The text on one line as a code span; a bar in it would end the cell of a table."""
    shown = " ".join(text.split()) or NONE
    ticks = _more_ticks(shown, 1)
    pad = " " if "`" in (shown[0], shown[-1]) else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fence(text: str, language: str) -> str:
    """The text as a block of code that no line of it can end; `language` is ours."""
    ticks = _more_ticks(text, 3)
    shown = text.strip("\n")
    return f"{ticks}{language}\n{shown}\n{ticks}"


def _more_ticks(text: str, least: int) -> str:
    return "`" * max([least, *(len(run) + 1 for run in re.findall("`+", text))])
