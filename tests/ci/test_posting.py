"""`rlops publish github` against the stand-in: what is posted, where, and what never goes wrong."""

import io
import json
import os
import socket
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rlops.judge import Verdict, Word
from rlops.report import github as posting
from rlops.report import marker, render_markdown
from rlops.report.github import api, artifact, web
from tests.ci import events
from tests.ci.github_standin import LONGEST_BODY, TOKEN, Github
from tests.cli.commands import CommandLine, Ended
from tests.report import samples

MARK = marker("quick")
REGRESSED = samples.sample(Word.REGRESSED, points=5).model_copy(update={"benchmark": "quick"})
IMPROVED = samples.sample(Word.IMPROVED, points=5).model_copy(update={"benchmark": "quick"})
SILENT = samples.sample(Word.EQUIVALENT, points=5).model_copy(update={"benchmark": "quick", "findings": ()})


@dataclass
class Publishing:
    """`rlops publish github` in a job of GitHub's."""

    folder: Path
    rlops: CommandLine
    github: Github
    monkeypatch: pytest.MonkeyPatch

    def job(self, name: str, event: dict[str, Any], **more: str) -> None:
        for key, value in events.with_token(events.variables(self.folder, self.github, name, event, **more)).items():
            self.monkeypatch.setenv(key, value)

    def __call__(self, verdict: Verdict, *options: str) -> Ended:
        path = self.folder / "verdict.json"
        path.write_text(verdict.to_json())
        return self.rlops("publish", "github", str(path), *options)

    def warned(self, said: str) -> Ended:
        """Publish something that cannot be posted: a warning, and the exit code stays."""
        ended = self(REGRESSED)
        assert ended.code == 0, ended.err
        assert ended.err.startswith("warning: the comment is not posted: ")
        assert ended.err.count("\n") == 1
        assert said in ended.err
        assert TOKEN not in ended.err + ended.out
        return ended


@pytest.fixture
def publish(tmp_path: Path, rlops: CommandLine, github: Github, monkeypatch: pytest.MonkeyPatch) -> Publishing:
    monkeypatch.setattr(api, "PAUSE", 0.0)
    made = Publishing(tmp_path, rlops, github, monkeypatch)
    made.job("pull_request", events.pull_request(7))
    return made


class TestTheComment:
    def test_is_written_once_and_then_kept_up_to_date(self, publish: Publishing, github: Github) -> None:
        ended = publish(REGRESSED)
        (comment,) = github.comments
        assert comment["number"] == 7
        assert comment["body"].startswith(render_markdown(REGRESSED).rstrip())
        assert (ended.code, ended.err) == (0, f"comment posted: {comment['html_url']}\n")
        assert "https://github.example/octo/lab/actions/runs/900" in comment["body"]

        ended = publish(IMPROVED)
        assert github.comments == [comment]
        assert comment["body"].startswith(render_markdown(IMPROVED).rstrip())
        assert ended.err == f"comment updated: {comment['html_url']}\n"

    def test_a_verdict_with_nothing_to_say_begins_none_but_updates_the_old_one(
        self, publish: Publishing, github: Github
    ) -> None:
        assert publish(SILENT).code == 0
        assert github.comments == []
        publish(REGRESSED)
        publish(SILENT)
        (comment,) = github.comments
        assert "learns worse" not in comment["body"]
        assert comment["body"].startswith(MARK)

    def test_is_found_on_a_later_page(self, publish: Publishing, github: Github) -> None:
        for number in range(250):
            github.comment(7, f"remark {number}", login="someone", type="User")
        ours = github.comment(7, f"{MARK}\nold")
        publish(REGRESSED)
        assert len(github.comments) == 251
        assert "learns worse" in ours["body"]
        pages = [asked.query["page"] for asked in github.asked if asked.path.endswith("/comments")]
        assert pages == ["1", "2", "3"]

    def test_a_list_without_end_is_given_up(self, publish: Publishing, github: Github) -> None:
        page = json.dumps([{"id": 1, "body": "x", "user": None}] * 100).encode()
        github.raw["GET /repos/octo/lab/issues/7/comments"] = page
        publish.warned("more than 3,000 entries")
        assert not github.sent("POST")

    def test_each_benchmark_has_its_own(self, publish: Publishing, github: Github) -> None:
        publish(REGRESSED)
        publish(REGRESSED.model_copy(update={"benchmark": "slow"}))
        assert [comment["body"].partition("\n")[0] for comment in github.comments] == [MARK, marker("slow")]

    def test_those_of_other_pull_requests_are_left_alone(self, publish: Publishing, github: Github) -> None:
        other = github.comment(8, f"{MARK}\nold")
        publish(REGRESSED)
        assert other["body"] == f"{MARK}\nold"
        assert [comment["number"] for comment in github.comments] == [8, 7]

    def test_line_ends_of_an_edited_comment_do_not_hide_it(self, publish: Publishing, github: Github) -> None:
        github.comment(7, f"{MARK}\r\nedited by hand")
        publish(REGRESSED)
        assert len(github.comments) == 1

    @pytest.mark.parametrize("verdict", [samples.many(60), samples.every_word()], ids=["60 environments", "every word"])
    def test_is_never_too_long(self, verdict: Verdict, publish: Publishing, github: Github) -> None:
        publish(verdict)
        (comment,) = github.comments
        assert len(comment["body"]) <= LONGEST_BODY

    def test_the_footer_fits_beside_the_longest_text(self, publish: Publishing, github: Github) -> None:
        publish.job("workflow_run", events.workflow_run(fork=True))
        github.pulls = [events.pull(7, fork=True)]
        long = "x" * (posting.LONGEST_COMMENT - len(MARK) - 1)
        posting.post_comment(os.environ, f"{MARK}\n{long}", new=True)
        assert len(github.comments[0]["body"]) <= LONGEST_BODY

    def test_one_that_is_too_long_all_the_same_is_a_warning(
        self, publish: Publishing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("rlops.report.render_markdown", lambda _verdict, **_: "x" * 70_000)
        publish.warned("GitHub answered 422 (Body is too long (maximum is 65536 characters))")

    def test_can_be_left_out(self, publish: Publishing, github: Github) -> None:
        ended = publish(REGRESSED, "--no-comment")
        assert (ended.code, ended.err) == (0, "")
        assert github.asked == []


class TestNobodyElsesCommentIsTaken:
    """The marker is in every comment's source: who quotes it must neither be overwritten nor silence us."""

    @pytest.mark.parametrize(
        "body",
        [f"{MARK}\nall is well", f"> {MARK}\n> quoted", f"look:\n{MARK}\nhm", f"{MARK} and more"],
        ids=["first line", "quoted", "second line", "first line goes on"],
    )
    def test_a_person_who_writes_the_marker(self, body: str, publish: Publishing, github: Github) -> None:
        theirs = github.comment(7, body, login="mallory", type="User")
        publish(REGRESSED)
        assert theirs["body"] == body
        assert github.comments[1]["user"] == {"login": "github-actions[bot]", "type": "Bot"}
        publish(IMPROVED)
        assert len(github.comments) == 2

    def test_our_own_other_comments(self, publish: Publishing, github: Github) -> None:
        github.comment(7, f"build of the docs\n{MARK}")
        publish(REGRESSED)
        assert len(github.comments) == 2

    def test_with_a_token_of_a_person_a_bot_is_somebody_else(self, publish: Publishing, github: Github) -> None:
        github.user = {"login": "maintainer", "type": "User"}
        bots = github.comment(7, f"{MARK}\nof a bot")
        publish(REGRESSED)
        publish(IMPROVED)
        assert bots["body"] == f"{MARK}\nof a bot"
        assert [comment["user"]["login"] for comment in github.comments] == ["github-actions[bot]", "maintainer"]

    def test_a_comment_whose_author_is_gone(self, publish: Publishing, github: Github) -> None:
        github.comment(7, f"{MARK}\nold")["user"] = None
        publish(REGRESSED)
        assert len(github.comments) == 2


class TestThePullRequest:
    @pytest.mark.parametrize("name", ["pull_request", "pull_request_target"])
    def test_is_that_of_the_event(self, name: str, publish: Publishing, github: Github) -> None:
        publish.job(name, events.pull_request(12))
        publish(REGRESSED)
        assert [comment["number"] for comment in github.comments] == [12]

    def test_is_that_which_was_commented_on(self, publish: Publishing, github: Github) -> None:
        publish.job("issue_comment", events.comment(12))
        publish(REGRESSED)
        assert [comment["number"] for comment in github.comments] == [12]

    @pytest.mark.parametrize(
        ("name", "event"),
        [
            ("issue_comment", events.comment(12, on_pull=False)),
            ("push", {"ref": "refs/heads/main", "repository": events.HERE}),
            ("schedule", {"schedule": "17 2 * * *"}),
            ("push", events.pull_request(7)),
        ],
        ids=["an issue", "push", "schedule", "only the name decides"],
    )
    def test_may_be_missing(self, name: str, event: dict[str, Any], publish: Publishing, github: Github) -> None:
        publish.job(name, event)
        publish.warned(f"the event '{name}' belongs to no pull request; leave the comment out (--no-comment)")
        assert github.asked == []

    def test_of_a_workflow_run_here(self, publish: Publishing, github: Github) -> None:
        publish.job("workflow_run", events.workflow_run((events.pull(12),), fork=False))
        publish(REGRESSED)
        (comment,) = github.comments
        assert comment["number"] == 12
        assert "ran the pull request's own code" not in comment["body"]

    def test_of_a_workflow_run_of_a_fork(self, publish: Publishing, github: Github) -> None:
        publish.job("workflow_run", events.workflow_run(fork=True), GITHUB_RUN_ID="901")
        github.pulls = [
            events.pull(11, fork=True, branch="other"),
            events.pull(12, fork=True),
            events.pull(13),
            {**events.pull(14, fork=True), "state": "closed"},
        ]
        publish(REGRESSED)
        (comment,) = github.comments
        assert comment["number"] == 12
        assert "ran the pull request's own code" in comment["body"]
        assert "actions/runs/900" in comment["body"]

    @pytest.mark.parametrize(
        ("pulls", "said"),
        [
            ([], "no open pull request has (any more) the commit a1a1a1a of workflow run 900"),
            ([events.pull(12, fork=True, sha="c3" * 20)], "no open pull request has (any more)"),
            ([events.pull(12, fork=True), events.pull(13, fork=True)], "several open pull requests have"),
        ],
        ids=["closed", "moved on", "several"],
    )
    def test_of_a_fork_may_not_be_found(
        self, pulls: list[dict[str, Any]], said: str, publish: Publishing, github: Github
    ) -> None:
        publish.job("workflow_run", events.workflow_run(fork=True))
        github.pulls = pulls
        publish.warned(said)
        assert github.comments == []

    def test_of_an_older_commit_gets_nothing(self, publish: Publishing, github: Github) -> None:
        publish.job("workflow_run", events.workflow_run((events.pull(12, sha="c3" * 20),), fork=False))
        publish.warned("no open pull request has (any more)")
        assert github.comments == []

    def test_another_repositorys_number_is_not_ours(self, publish: Publishing, github: Github) -> None:
        """In a fork's own workflow runs GitHub lists the pull requests that it has elsewhere."""
        elsewhere = events.pull(12)
        elsewhere["base"] = {**elsewhere["base"], "repo": {"id": 99}}
        publish.job("workflow_run", events.workflow_run((elsewhere,), fork=False))
        publish.warned("no open pull request")
        assert github.comments == []

    def test_a_run_without_a_branch(self, publish: Publishing) -> None:
        publish.job("workflow_run", events.workflow_run(head_repository=None, head_branch=None))
        publish.warned("no open pull request")

    @pytest.mark.parametrize(
        "content", [None, "", "[]", "{", '{"pull_request": {"number": "x"}}', "\xff", "[" * 50_000]
    )
    def test_an_event_that_is_none(self, content: str | None, publish: Publishing, tmp_path: Path) -> None:
        path = tmp_path / "event.json"
        path.unlink() if content is None else path.write_text(content, encoding="latin-1")
        publish.warned("holds no event of GitHub's")


FOR_FORKS = "use the two workflows that docs/ci.md names for forks"


class TestWhatCannotBePosted:
    def test_the_token_of_a_fork_only_reads(self, publish: Publishing, github: Github) -> None:
        github.reads_only = True
        publish.warned("GitHub answered 403 (Resource not accessible by integration)")
        publish.warned(FOR_FORKS)

    @pytest.mark.parametrize("step", ["GET /repos", "POST /repos"])
    @pytest.mark.parametrize(
        ("status", "said"),
        [
            (403, FOR_FORKS),
            (404, FOR_FORKS),
            (401, "the token is not valid"),
            (410, "GitHub answered 410 (as planned); run the job again"),
            (422, "GitHub does not take what was sent"),
            (429, "GitHub answered 429"),
            (301, "GitHub answered 301"),
        ],
    )
    def test_a_refusal(self, step: str, status: int, said: str, publish: Publishing, github: Github) -> None:
        github.answers[step] = [status]
        publish.warned(said)
        assert github.comments == []

    def test_an_update_that_is_refused(self, publish: Publishing, github: Github) -> None:
        publish(REGRESSED)
        github.answers["PATCH"] = [403]
        publish.warned(FOR_FORKS)
        assert len(github.comments) == 1

    def test_a_token_that_is_not_githubs(self, publish: Publishing, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN + "x")
        publish.warned("GitHub answered 401 (Bad credentials)")

    @pytest.mark.parametrize("token", ["", "  ", f"{TOKEN}\n{TOKEN}", f"{TOKEN} {TOKEN}", f"{TOKEN}\u20ac"])
    def test_a_token_that_is_none(self, token: str, publish: Publishing, github: Github) -> None:
        publish.monkeypatch.setenv("GITHUB_TOKEN", token)
        publish.warned("give the step `env: GITHUB_TOKEN: ${{ github.token }}`")
        assert github.asked == []

    def test_a_line_end_after_the_token_is_forgiven(self, publish: Publishing, github: Github) -> None:
        publish.monkeypatch.setenv("GITHUB_TOKEN", f"{TOKEN}\n")
        publish(REGRESSED)
        assert len(github.comments) == 1

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("GITHUB_API_URL", ""),
            ("GITHUB_API_URL", "file:///etc"),
            ("GITHUB_API_URL", "http://a b"),
            ("GITHUB_REPOSITORY", "../../x/y"),
            ("GITHUB_REPOSITORY", "octo/lab\r\nX: y"),
        ],
    )
    def test_no_job_of_githubs(self, name: str, value: str, publish: Publishing, github: Github) -> None:
        publish.monkeypatch.setenv(name, value)
        publish.warned("this is no job of GitHub's")
        assert github.asked == []

    def test_one_fault_of_the_server_is_overlooked(self, publish: Publishing, github: Github) -> None:
        github.answers["GET /repos"] = [502]
        publish(REGRESSED)
        assert len(github.comments) == 1
        github.answers["PATCH"] = [500]
        publish(IMPROVED)
        assert "Improved" in github.comments[0]["body"]

    def test_two_faults_are_a_warning(self, publish: Publishing, github: Github) -> None:
        github.answers["GET /repos"] = [502, 503]
        publish.warned("GitHub answered 503 (as planned); run the job again; its summary has the same text")

    def test_a_new_comment_is_not_tried_twice(self, publish: Publishing, github: Github) -> None:
        """A gateway's 502 may hide that the comment was made."""
        github.answers["POST"] = [502]
        publish.warned("GitHub answered 502")
        assert len(github.sent("POST")) == 1

    @pytest.mark.parametrize("step", ["GET /user", "GET /repos", "POST /repos"])
    def test_silence(self, step: str, publish: Publishing, github: Github, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(web, "SECONDS", 0.2)
        github.mute.add(step)
        publish.warned("GitHub did not answer (")

    def test_an_answer_that_never_ends(self, publish: Publishing, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(web, "SECONDS_IN_ALL", -1.0)
        publish.warned("the answer took longer than")

    def test_nobody_there(self, publish: Publishing) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            publish.monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
            publish.warned("GitHub did not answer ([Errno 111] Connection refused)")

    def test_a_name_that_does_not_exist(self, publish: Publishing) -> None:
        publish.monkeypatch.setenv("GITHUB_API_URL", "http://no-such-host.invalid")
        publish.warned("GitHub did not answer (")

    @pytest.mark.parametrize(
        "content", [b"", b"<html>", b"{}", b"[1]", b'[{"id": "x"}]', b"\xff\xfe", b"[" * 50_000, b"null"], ids=repr
    )
    def test_an_answer_that_makes_no_sense(self, content: bytes, publish: Publishing, github: Github) -> None:
        github.raw["GET /repos/octo/lab/issues/7/comments"] = content
        publish.warned("GitHub's answer makes no sense")

    def test_an_answer_that_is_too_large(
        self, publish: Publishing, github: Github, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(api.Api._answer, "__defaults__", (None, 10))
        github.raw["GET /repos/octo/lab/issues/7/comments"] = b"[]" + b" " * 100
        publish.warned("the answer is larger than 10 bytes")

    def test_a_server_that_repeats_the_token(self, publish: Publishing, github: Github) -> None:
        publish.monkeypatch.setattr(
            "tests.ci.github_standin.RefusalError.__str__", lambda _: f"no: {TOKEN}\n::error::x"
        )
        github.answers["GET /repos"] = [403]
        ended = publish.warned("GitHub answered 403 (no: *** ::error::x)")
        assert ended.err.startswith("warning: ")


class TestTheTokenStaysHere:
    """urllib's own way with redirects is to send all headers along, and to make a GET of a POST."""

    @pytest.mark.parametrize("step", ["GET /user", "GET /repos/octo/lab/issues", "POST /repos"])
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, step: str, status: int, publish: Publishing, github: Github) -> None:
        plain = github.answer

        def answer(asked: Any) -> Any:
            if f"{asked.method} {asked.path}".startswith(step):
                return status, b"", {"Location": f"{github.elsewhere.url}/kept/1"}
            return plain(asked)

        publish.monkeypatch.setattr(github, "answer", answer)
        publish.warned(f"GitHub answered {status}")
        assert github.elsewhere.asked == []

    def test_it_goes_to_the_api(self, publish: Publishing, github: Github) -> None:
        publish(REGRESSED)
        assert {asked.headers["Authorization"] for asked in github.asked} == {f"Bearer {TOKEN}"}
        assert {asked.headers["X-Github-Api-Version"] for asked in github.asked} == {"2022-11-28"}

    def test_it_is_not_in_what_a_programmer_prints(self) -> None:
        assert TOKEN not in repr(api.Api("https://api.example", "octo/lab", TOKEN))


class TestTheOtherPlaces:
    def test_the_summary_is_appended_to(self, publish: Publishing, tmp_path: Path) -> None:
        summary = tmp_path / "summary.md"
        summary.write_text("what was there\n")
        publish.monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
        publish(REGRESSED, "--no-comment")
        assert summary.read_text() == "what was there\n" + render_markdown(REGRESSED).rstrip() + "\n"

    def test_the_summary_is_there_even_if_the_comment_cannot_be(self, publish: Publishing, tmp_path: Path) -> None:
        publish.monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
        publish.monkeypatch.setenv("GITHUB_TOKEN", "")
        publish.warned("there is no GITHUB_TOKEN")
        assert "learns worse" in (tmp_path / "summary.md").read_text()

    def test_the_summary_is_no_larger_than_github_takes(self, publish: Publishing, tmp_path: Path) -> None:
        publish.monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
        publish.monkeypatch.setattr("rlops.report.render_markdown", lambda _verdict, longest: "\U0001f680" * longest)
        publish(REGRESSED, "--no-comment")
        assert 1_000_000 < (tmp_path / "summary.md").stat().st_size <= 1 << 20

    def test_a_summary_that_cannot_be_written(self, publish: Publishing, github: Github, tmp_path: Path) -> None:
        publish.monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
        ended = publish(REGRESSED)
        assert ended.code == 0
        assert ended.err.startswith("warning: the job's summary cannot be written")
        assert len(github.comments) == 1

    def test_annotations_are_on_stdout_and_nothing_else_is(self, publish: Publishing) -> None:
        ended = publish(REGRESSED)
        assert ended.out
        assert all(line.startswith(("::error", "::warning", "::notice")) for line in ended.out.splitlines())

    def test_the_latest_verdict_is_the_default_and_a_folder_will_do(
        self, publish: Publishing, github: Github, tmp_path: Path
    ) -> None:
        folder = tmp_path / ".rlops" / "verdicts" / "quick-1"
        folder.mkdir(parents=True)
        (folder / "verdict.json").write_text(REGRESSED.to_json())
        assert publish.rlops("publish", "github", str(folder)).code == 0
        assert publish.rlops("publish", "github").code == 0
        assert len(github.comments) == 1
        assert len(github.sent("PATCH")) == 1


@pytest.mark.parametrize("content", [None, "", "{}", '{"schema": 1}', '{"schema": 2}', "[" * 100_000, "\xff"])
def test_no_verdict_is_wrong_usage(content: str | None, publish: Publishing, github: Github, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    if content is not None:
        path.write_text(content, encoding="latin-1")
    ended = publish.rlops("publish", "github", str(path))
    assert ended.code == 2, ended.err
    assert "Traceback" not in ended.err
    assert github.asked == []


def zipped(write: Callable[[zipfile.ZipFile], object]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        write(archive)
    return packed.getvalue()


class TestTheVerdictOfARun:
    @pytest.fixture(autouse=True)
    def _followed(self, publish: Publishing, github: Github) -> None:
        publish.job("workflow_run", events.workflow_run(fork=True), GITHUB_RUN_ID="901")
        github.pulls = [events.pull(7, fork=True)]

    def test_is_taken_from_the_artifact_of_the_run_that_is_followed(self, publish: Publishing, github: Github) -> None:
        github.keep(901, "rlops-quick", {"verdict.json": SILENT.to_json()})
        github.keep(900, "rlops-quick", {"verdict.json": REGRESSED.to_json(), "report.html": "<html>"})
        ended = publish.rlops("publish", "github", "--from-run", "quick")
        assert ended.code == 0, ended.err
        (comment,) = github.comments
        assert "learns worse" in comment["body"]

    def test_the_other_host_does_not_see_the_token(self, publish: Publishing, github: Github) -> None:
        github.keep(900, "rlops-quick", {"verdict.json": REGRESSED.to_json()})
        assert publish.rlops("publish", "github", "--from-run", "quick").code == 0
        (asked,) = github.elsewhere.asked
        assert TOKEN not in json.dumps([asked.path, dict(asked.query), dict(asked.headers)])

    def test_of_this_run_where_none_is_followed(self, publish: Publishing, github: Github) -> None:
        publish.job("pull_request", events.pull_request(7), GITHUB_RUN_ID="902")
        github.keep(902, "rlops-quick", {"verdict.json": REGRESSED.to_json()})
        assert publish.rlops("publish", "github", "--from-run", "quick").code == 0
        assert len(github.comments) == 1

    def test_the_newest_attempt_counts(self, publish: Publishing, github: Github) -> None:
        github.keep(900, "rlops-quick", {"verdict.json": SILENT.to_json()})
        github.keep(900, "rlops-quick", {"verdict.json": REGRESSED.to_json()})
        github.keep(900, "rlops-quick", {"verdict.json": SILENT.to_json()}, expired=True)
        assert publish.rlops("publish", "github", "--from-run", "quick").code == 0
        assert "learns worse" in github.comments[0]["body"]

    def refused(self, publish: Publishing, github: Github, said: str) -> None:
        ended = publish.rlops("publish", "github", "--from-run", "quick")
        assert (ended.code, ended.out) == (2, ""), ended.err
        assert said in ended.err
        assert "Traceback" not in ended.err
        assert "secret-signature" not in ended.err
        assert TOKEN not in ended.err
        assert not github.sent("POST")

    def test_may_be_missing(self, publish: Publishing, github: Github) -> None:
        github.keep(900, "rlops-slow", {"verdict.json": REGRESSED.to_json()})
        self.refused(publish, github, "workflow run 900 has no artifact 'rlops-quick': its gate wrote no verdict")

    def test_of_another_benchmark_is_refused(self, publish: Publishing, github: Github) -> None:
        """Else whoever writes the artifact chooses whose comment is overwritten."""
        other = REGRESSED.model_copy(update={"benchmark": "slow"})
        github.keep(900, "rlops-quick", {"verdict.json": other.to_json()})
        self.refused(publish, github, "another benchmark ('slow')")

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"PK\x03\x04" + b"x" * 100,
            zipped(lambda archive: archive.writestr("report.html", "x")),
            zipped(lambda archive: archive.writestr("../verdict.json", REGRESSED.to_json())),
            zipped(lambda archive: archive.writestr("verdict.json/", b"")),
            zipped(lambda archive: archive.writestr("verdict.json", REGRESSED.to_json())).replace(
                b"PK\x01\x02", b"PK\x01\x03"
            ),
            zipped(lambda archive: archive.writestr("verdict.json", REGRESSED.to_json()))[:-40],
        ],
        ids=["empty", "torn", "no verdict", "a path that climbs", "a folder", "no directory", "cut off"],
    )
    def test_an_archive_that_is_none(self, content: bytes, publish: Publishing, github: Github) -> None:
        number = github.keep(900, "rlops-quick", {})
        github.artifacts[number]["content"] = content
        self.refused(publish, github, "is no archive with a verdict.json")

    def test_data_that_are_damaged(self, publish: Publishing, github: Github) -> None:
        number = github.keep(900, "rlops-quick", {"verdict.json": REGRESSED.to_json()})
        content = bytearray(github.artifacts[number]["content"])
        content[200:260] = b"\xff" * 60
        github.artifacts[number]["content"] = bytes(content)
        self.refused(publish, github, "is no archive with a verdict.json")

    @pytest.mark.parametrize("content", ["{}", "[" * 100_000, "null", '{"schema": 1, "verdict": "equivalent"}'])
    def test_a_verdict_that_is_none(self, content: str, publish: Publishing, github: Github) -> None:
        github.keep(900, "rlops-quick", {"verdict.json": content})
        self.refused(publish, github, "verdict.json: ")

    def test_a_bomb(self, publish: Publishing, github: Github) -> None:
        github.keep(900, "rlops-quick", {"verdict.json": b" " * (artifact.MOST_UNPACKED + 1)})
        self.refused(publish, github, "has more than 16,777,216 bytes")

    def test_an_archive_that_says_it_is_large(self, publish: Publishing, github: Github) -> None:
        github.keep(900, "rlops-quick", {"verdict.json": "{}"}, size_in_bytes=artifact.MOST_BYTES + 1)
        self.refused(publish, github, "67,108,865 bytes")
        assert github.elsewhere.asked == []

    def test_an_archive_that_is_larger_than_it_says(self, publish: Publishing, github: Github) -> None:
        publish.monkeypatch.setattr(artifact, "MOST_BYTES", 1_000)
        number = github.keep(900, "rlops-quick", {}, size_in_bytes=10)
        github.artifacts[number]["content"] = b"x" * 2_000
        self.refused(publish, github, "larger than 1,000 bytes")

    @pytest.mark.parametrize("target", ["", "file:///etc/passwd", "ftp://x/y", "//x/y", "https://127.0.0.1:1/x"])
    def test_an_address_that_is_not_asked(self, target: str, publish: Publishing, github: Github) -> None:
        github.keep(900, "rlops-quick", {"verdict.json": REGRESSED.to_json()})
        plain = github.answer
        publish.monkeypatch.setattr(
            github,
            "answer",
            lambda asked: (302, b"", {"Location": target}) if asked.path.endswith("/zip") else plain(asked),
        )
        self.refused(publish, github, "GitHub names no address that can be asked")

    @pytest.mark.parametrize("step", ["GET /repos/octo/lab/actions/runs", "GET /repos/octo/lab/actions/artifacts"])
    def test_that_github_does_not_give(self, step: str, publish: Publishing, github: Github) -> None:
        github.keep(900, "rlops-quick", {"verdict.json": REGRESSED.to_json()})
        github.answers[step] = [403]
        self.refused(publish, github, "GitHub answered 403")

    def test_and_a_file_are_one_too_many(self, publish: Publishing) -> None:
        assert publish(REGRESSED, "--from-run", "quick").code == 2
