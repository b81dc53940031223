"""The scripts of the action and the recipes, carried out: what they run, what they hand on, how they end."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlops.judge import Verdict, Word
from rlops.report import marker
from tests.ci import events
from tests.ci.github_standin import TOKEN, Github
from tests.ci.runner import RECIPES, ROOT, Runner, unpacked
from tests.ci.stubs import Gate, calls
from tests.report import samples

Start = Callable[..., Runner]


def verdict(word: Word) -> Verdict:
    return samples.sample(word, points=5).model_copy(update={"benchmark": "quick"})


def judged(word: Word, err: str = "2 cells trained\n") -> Gate:
    return Gate(samples.EXIT_CODES[word], verdict(word).to_json(), err)


@pytest.fixture
def start(tmp_path: Path, github: Github) -> Start:
    def started(gate: Gate | None = None, name: str = "pull_request", event: Any = None, **more: Any) -> Runner:
        folder = tmp_path / f"machine{len(list(tmp_path.iterdir()))}"
        event = events.pull_request(7) if event is None else event
        return Runner(folder, github, name, event, gate or judged(Word.EQUIVALENT), **more)

    return started


def rlops_calls(runner: Runner) -> list[list[str]]:
    return [call["arguments"][3:] for call in calls(runner.stubs) if call["arguments"][:3] == ["-P", "-m", "rlops"]]


def replace(runner: Runner, program: str, script: str) -> None:
    """Another program of that name for the scripts of this machine."""
    path = runner.stubs / program
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


class TestTheAction:
    @pytest.mark.parametrize(
        ("word", "status", "code", "said"),
        [
            (Word.EQUIVALENT, "success", 0, []),
            (Word.REGRESSED, "failure", 1, ["::error"]),
            (Word.INCONCLUSIVE, "success", 0, ["::warning"]),
            (Word.FAILED, "failure", 4, ["::error"]),
            (Word.NOT_COMPARABLE, "failure", 5, ["::error"]),
        ],
    )
    def test_ends_as_the_gate_did_and_has_posted_before(
        self, word: Word, status: str, code: int, said: list[str], start: Start, github: Github
    ) -> None:
        runner = start(judged(word))
        done = runner.action(benchmark="quick")
        assert (done.status, done.code) == (status, code), done.log
        (comment,) = github.comments
        assert comment["body"].startswith(marker("quick"))
        assert verdict(word).sentence.partition(":")[0] in done.summary
        kept = unpacked(github, "rlops-quick")
        assert kept == {"verdict.json": verdict(word).to_json(), "report.html": "<html>the report</html>"}
        assert done.outputs["exit-code"] == str(samples.EXIT_CODES[word])
        assert Path(done.outputs["verdict"]).read_text() == kept["verdict.json"]
        assert Path(done.outputs["report"]).read_text() == kept["report.html"]
        assert [line.split()[0] for line in done.commands() if " title=rlops::quick: " in line] == said

    def test_installs_itself_and_asks_the_gate(self, start: Start) -> None:
        runner = start()
        runner.action(benchmark="quick")
        arguments = [call["arguments"] for call in calls(runner.stubs)]
        assert arguments[1] == ["-P", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(ROOT)]
        gate = rlops_calls(runner)[0]
        assert gate[:5] == ["gate", "quick", "--base", "origin/main", "--json"]
        assert gate[5] == "--report"
        assert len(gate) == 7

    def test_hands_on_what_the_user_says(self, start: Start) -> None:
        runner = start()
        (runner.folder / "work" / "lab").mkdir()
        runner.action(
            benchmark="benchmarks/two words.toml",
            base="origin/release 1",
            baseline="quick",
            seeds="101-103",
            **{"working-directory": "lab"},
        )
        gate = rlops_calls(runner)[0]
        assert gate[:4] == ["gate", "benchmarks/two words.toml", "--base", "origin/release 1"]
        assert gate[-4:] == ["--baseline", "quick", "--seeds", "101-103"]
        assert {Path(call["folder"]).name for call in calls(runner.stubs)} == {"lab"}
        assert [item["shown"]["name"] for item in runner.github.artifacts.values()] == ["rlops-two words"]

    @pytest.mark.parametrize("evil", ["$(touch pwned)", "`touch pwned`", '"; touch pwned; "', "a\ntouch pwned"])
    @pytest.mark.parametrize("name", ["benchmark", "base", "baseline", "seeds"])
    def test_no_input_is_a_command(self, name: str, evil: str, start: Start) -> None:
        runner = start(Gate(2, "", "no such thing\n"))
        assert runner.action(**{"benchmark": "quick", name: evil}).code == 2
        refused = name == "benchmark" and "\n" in evil
        assert rlops_calls(runner) == [] if refused else evil in rlops_calls(runner)[0]
        assert not list(runner.folder.rglob("pwned"))

    def test_compares_with_the_default_branch_where_there_is_no_pull_request(self, start: Start) -> None:
        event = {"ref": "refs/heads/x", "repository": {**events.HERE, "default_branch": "trunk"}}
        runner = start(name="push", event=event)
        assert runner.action(benchmark="quick").status == "success"
        assert rlops_calls(runner)[0][2:4] == ["--base", "origin/trunk"]

    def test_the_code_that_is_trained_sees_no_token(self, start: Start) -> None:
        runner = start(judged(Word.REGRESSED))
        runner.action(benchmark="quick", token=TOKEN)
        seen = {
            call["arguments"][3] if "rlops" in call["arguments"] else "other": call["secret"]
            for call in calls(runner.stubs)
        }
        assert seen == {"other": False, "gate": False, "publish": True}

    def test_what_trained_code_prints_is_no_command_to_the_runner(self, start: Start) -> None:
        evil = "::set-output name=code::0\n    ::add-path::/evil\n::stop-commands::x\n::x::\n::error::pwned\n"
        done = start(judged(Word.REGRESSED, evil)).action(benchmark="quick")
        assert "pwned" in done.log
        assert not [line for line in done.commands() if re.match("::(set-output|add-path|error::pwned|stop)", line)]
        assert [line for line in done.commands() if line.startswith("::error title=rlops::quick: regressed")]

    @pytest.mark.parametrize(("code", "err"), [(2, "no benchmark"), (5, "no baseline"), (70, "Traceback"), (143, "")])
    def test_without_a_verdict_the_summary_shows_why(self, code: int, err: str, start: Start, github: Github) -> None:
        said = f"Error: {err}\n```\n</details><script>x</script>\n\x1b[31mred\x07\n" + "é" * 10
        runner = start(Gate(code, "", said))
        done = runner.action(benchmark="quick")
        assert (done.status, done.code) == ("failure", code)
        head, _, shown = done.summary.partition("\n\n")
        assert head == f"## rlops: no verdict on quick (exit code {code})"
        assert shown.splitlines()[0] == f"    Error: {err}"
        assert all(line.startswith("    ") for line in shown.splitlines())
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", shown)
        assert (github.comments, github.artifacts, done.outputs["verdict"]) == ([], {}, "")
        assert [call[0] for call in rlops_calls(runner)] == ["gate"]
        assert done.commands()[-1].startswith("::error title=rlops::quick: ")

    def test_a_long_complaint_is_cut(self, start: Start) -> None:
        done = start(Gate(70, "", "x" * 3_000_000 + "\n")).action(benchmark="quick")
        assert done.code == 70
        assert len(done.summary) < 70_000
        lines = "\n".join(f"line {number}" for number in range(1_000))
        assert len(start(Gate(70, "", lines)).action(benchmark="quick").summary.splitlines()) == 52

    def test_an_older_verdict_in_the_store_is_not_this_runs(self, start: Start, github: Github) -> None:
        runner = start(Gate(70, "", "Traceback\n"))
        folder = runner.folder / "work" / ".rlops" / "verdicts" / "quick-1"
        folder.mkdir(parents=True)
        (folder / "verdict.json").write_text(verdict(Word.EQUIVALENT).to_json())
        done = runner.action(benchmark="quick")
        assert (done.code, github.comments, github.artifacts) == (70, [], {})

    def test_half_a_verdict_is_not_published_and_does_not_pass(self, start: Start, github: Github) -> None:
        done = start(Gate(70, verdict(Word.EQUIVALENT).to_json()[:500], "")).action(benchmark="quick")
        assert (done.code, github.comments) == (70, [])
        assert "::warning title=rlops::the verdict could not be published" in "\n".join(done.commands())

    def test_a_log_that_cannot_be_kept_is_no_regression(self, start: Start) -> None:
        runner = start(judged(Word.EQUIVALENT))
        replace(runner, "tee", "cat >/dev/null; exit 1")
        assert runner.action(benchmark="quick").status == "success"

    def test_the_answer_is_given_even_if_publishing_breaks_down(self, start: Start) -> None:
        runner = start(Gate(70, "", "Traceback\n"))
        replace(runner, "tail", "exit 9")
        done = runner.action(benchmark="quick")
        assert [script.code for script in done.scripts] == [0, 0, 9, 70]
        assert done.commands()[-1].startswith("::error title=rlops::quick: there is no answer (exit code 70)")

    def test_an_open_question_can_fail(self, start: Start) -> None:
        done = start(judged(Word.INCONCLUSIVE)).action(benchmark="quick", inconclusive="fail")
        assert (done.status, done.code) == ("failure", 3)
        assert done.commands()[-1].startswith("::error title=rlops::quick: inconclusive")

    def test_the_comment_can_be_left_out(self, start: Start, github: Github) -> None:
        done = start(judged(Word.REGRESSED)).action(benchmark="quick", comment="false")
        assert (done.code, github.asked) == (1, [])
        assert "learns worse" in done.summary

    def test_a_fork_gets_summary_and_artifact_and_its_own_exit_code(self, start: Start, github: Github) -> None:
        github.reads_only = True
        done = start(judged(Word.REGRESSED), event=events.pull_request(7, fork=True)).action(benchmark="quick")
        assert done.code == 1
        assert "docs/ci.md" in done.log
        assert TOKEN not in done.log
        assert "rlops-quick" in {item["shown"]["name"] for item in github.artifacts.values()}

    def test_a_pass_stays_one_where_nothing_can_be_posted_or_kept(
        self, start: Start, github: Github, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Runner, "_upload", lambda *_: 1)
        github.answers["GET /repos"] = [404]
        done = start(judged(Word.IMPROVED)).action(benchmark="quick")
        assert (done.status, done.code) == ("success", 0), done.log
        assert "warning: the comment is not posted" in done.log

    @pytest.mark.parametrize(
        ("inputs", "said"),
        [
            ({"benchmark": ""}, "the input 'benchmark' is not one name"),
            ({"benchmark": "a\nverdict=/etc/passwd"}, "the input 'benchmark' is not one name"),
            ({"comment": "yes"}, "the input 'comment' is 'yes'"),
            ({"inconclusive": "pass"}, "the input 'inconclusive' is 'pass'"),
            ({"python": "/no/python"}, "'/no/python' is no Python 3.11 or newer"),
        ],
    )
    def test_wrong_inputs_end_it_before_anything_is_trained(
        self, inputs: dict[str, str], said: str, start: Start, github: Github
    ) -> None:
        runner = start()
        done = runner.action(**{"benchmark": "quick", **inputs})
        assert (done.status, done.code) == ("failure", 2)
        assert said in done.commands()[0]
        assert rlops_calls(runner) == []
        assert github.asked == []

    def test_another_python(self, start: Start) -> None:
        runner = start()
        (runner.stubs / "python").rename(runner.stubs / "python-of-mine")
        done = runner.action(benchmark="quick", python=str(runner.stubs / "python-of-mine"))
        assert done.status == "success", done.log


class TestTheRecipes:
    def test_pull_request(self, start: Start, github: Github) -> None:
        runner = start(judged(Word.REGRESSED))
        done = runner.job(RECIPES / "pull-request.yml", "gate")
        assert (done.status, done.code) == ("failure", 1)
        assert len(github.comments) == 1
        installed = [call["arguments"] for call in calls(runner.stubs) if "pip" in call["arguments"]]
        assert installed[0] == ["-m", "pip", "install", "-r", "requirements.txt"]

    @pytest.mark.parametrize("recipe", ["fork-gate.yml", "on-demand.yml"])
    @pytest.mark.parametrize("word", [Word.REGRESSED, Word.IMPROVED])
    def test_a_fork_is_judged_by_one_job_and_written_about_by_another(
        self, word: Word, recipe: str, start: Start, github: Github
    ) -> None:
        github.pulls = [events.pull(7, fork=True, labels=("rlops",))]
        github.reads_only = True
        gated = start(judged(word), event=events.pull_request(7, fork=True, labels=("rlops",)))
        done = gated.job(RECIPES / recipe, "gate")
        assert done.code == samples.EXIT_CODES[word]
        assert github.asked == []

        github.reads_only = False
        event = events.workflow_run(fork=True, conclusion=done.status)
        posting = start(name="workflow_run", event=event, run_id=901)
        done = posting.job(RECIPES / "fork-comment.yml", "comment")
        assert (done.status, done.code) == ("success", 0), done.log
        (comment,) = github.comments
        assert comment["number"] == 7
        assert verdict(word).sentence.partition(":")[0] in comment["body"]
        assert "ran the pull request's own code" in comment["body"]
        assert [call[0] for call in rlops_calls(posting)] == ["publish"]
        install, publish = calls(posting.stubs)[0], calls(posting.stubs)[1]
        assert install["arguments"][-1] == "rlops @ git+https://github.example/OWNER/rlops@COMMIT"
        assert (install["secret"], publish["secret"]) == (False, True)

    def test_a_gate_without_an_answer_gets_no_comment(self, start: Start, github: Github) -> None:
        gated = start(Gate(2, "", "no benchmark\n"))
        assert gated.job(RECIPES / "fork-gate.yml", "gate").code == 2
        posting = start(name="workflow_run", event=events.workflow_run(fork=True, conclusion="failure"), run_id=901)
        done = posting.job(RECIPES / "fork-comment.yml", "comment")
        assert done.code == 2
        assert "its gate wrote no verdict" in done.log
        assert github.comments == []

    def test_nightly(self, start: Start, github: Github) -> None:
        runner = start(name="schedule", event={"schedule": "17 2 * * *"})
        done = runner.job(RECIPES / "nightly.yml", "baseline")
        assert done.status == "success", done.log
        assert rlops_calls(runner) == [["baseline", "save", "quick"]]
        assert unpacked(github, "baseline-quick") == {"quick.json": "a baseline"}
        used = [name for name, _ in done.used]
        assert used.index("actions/cache/restore") < used.index("actions/cache/save")
        keys = [given["key"] for name, given in done.used if name.startswith("actions/cache/")]
        assert len(set(keys)) == 1
        assert github.asked == []


class TestTheCommentThatAsks:
    def ask(self, start: Start, github: Github, who: str = "maintainer") -> Any:
        github.pulls = [events.pull(7, fork=True)]
        event = events.comment(7)
        event["comment"]["user"]["login"] = who
        return start(name="issue_comment", event=event).job(RECIPES / "on-demand.yml", "ask")

    @pytest.fixture(autouse=True)
    def _runs(self, github: Github) -> None:
        common = {"file": "on-demand.yml", "event": "pull_request", "head_sha": events.HEAD}
        others = ({"file": "ci.yml"}, {"event": "issue_comment"}, {"head_sha": "c3" * 20})
        github.runs = [
            *({**common, **other, "id": 30 + number} for number, other in enumerate(others)),
            {**common, "id": 42},
            {**common, "id": 41},
        ]

    @pytest.mark.parametrize("permission", ["write", "admin"])
    def test_re_runs_the_pull_requests_own_run(self, permission: str, start: Start, github: Github) -> None:
        github.permissions["maintainer"] = permission
        done = self.ask(start, github)
        assert done.status == "success", done.log
        assert github.rerun == [42]

    @pytest.mark.parametrize("permission", ["read", "none"])
    def test_of_a_member_who_may_not_write_does_nothing(self, permission: str, start: Start, github: Github) -> None:
        github.permissions["maintainer"] = permission
        done = self.ask(start, github)
        assert done.status == "failure"
        assert "::error title=rlops::maintainer may not write to this repository" in done.commands()
        assert github.rerun == []

    def test_without_a_run_says_what_to_do(self, start: Start, github: Github) -> None:
        github.permissions["maintainer"] = "write"
        github.runs = []
        done = self.ask(start, github)
        assert done.status == "failure"
        assert "set the label rlops" in done.log
        assert github.rerun == []

    def test_runs_nothing_of_the_pull_request(self, start: Start, github: Github) -> None:
        github.permissions["maintainer"] = "write"
        done = self.ask(start, github)
        assert done.used == []
