"""Whatever strangers write, the comment has the structure of harmless text, and GitHub finds nothing to act on."""

import re

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from rlops.report import annotations, marker, render_markdown, text
from rlops.report.markup import BREAK, code, fence, prose
from tests.report import github_markdown as github
from tests.report.test_trust import HOSTILE, poisoned

ENOUGH = 10**9
ZERO_WIDTH = "\u200b"
PIECES = [
    "`", "``", "```", "```sh", "~~~", "|", "||", "\\", "\\|", "\\`", "\n", "\r\n", "\r", "\n\n", "    ", "\t", "  \n",
    "</details>", "</summary>", "<details>", "<!--", "-->", "--", "<b>", "<img src=x>", "</", "<?", "<![CDATA[", "]]>",
    "@octocat", "@org/team", "a@b.com", "#1", "GH-12", "gh-12", "org/repo#1", "user@0123456", "deadbeef", "1234567",
    "0123456789abcdef0123456789abcdef01234567", "http://evil.example", "HTTPS://evil.example/#1", "ftp://evil.example",
    "www.evil.example", "mailto:a@b.com", "xmpp:a@b.com", "<http://evil.example>", "<a@b.com>", "://",
    ":tada:", ":+1:", "www", "a:b", "$x$", "$$", "$`x`$", "- ", "+ ", "* ", "1. ", "1) ", "# ", "#", "> ", "===", "---",
    "[x](http://evil.example)", "![x](y)", "[a]: /b", "[a]", "[^1]", "[^1]: x", "[x] ", "[ ] ", "[!NOTE]", "](", "!",
    "***", "&amp;", "&#64;octocat", "&commat;", "&lt;b&gt;", ";", "**b**", "_i_", "__", "~~s~~", "~", "=", ":--", ":",
    ".", "&", "\x1b[31m", "\u200b", "\u202e", "\u2028", "\x00", "\ud800", "\u00a0", "x", " ", "é", "日本",
]  # fmt: skip

pieces = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), min_size=1, max_size=8).map(
    lambda parts: "".join(parts)[:100]
)
lines = pieces.filter(lambda shown: bool(text.line(shown)))


def visible(markdown: str) -> str:
    """The text a reader sees, dollars included."""
    return "".join(github.texts(markdown.replace(github.DOLLAR, "$"))).replace(ZERO_WIDTH, "")


def flat(shown: str) -> str:
    """The text on one line, as prose shows it."""
    return re.sub(r"[ \t\n]+", " ", text.clean(shown)).strip(" ")


HARMLESS = github.shape(render_markdown(poisoned("harmless"), longest=ENOUGH))


@settings(max_examples=200, deadline=None)
@given(lines)
@example("</details>\n\n```\n<!-- @octocat #1 -->")
@example("```")
@example("`")
def test_the_structure_is_that_of_harmless_text(shown: str) -> None:
    markdown = render_markdown(poisoned(shown), longest=ENOUGH)
    assert github.shape(markdown) == HARMLESS


@settings(max_examples=200, deadline=None)
@given(lines)
def test_github_finds_nothing_to_act_on(shown: str) -> None:
    assert github.activities(render_markdown(poisoned(shown), longest=ENOUGH)) == []


@pytest.mark.parametrize("shown", [shown for shown in HOSTILE if 0 < len(shown) < text.LONGEST_LABEL])
def test_known_attacks(shown: str) -> None:
    markdown = render_markdown(poisoned(shown), longest=ENOUGH)
    assert github.shape(markdown) == HARMLESS
    assert not github.activities(markdown)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2028\u2066-\u2069]", markdown)
    markdown.encode("utf-8")


@given(pieces)
def test_prose_is_read_as_it_was_written(shown: str) -> None:
    shown = text.clean(shown)
    assert visible(prose(shown)).strip() == flat(shown).strip()


@pytest.mark.parametrize(
    "place", ["{}", "x {}: x {}. x", "x\n\n{}\n\nx", "- {}", "  - {}", "1. {}", "## {}", "x {} x", "**x:** {}"]
)
@settings(max_examples=100)
@given(shown=lines)
def test_prose_is_text_wherever_it_stands(place: str, shown: str) -> None:
    source = prose(text.clean(shown))
    assert github.shape(place.replace("{}", source)) == github.shape(place.replace("{}", "x"))
    assert not github.activities(place.replace("{}", source))
    assert not re.search(r"(?<!\\)(\\\\)*\[\^", source), "a footnote, which the parser does not know"


STARTS = ["- x", "+ x", "* x", "1. x", "1) x", "# x", "> x", "---", "- - -", "===", "***", "___", "~~~", "```", "    x",
          "\tx", "[ ] x", "[!NOTE]", "-", "+", "*", "1.", "#", "|", "<p>", "<!-- x", ":", "[a]: /b"]  # fmt: skip


@pytest.mark.parametrize("place", ["{}", "x\n\n{}", "- {}", "- x\n  - {}", "> {}"])
@pytest.mark.parametrize("shown", STARTS)
def test_no_block_starts_with_prose(shown: str, place: str) -> None:
    assert github.shape(place.replace("{}", prose(shown))) == github.shape(place.replace("{}", "x"))


@given(pieces, pieces)
def test_a_cell_stays_one_cell(one: str, other: str) -> None:
    def table(left: str, right: str) -> str:
        return f"| a | b |\n| :-- | --: |\n| {left} | {right} |\n| x | y |"

    shown = table(prose(text.clean(one)), prose(text.clean(other)))
    assert github.shape(shown) == github.shape(table("x", "x"))
    assert "".join(visible(shown).split()) == "".join(f"ab{flat(one)}{flat(other)}xy".split())


@given(pieces, pieces)
def test_code_spans_hold_what_they_were_given(one: str, other: str) -> None:
    one, other = text.clean(one), text.clean(other)
    spans = f"a {code(one)} b {code(other)} c"
    assert github.codes(spans) == [" ".join(shown.split()) or text.NONE for shown in (one, other)]
    assert visible(spans) == "a  b  c"


@given(pieces, pieces)
def test_fences_hold_what_they_were_given(one: str, other: str) -> None:
    one, other = text.clean(one), text.clean(other)
    shown = f"{fence(one, 'text')}\n\nbetween\n\n{fence(other, 'sh')}\n\nend"
    assert github.codes(shown) == [one.strip("\n") + "\n", other.strip("\n") + "\n"]
    assert visible(shown) == "betweenend"


@given(pieces)
def test_nothing_ends_the_marker(shown: str) -> None:
    line = marker(shown)
    assert re.fullmatch(r"<!-- rlops:[A-Za-z0-9._~%/-]* -->", line)
    assert "--" not in line[4:-3]
    assert github.parse(f"{line}\n# x")[0].type == "html_block"


@given(pieces, pieces)
def test_benchmarks_have_markers_of_their_own(one: str, other: str) -> None:
    one, other = text.line(one) or "compare", text.line(other) or "compare"
    assume(one != other)
    assert marker(one) != marker(other)


def test_there_is_something_to_defend_against() -> None:
    """The oracle sees what the escapes are for: each of these acts where it is written as it is."""
    harmless = github.shape("x")
    for shown in ("<b>", "**b**", "[x](y)", "![x](y)", "https://e.example", "a@b.com", "`x`", "- x", "# x", "~x~"):
        assert github.shape(shown) != harmless, shown
    acting = ("@octocat", "#1", "GH-1", "deadbeef", "www.e", "http://e", ":tada:", "$x$", "user@0123456")
    for shown in acting:
        assert github.activities(shown), shown
        assert github.activities(re.sub(r"(?=\W)", r"\\", shown, count=1)), f"a backslash would do for {shown}"
        assert not github.activities(prose(shown)), shown


def test_a_long_number_is_broken_everywhere() -> None:
    """Breaking it once would leave a shorter name of another commit."""
    assert prose("0" + "a1b2c3d" * 3) == BREAK.join(["0a1b2c", "3da1b2", "c3da1b", "2c3d"])


@settings(max_examples=100, deadline=None)
@given(lines)
def test_no_text_starts_another_workflow_command(shown: str) -> None:
    expected = [command.partition(" ")[0] for command in annotations(poisoned("harmless"))]
    commands = annotations(poisoned(shown))
    assert [command.partition(" ")[0] for command in commands] == expected
    for command in commands:
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028]", command)
        found = re.fullmatch(r"::(error|warning|notice) title=([^:,\r\n]*)::([^\r\n]*)", command)
        assert found
        assert not re.search(r"%(?!25|3A|2C)", found[2])
        assert not re.search(r"%(?!25|0A)", found[3])
