"""The pull-request comment: the verdict first, what must be known unfolded, the rest folded, never too long."""

import re

import pytest

from rlops.judge.record import FailureRecord, Finding, NextStep, Verdict, Word
from rlops.report import marker, render_markdown, something_to_say
from rlops.report.markdown import ROOMS
from tests.report import github_markdown as github
from tests.report import gold, samples
from tests.report.test_trust import poisoned

SITUATIONS = samples.situations()
SHORTEST = 4_000
GATE = {0: "passes", 1: "fails", 3: "is undecided", 4: "has runs missing", 5: "cannot judge"}
FIRST_LINE = "<!-- rlops:benchmarks/quick.toml -->"


def with_findings(word: Word, *findings: tuple[str, str]) -> Verdict:
    """A small verdict with findings of these kinds and severities."""
    made = [Finding.model_validate({"kind": kind, "severity": severity, "detail": "d"}) for kind, severity in findings]
    return samples.plain(word, made)


def unfolded(markdown: str) -> str:
    """What is seen without a click."""
    return re.sub(r"<details>.*?</details>", "", markdown, flags=re.DOTALL)


def rows(markdown: str) -> list[str]:
    """The first cells of all rows of tables."""
    return re.findall(r"^\| (?!environment|:--)(\S+) \|", markdown, flags=re.MULTILINE)


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_comment_is_as_reviewed(name: str) -> None:
    gold.check(f"{name}.md", render_markdown(SITUATIONS[name]))


def test_the_shortened_comment_is_as_reviewed() -> None:
    gold.check("truncated.md", render_markdown(samples.crowded(), longest=6_000))


@pytest.mark.parametrize("verdict", SITUATIONS.values(), ids=SITUATIONS)
def test_the_order_is_that_of_importance(verdict: Verdict) -> None:
    lines = render_markdown(verdict).splitlines()
    assert lines[0] == FIRST_LINE == marker(verdict.benchmark)
    assert re.fullmatch(rf"## [▼✕≠?▲≈=○] {re.escape(verdict.sentence)}", lines[1])
    assert re.match(r"\*\*(Please read on|You need not read on):\*\* [a-z].*\.$", lines[3])
    assert re.fullmatch(
        r"`git:pr-299` \(`a1b2c3d`( with uncommitted changes)?\) against (`baseline:quick` \(`9f8e7d6`\)|`none`); "
        rf"the gate {GATE[verdict.exit_code]} with exit code {verdict.exit_code}\.",
        lines[5],
    )
    assert lines[7].startswith(f"**Next:** {verdict.next_step.text}")


def is_balanced(markdown: str) -> bool:
    """Is all raw HTML the marker and then folds, each closed before the next one opens."""
    html = [content.strip() for kind, _, _, content in github.shape(markdown) if kind.startswith("html")]
    opening = [re.fullmatch(r"<details><summary>[\w ,…]+</summary>", tag) is not None for tag in html[1:]]
    closing = [tag == "</details>" for tag in html[1:]]
    return html[0] == "…" and opening == [True, False] * (len(html) // 2) and closing == [not tag for tag in opening]


@pytest.mark.parametrize("verdict", SITUATIONS.values(), ids=SITUATIONS)
def test_it_is_one_well_formed_document(verdict: Verdict) -> None:
    assert is_balanced(render_markdown(verdict))
    assert github.activities(render_markdown(verdict)) == []


@pytest.mark.parametrize(
    ("verdict", "needed"),
    [
        *((samples.plain(word), False) for word in (Word.IDENTICAL, Word.EQUIVALENT, Word.IMPROVED)),
        *((samples.plain(word), True) for word in (Word.REGRESSED, Word.FAILED, Word.NOT_COMPARABLE)),
        (samples.plain(Word.INCONCLUSIVE), True),
        (with_findings(Word.EQUIVALENT, ("constant-curve", "note")), False),
        (with_findings(Word.EQUIVALENT, ("packages", "warning")), True),
        (with_findings(Word.IDENTICAL, ("failed-run", "failed")), True),
        (samples.unchanged(), False),
        (samples.no_baseline_yet(), False),
        (with_findings(Word.NOT_COMPARABLE, ("no-baseline-yet", "not-comparable"), ("packages", "warning")), True),
        (with_findings(Word.REGRESSED, ("no-baseline-yet", "not-comparable")), True),
    ],
)
def test_who_must_read_on(verdict: Verdict, needed: bool) -> None:
    line = render_markdown(verdict).splitlines()[3]
    assert line.startswith("**Please read on:**" if needed else "**You need not read on:**")


def test_the_line_counts_the_kinds_of_warnings_that_stand_below() -> None:
    shown = [("packages", "warning"), ("machine", "warning"), ("machine", "warning"), ("constant-curve", "note")]
    markdown = render_markdown(with_findings(Word.EQUIVALENT, *shown))
    assert "**Please read on:** it passes, but there are 2 warnings below.\n" in markdown
    assert unfolded(markdown).count("⚠ warning") == 2


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (samples.plain(Word.IDENTICAL), False),
        (samples.unchanged(), False),
        (samples.plain(Word.EQUIVALENT), False),
        (with_findings(Word.EQUIVALENT, ("constant-curve", "note")), False),
        (with_findings(Word.EQUIVALENT, ("changed-gate", "warning")), True),
        (with_findings(Word.IDENTICAL, ("failed-run", "failed")), True),
        (samples.plain(Word.IMPROVED), True),
        *((samples.plain(word), True) for word in (Word.REGRESSED, Word.FAILED, Word.INCONCLUSIVE)),
        (samples.no_baseline_yet(), True),
    ],
)
def test_when_there_is_something_to_say(verdict: Verdict, said: bool) -> None:
    assert something_to_say(verdict) is said


def test_only_what_does_not_pass_is_unfolded() -> None:
    verdict = samples.every_word(n_baseline=3, n_candidate=3, points=5)
    markdown = render_markdown(verdict)
    failing = ("Walker2d-v4", "Hopper-v3", "CartPole-v1", "ALE/Breakout-v5")
    assert set(rows(unfolded(markdown))) == set(failing)
    assert rows(markdown) == [*rows(unfolded(markdown)), "Acrobot-v1", "Ant-v4", "LunarLander-v3"]


def test_every_number_of_a_row_is_that_of_the_record() -> None:
    (row,) = re.findall(r"^\| Hopper-v3 .*", render_markdown(samples.plain(Word.REGRESSED)), flags=re.MULTILINE)
    cells = row.replace("\u00a0", " ").strip("| ").split(" | ")
    assert cells == ["Hopper-v3", "▼ regressed", "−31.0 % [−39.7, −22.3]", "20 %", "0.0002", "4 + 3", "2297 → 1442"]


def test_nothing_is_unfolded_where_the_mean_alone_decides() -> None:
    verdict = samples.every_word(n_baseline=3, n_candidate=3, points=5)
    loose = verdict.model_copy(update={"verdict": Word.EQUIVALENT, "exit_code": 0, "findings": ()})
    markdown = render_markdown(loose)
    assert rows(unfolded(markdown)) == []
    assert "<summary>4 environments do not pass alone</summary>" in markdown


def test_environments_without_numbers_are_only_named() -> None:
    for verdict in (samples.plain(Word.IDENTICAL), samples.unchanged(), samples.no_baseline_yet()):
        markdown = render_markdown(verdict)
        assert "| environment" not in markdown
        assert "\n* Hopper-v3, ALE/Breakout-v5: " in markdown
        assert "False alarms" not in markdown
        assert "* Hopper-v3" not in unfolded(markdown)


def test_notes_are_said_once() -> None:
    verdict = samples.sample(Word.EQUIVALENT, n_baseline=2, n_candidate=2, points=5)
    noted = tuple(item.model_copy(update={"note": "measurably lower"}) for item in verdict.environments)
    markdown = render_markdown(verdict.model_copy(update={"environments": noted}))
    assert "\n* Hopper-v3, ALE/Breakout-v5, CartPole-v1: measurably lower\n" in markdown


def test_the_mean_is_unfolded_only_where_it_is_in_the_way() -> None:
    for word, expected in ((Word.REGRESSED, True), (Word.INCONCLUSIVE, True), (Word.EQUIVALENT, False)):
        markdown = render_markdown(samples.plain(word))
        assert ("Mean change" in unfolded(markdown)) is expected
        assert markdown.count("Mean change") == 1
    verdict = samples.plain(Word.REGRESSED)
    assert verdict.suite is not None
    passed = verdict.suite.model_copy(update={"passed": True, "within_margin": True})
    assert "Mean change" not in unfolded(render_markdown(verdict.model_copy(update={"suite": passed})))


def test_a_commit_that_the_reference_names_is_not_said_twice() -> None:
    verdict = samples.plain(Word.EQUIVALENT)
    side = verdict.candidate.model_copy(update={"reference": "checkout a1b2c3d, seeds 101-105", "git_dirty": True})
    markdown = render_markdown(verdict.model_copy(update={"candidate": side}))
    assert "\n`checkout a1b2c3d, seeds 101-105` (uncommitted changes) against `baseline:quick`" in markdown


def test_a_command_can_be_copied() -> None:
    step = NextStep(text="run this", command="python -c 'print(\"`|</details>\")' && echo $HOME @x #1")
    markdown = render_markdown(samples.plain(Word.REGRESSED).model_copy(update={"next_step": step}))
    assert f"{step.command}\n" in github.codes(unfolded(markdown))


def test_many_failures_and_findings_are_cut() -> None:
    failures = tuple(FailureRecord(label=f"cell {i}", why="exit code 1", log_tail="") for i in range(12))
    verdict = samples.plain(Word.FAILED, [samples.FINDINGS[Word.FAILED][1]] * 40)
    several = [finding.model_copy(update={"detail": f"detail {i}"}) for i, finding in enumerate(verdict.findings)]
    markdown = render_markdown(verdict.model_copy(update={"failures": failures, "findings": tuple(several)}))
    assert [i for i in range(12) if f"\n✕ cell {i}: exit code 1\n" in markdown] == list(range(5))
    assert "\n7 failures more: see the report.\n" in markdown
    assert re.findall(r"^  - (.*)", markdown, re.MULTILINE)[5:] == ["35 more: see the report"]
    assert "The end of its log" not in markdown


def test_a_log_is_shown_from_its_end() -> None:
    log = "\n".join(f"{i} {'x' * 300}" for i in range(100)) + "\nValueError: here"
    failure = FailureRecord(label="cell", why="exit code 1", log_tail=log)
    markdown = render_markdown(samples.plain(Word.FAILED).model_copy(update={"failures": (failure,)}))
    assert "ValueError: here\n```" in markdown


def logs(markdown: str) -> int:
    """How many lines of logs are shown."""
    return sum(int(number) for number in re.findall(r"The end of its log, (\d+) line", markdown))


def folds(markdown: str) -> list[str]:
    """The titles of what is folded beside the logs."""
    titles = re.findall(r"<details><summary>(.*)</summary>", markdown)
    return [title for title in titles if "log" not in title]


@pytest.fixture(scope="module")
def shorter() -> dict[int, str]:
    """The same verdict in ever less room; the first has all it needs."""
    verdict = samples.crowded()
    return {longest: render_markdown(verdict, longest=longest) for longest in range(30_000, 2_000, -250)}


def test_it_is_never_too_long_and_keeps_what_matters(shorter: dict[int, str]) -> None:
    verdict = samples.crowded()
    for longest, markdown in shorter.items():
        assert len(markdown) <= longest
        assert markdown.startswith(f"{FIRST_LINE}\n## ▼ {verdict.sentence}\n")
        assert f"**Next:** {verdict.next_step.text}" in markdown
        assert f"```sh\n{verdict.next_step.command}\n```" in markdown
        assert is_balanced(markdown)
        assert markdown.count("Killed\n```\n") == markdown.count("The end of its log")


def test_what_is_left_out_is_said(shorter: dict[int, str]) -> None:
    whole = shorter[30_000]
    assert logs(whole) == 5 * 21
    assert "Left out" not in whole
    for markdown in shorter.values():
        more = re.findall(r"^(\d+) environments? more: see the report", unfolded(markdown), flags=re.MULTILINE)
        assert len(rows(unfolded(markdown))) + sum(map(int, more)) == len(rows(unfolded(whole)))
        said = re.findall(r"\nLeft out, because it is too long for a comment: (.*); see the report\.\n", markdown)
        left_out = said[0].split(", ") if said else []
        assert sorted([*left_out, *folds(markdown)]) == sorted(folds(whole))
        cells = re.findall(r"^✕ .*\n\n(?:<details><summary>The end|Its log is too long)", markdown, re.MULTILINE)
        (failures_more,) = re.findall(r"^(\d+) failures more: see the report\.$", markdown, re.MULTILINE)
        assert len(cells) + int(failures_more) == 8


def test_folds_go_before_logs_and_logs_before_rows(shorter: dict[int, str]) -> None:
    whole = shorter[30_000]
    sizes = [(len(rows(unfolded(markdown))), logs(markdown)) for markdown in shorter.values()]
    assert sizes == sorted(sizes, reverse=True)
    assert {lines for count, lines in sizes if count < len(rows(unfolded(whole)))} == {0}
    assert {lines for count, lines in sizes if count == len(rows(unfolded(whole)))} == {105, 50, 15, 0}
    with_all_logs = [folds(markdown) for markdown in shorter.values() if logs(markdown) == logs(whole)]
    assert with_all_logs[0] == folds(whole)
    assert with_all_logs[-1] == []


def test_the_most_important_folds_stay(shorter: dict[int, str]) -> None:
    first = next(markdown for markdown in shorter.values() if "Left out" in markdown)
    assert folds(first) == [title for title in folds(shorter[30_000]) if title != "Cost and provenance"]


@pytest.mark.parametrize("text", ["`" * 5000, "$" * 5000, "@|<#" * 1000, "\n" + "x" * 5000, "1234567 " * 600])
@pytest.mark.parametrize("longest", [65_536, 20_000, SHORTEST])
def test_the_longest_escapes_fit(text: str, longest: int) -> None:
    markdown = render_markdown(poisoned(text), longest=longest)
    assert len(markdown) <= longest
    assert re.match(r"<!-- rlops:.* -->\n## ✕ ", markdown)
    assert "\n**Next:** " in markdown
    assert is_balanced(markdown)


def test_findings_without_room_are_counted() -> None:
    verdict = with_findings(Word.EQUIVALENT, *[(f"kind-{i}", "warning") for i in range(300)])
    markdown = render_markdown(verdict, longest=SHORTEST)
    (more,) = re.findall(r"^(\d+) findings more: see the report\.$", markdown, re.MULTILINE)
    assert markdown.count("\n- ⚠ warning `kind-") + int(more) == 300


def test_too_little_room_for_anything_is_an_error() -> None:
    with pytest.raises(ValueError, match="100 characters are too few"):
        render_markdown(samples.plain(Word.EQUIVALENT), longest=100)


def test_a_folded_table_that_is_too_long_is_cut() -> None:
    verdict = samples.many(300, seeds=2, points=5)
    passing = tuple(item for item in verdict.environments if item.verdict is Word.EQUIVALENT)
    assert len(passing) == 214
    verdict = verdict.model_copy(update={"environments": passing, "verdict": Word.EQUIVALENT})
    markdown = render_markdown(verdict, longest=16_000)
    assert len(rows(markdown)) == 100
    assert "\n114 environments more: see the report.\n" in markdown
    assert "Left out" not in markdown


def test_there_is_less_and_less_room() -> None:
    sizes = [(room.rows, room.letters, room.log_lines) for room in ROOMS]
    assert sizes == sorted(sizes, reverse=True)
