"""`rlops site build` from end to end: a history, pages, badges; and what single gates let pass."""

import json
import os
from pathlib import Path
from urllib.parse import unquote

import pytest

from rlops.curves import write_baseline
from rlops.judge import Word, verdict_id
from rlops.plan import ask_git
from rlops.site import newest_first
from rlops.workspace import Workspace
from tests import site_folder
from tests.cli.commands import CommandLine
from tests.report.page import Page
from tests.site_folder import CHANGES, SHRINKS, verdict

SITE = Path(".rlops") / "site"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def pages(folder: Path) -> dict[str, Page]:
    return {name: Page(text.decode()) for name, text in contents(folder).items() if name.endswith(".html")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return site_folder.fill(tmp_path)


class TestDrift:
    def test_ten_changes_that_each_pass_are_a_regression_since_the_release(
        self, folder: Path, rlops: CommandLine
    ) -> None:
        assert {verdict(number).verdict for number in range(1, CHANGES + 1)} <= {Word.EQUIVALENT, Word.IMPROVED}
        words = {
            item.verdict
            for number in range(1, CHANGES + 1)
            for item in verdict(number).environments
            if item.env_id == SHRINKS
        }
        assert words == {Word.EQUIVALENT}
        ended = rlops("site", "build", "--pinned", "release")
        assert ended.code == 0, ended.err
        page = pages(folder / SITE)["quick/index.html"]
        since = page.source.partition('id="since"')[2].partition("</section>")[0]
        assert "Since release" in since
        assert f"Regression: {SHRINKS} learns worse" in since
        report = unquote(since.partition('href="../')[2].partition('"')[0])
        judged = Page((folder / SITE / report).read_text()).embedded()
        assert (judged["verdict"], judged["exit_code"]) == ("regressed", 1)
        (shrunk,) = [item for item in judged["environments"] if item["env_id"] == SHRINKS]
        assert shrunk["verdict"] == "regressed"
        assert shrunk["change"] == pytest.approx(0.96**CHANGES - 1, abs=0.02)

    def test_without_a_pin_nothing_is_said_of_a_release(self, folder: Path, rlops: CommandLine) -> None:
        assert rlops("site", "build").code == 0
        assert not any("Since" in page.source for name, page in pages(folder / SITE).items() if "reports" not in name)

    @pytest.mark.parametrize(
        ("pinned", "code", "what"),
        [
            (["relaese"], 5, "did you mean release?"),
            (["release", "quick"], 2, "release is pinned for 'quick' already; pin one of them"),
            (["alone"], 5, "no other run set of the benchmark 'other'"),
            (["homeless"], 2, "save it with --benchmark"),
        ],
    )
    def test_a_pin_that_says_nothing_is_refused_and_nothing_is_written(
        self, pinned: list[str], code: int, what: str, folder: Path, rlops: CommandLine
    ) -> None:
        write_baseline(site_folder.frozen("alone", site_folder.stored(0), "other"), folder / "baselines")
        write_baseline(site_folder.frozen("homeless", site_folder.stored(0), None), folder / "baselines")
        ended = rlops("site", "build", *(part for name in pinned for part in ("--pinned", name)))
        assert ended.code == code
        assert what in ended.err
        assert not (folder / "history").exists()


class TestHistory:
    def test_each_verdict_is_written_once(self, folder: Path, rlops: CommandLine) -> None:
        assert "10 verdicts, 10 new" in rlops("site", "build").err
        before = contents(folder / "history")
        assert len(before) == CHANGES
        assert "10 verdicts, 0 new" in rlops("site", "build").err
        assert contents(folder / "history") == before

    def test_the_site_is_made_of_the_history_where_the_verdicts_have_gone(
        self, folder: Path, rlops: CommandLine
    ) -> None:
        rlops("site", "build")
        first = pages(folder / SITE)["quick/index.html"]
        (folder / ".rlops" / "verdicts").rename(folder / "elsewhere")
        assert rlops("site", "build", "--output", "later").code == 0
        later = pages(folder / "later")["quick/index.html"]
        assert [row.text for row in later.all("tr")] == [row.text for row in first.all("tr")]
        assert not any("../reports/" in link.attributes["href"] for link in later.all("a"))
        assert rlops("site", "build", "elsewhere", "--output", "again").code == 0
        assert contents(folder / "again") == contents(folder / SITE)

    def test_the_same_input_gives_the_same_bytes(self, folder: Path, rlops: CommandLine) -> None:
        assert rlops("site", "build", "--pinned", "release").code == 0
        first = contents(folder / SITE)
        assert rlops("site", "build", "--pinned", "release", "--output", "again", "--history", "anew").code == 0
        assert contents(folder / "again") == first
        assert contents(folder / "anew") == contents(folder / "history")

    def test_files_and_folders_can_be_named(self, folder: Path, rlops: CommandLine) -> None:
        (one, other, *_) = sorted((folder / ".rlops" / "verdicts").iterdir())
        assert "2 verdicts, 2 new" in rlops("site", "build", str(one / "verdict.json"), str(other)).err

    def test_a_verdict_of_another_rlops_in_the_store_holds_nothing_up(self, folder: Path, rlops: CommandLine) -> None:
        old = folder / ".rlops" / "verdicts" / "compare-old" / "verdict.json"
        old.parent.mkdir(parents=True)
        old.write_text('{"schema": 1, "verdict": "equivalent"}')
        ended = rlops("site", "build")
        assert ended.code == 0
        assert f"skipped  {old}: exit_code: Field required" in ended.err
        ended = rlops("site", "build", str(old))
        assert (ended.code, str(old) in ended.err) == (2, True)

    @pytest.mark.parametrize("arguments", [[], ["empty"]])
    def test_no_verdict_at_all_is_an_error(self, arguments: list[str], tmp_path: Path, rlops: CommandLine) -> None:
        (tmp_path / "empty").mkdir()
        ended = rlops("site", "build", *arguments)
        assert ended.code == 2
        assert "there is no verdict" in ended.err
        assert not (tmp_path / "history").exists()

    def test_a_broken_entry_is_named(self, folder: Path, rlops: CommandLine) -> None:
        (folder / "history" / "quick").mkdir(parents=True)
        (folder / "history" / "quick" / "x.json").write_text("{")
        ended = rlops("site", "build")
        assert ended.code == 2
        assert "x.json" in ended.err
        assert "restore it from git" in ended.err

    def test_no_secret_gets_into_git(self, tmp_path: Path, rlops: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
        said = verdict(1).model_copy(update={"sentence": "made with s3cr3t-of-mine"})
        site_folder.write_verdict(said, tmp_path / "given")
        monkeypatch.setenv("MY_API_KEY", "s3cr3t-of-mine")
        assert rlops("site", "build", "given").code == 0
        written = {**contents(tmp_path / "history"), **contents(tmp_path / SITE)}
        assert not any(b"s3cr3t-of-mine" in content for content in written.values())


class TestPages:
    def test_every_link_leads_to_a_file_of_the_site(self, folder: Path, rlops: CommandLine) -> None:
        rlops("site", "build", "--pinned", "release")
        found = pages(folder / SITE)
        assert {"index.html", "compare.html", "quick/index.html"} <= found.keys()
        links = 0
        for name, page in found.items():
            for link in page.all("a"):
                target, _, _ = link.attributes["href"].partition("#")
                if name.startswith("reports/") or not target:
                    continue
                links += 1
                assert ((folder / SITE / name).parent / target).resolve().is_file(), target
        assert links > 2 * CHANGES

    def test_every_verdict_at_hand_has_its_report(self, folder: Path, rlops: CommandLine) -> None:
        rlops("site", "build")
        for number in range(1, CHANGES + 1):
            report = Page((folder / SITE / "reports" / f"{verdict_id(verdict(number))}.html").read_text())
            assert report.embedded()["sentence"] == verdict(number).sentence

    def test_stored_run_sets_are_compared_in_a_matrix(self, folder: Path, rlops: CommandLine) -> None:
        rlops("site", "build")
        page = pages(folder / SITE)["compare.html"]
        assert [cell.text for cell in page.all("th")] == ["Baseline", "quick", "release"]
        (link,) = [link for link in page.all("a") if "reports/" in link.attributes["href"]]
        assert link.attributes["aria-label"] == "quick against release: regressed"
        judged = Page((folder / SITE / link.attributes["href"]).read_text()).embedded()
        assert judged["command"] == "rlops compare baseline:release baseline:quick"
        again = rlops(*judged["command"].split()[1:], "--json")
        assert again.code == 1
        assert json.loads(again.out)["data_sha256"] == judged["data_sha256"]
        assert json.loads(again.out)["environments"] == judged["environments"]

    def test_the_badge_is_that_of_the_newest_verdict(self, folder: Path, rlops: CommandLine) -> None:
        rlops("site", "build")
        newest = verdict(CHANGES).verdict
        assert json.loads((folder / SITE / "quick" / "badge.json").read_text())["message"] == newest
        ended = rlops(
            "publish", "badge", str(folder / ".rlops/verdicts" / verdict(CHANGES).identity()[:12]), "-o", "b.svg"
        )
        assert ended.code == 0, ended.err
        assert (folder / "b.svg").read_bytes() == (folder / SITE / "quick" / "badge.svg").read_bytes()

    def test_a_badge_is_a_picture_or_an_endpoint(self, folder: Path, rlops: CommandLine) -> None:
        ended = rlops("publish", "badge", "--output", "badge.png")
        assert ended.code == 2
        assert ".svg" in ended.err
        assert ".json" in ended.err

    def test_quiet_prints_nothing(self, folder: Path, rlops: CommandLine) -> None:
        ended = rlops("site", "build", "--quiet")
        assert (ended.out, ended.err) == ("", "")


class TestBaselines:
    def test_the_newest_is_what_git_knows_last_whatever_the_times_of_files(
        self, tmp_path: Path, rlops: CommandLine
    ) -> None:
        author = ("-c", "user.name=a", "-c", "user.email=a@b")
        ask_git(tmp_path, "init", "--quiet")
        for age, name in enumerate(("one", "two", "three")):
            write_baseline(site_folder.frozen(name, site_folder.stored(0)), tmp_path / "baselines")
            day = f"2026-01-0{age + 1}T00:00:00Z"
            assert ask_git(tmp_path, "add", ".") is not None
            assert ask_git(tmp_path, *author, "commit", "--quiet", "-m", name, GIT_COMMITTER_DATE=day) is not None
            os.utime(tmp_path / "baselines" / f"{name}.json", (2_000_000_000 - age,) * 2)
        workspace = Workspace(tmp_path, tmp_path / ".rlops")
        assert [item.name for item in newest_first(workspace)] == ["three", "two", "one"]
        write_baseline(site_folder.frozen("new", site_folder.stored(1)), tmp_path / "baselines")
        os.utime(tmp_path / "baselines" / "new.json", (1_000_000,) * 2)
        assert newest_first(workspace)[0].name == "new"
