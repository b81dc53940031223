"""What holds of every workflow file and of the action, read from the files."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from rlops.cli import gate as gate_verb
from rlops.cli.main import rlops
from rlops.errors import ExitCode
from tests.ci import events
from tests.ci.expressions import condition, evaluate
from tests.ci.runner import ACTION, RECIPES, ROOT, Runner, load

NAMES = {"pull-request.yml", "fork-gate.yml", "fork-comment.yml", "on-demand.yml", "nightly.yml", "pages.yml"}
OURS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
RECIPE_FILES = sorted(RECIPES.glob("*.yml"))
WORKFLOWS = [*RECIPE_FILES, *OURS]
FILES = [ACTION, *WORKFLOWS]
MAY = {
    ("pull-request.yml", "gate"): {"contents": "read", "pull-requests": "write"},
    ("fork-gate.yml", "gate"): {"contents": "read"},
    ("fork-comment.yml", "comment"): {"actions": "read", "pull-requests": "write"},
    ("on-demand.yml", "gate"): {"contents": "read"},
    ("on-demand.yml", "ask"): {"actions": "write", "pull-requests": "read"},
    ("nightly.yml", "baseline"): {"contents": "read"},
    ("pages.yml", "build"): {"contents": "read"},
    ("pages.yml", "keep"): {"contents": "write"},
    ("pages.yml", "deploy"): {"pages": "write", "id-token": "write"},
    ("gate.yml", "quick"): {"contents": "read", "pull-requests": "write"},
    ("ci.yml", "check"): {"contents": "read"},
}
"""All that a job may do; where code of a pull request runs, at most comments can be written.

The jobs of pages.yml that write run no code of the repository, and nothing of a pull request reaches them.
"""
JOBS = [(path, name, job) for path in WORKFLOWS for name, job in load(path)["jobs"].items()]


def name_of(value: object) -> str | None:
    return value.name if isinstance(value, Path) else value if isinstance(value, str) else ""


every_file = pytest.mark.parametrize("path", FILES, ids=name_of)
every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=name_of)
every_recipe = pytest.mark.parametrize("path", RECIPE_FILES, ids=name_of)
every_job = pytest.mark.parametrize(("path", "name", "job"), JOBS, ids=name_of)


def steps(path: Path) -> Iterator[dict[str, Any]]:
    content = load(path)
    if path == ACTION:
        yield from content["runs"]["steps"]
    for job in content.get("jobs", {}).values():
        yield from job["steps"]


def uses(holder: Path | dict[str, Any]) -> list[str]:
    found = steps(holder) if isinstance(holder, Path) else holder["steps"]
    return [step["uses"].partition("@")[0] for step in found if "uses" in step]


def triggers(path: Path) -> dict[str, Any]:
    content = load(path)
    on: dict[str, Any] = content["on"] if "on" in content else content[True]
    return on


def test_the_recipes_are_these() -> None:
    assert {path.name for path in RECIPE_FILES} == NAMES == {path.name for path in RECIPES.iterdir()}
    assert {(path.name, name) for path, name, _ in JOBS} == MAY.keys()


# Forms ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("custom.github-workflows-require-timeout", WORKFLOWS),
        ("vendor.github-actions", [ACTION]),
    ],
    ids=name_of,
)
def test_the_files_have_the_form_that_github_publishes(schema: str, paths: list[Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@every_file
def test_scripts_are_clean(path: Path) -> None:
    for step in steps(path):
        if "run" not in step:
            continue
        script = step["run"]
        done = subprocess.run(
            [Path(sys.executable).with_name("shellcheck"), "--shell=bash", "-"],
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert script.startswith("set -euo pipefail\n") or len(script.splitlines()) == 1


@every_file
def test_values_reach_scripts_through_the_environment_only(path: Path) -> None:
    """An expression inside a script is a way to inject commands: a title or a branch may have any name."""
    assert not [step["run"] for step in steps(path) if "${{" in step.get("run", "")]
    text = path.read_text()
    for script in re.findall(r"run: \|\n((?: {8,}.*\n|\n)+)", text):
        assert "${{" not in script


@every_file
def test_all_that_is_used_is_pinned(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if re.search(r"\buses:", line)]
    for line in lines:
        assert re.search(
            r"uses: (\./$|OWNER/rlops@COMMIT # EDIT|actions/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)", line
        ), line
    assert len(lines) == sum("uses" in step for step in steps(path))


def test_one_version_of_each_action() -> None:
    found = re.findall(r"uses: (actions/[\w-]+)[\w/-]*@(\w+ # \S+)", "\n".join(path.read_text() for path in FILES))
    pins: dict[str, set[str]] = {}
    for name, pin in found:
        pins.setdefault(name, set()).add(pin)
    assert {name for name, of in pins.items() if len(of) > 1} == set()


@every_recipe
def test_a_recipe_says_what_it_does_and_what_to_edit(path: Path) -> None:
    lines = path.read_text().splitlines()
    head = [line for line in lines[:7] if line.startswith("# ")]
    assert 3 <= len(head) <= 6
    assert "EDIT" in " ".join(head)
    assert sum("OWNER" in line for line in lines if "fromJSON" not in line) == 1
    for line in lines:
        if re.search(r"OWNER/|COMMIT|requirements\.txt|benchmark: |BENCHMARK: ", line) and not line.startswith("#"):
            assert "# EDIT" in line, line


# Rights --------------------------------------------------------------------------------------------------------------


@every_workflow
def test_nothing_is_permitted_by_default(path: Path) -> None:
    assert load(path)["permissions"] == {}


@every_job
def test_a_job_may_do_what_it_needs(path: Path, name: str, job: dict[str, Any]) -> None:
    assert job["permissions"] == MAY[path.name, name]


@every_workflow
def test_superseded_runs_end_and_none_runs_for_ever(path: Path) -> None:
    concurrency = load(path)["concurrency"]
    assert concurrency["group"].startswith("${{ github.workflow }}")
    assert concurrency["cancel-in-progress"] is not False or path.name == "nightly.yml"
    assert all(1 <= job["timeout-minutes"] <= 360 for job in load(path)["jobs"].values())


@every_file
def test_no_way_around(path: Path) -> None:
    """pull_request_target runs with secrets and a token that writes; so nothing of it is here, and no secret either."""
    text = path.read_text()
    for word in (
        "pull_request_target",
        "secrets.",
        "secrets:",
        "allow-unsafe",
        "head.sha }}",
        "head_ref",
        "github.head",
    ):
        assert word not in text, word


@every_job
def test_checkouts_keep_no_credentials_and_have_the_history(path: Path, name: str, job: dict[str, Any]) -> None:
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False
            assert "ref" not in step["with"]
            assert "repository" not in step["with"]
            assert step["with"].get("fetch-depth") == 0 or not {"OWNER/rlops", "./"} & set(uses(job))


@every_job
def test_code_of_a_pull_request_runs_on_its_own_event_only(path: Path, name: str, job: dict[str, Any]) -> None:
    """Other events run with the rights, secrets and caches of the default branch."""
    runs_code = "actions/checkout" in uses(job) or {"OWNER/rlops", "./"} & set(uses(job))
    others = triggers(path).keys() - {"pull_request", "push", "schedule", "workflow_dispatch"}
    for event in others if runs_code else ():
        contexts = {"github": {"event_name": event, "run_attempt": "2", "event": events.comment()}, "status": "success"}
        assert not condition(job.get("if"), contexts), event


def test_the_posting_job_has_no_code_and_takes_no_file() -> None:
    path = RECIPES / "fork-comment.yml"
    assert uses(path) == ["actions/setup-python"]
    *before, post = steps(path)
    assert "github.token" not in str(before)
    assert post["run"] == 'python -P -m rlops publish github --from-run "$BENCHMARK"'
    assert triggers(path) == {
        "workflow_run": {
            "workflows": [load(RECIPES / name)["name"] for name in ("fork-gate.yml", "on-demand.yml")],
            "types": ["completed"],
        }
    }


def test_only_the_default_branch_saves_cells() -> None:
    saving = [path.name for path in FILES for name in uses(path) if name in {"actions/cache", "actions/cache/save"}]
    assert saving == ["nightly.yml"]
    assert triggers(RECIPES / "nightly.yml").keys() == {"schedule", "workflow_dispatch"}
    for path in FILES:
        for step in steps(path):
            if step.get("uses", "").startswith("actions/cache/"):
                assert step["with"]["path"] == ".rlops/cells"
                assert step["with"]["key"].startswith("rlops-main-${{ runner.os }}-")
                assert (
                    step["with"].get("restore-keys", "rlops-main-${{ runner.os }}-") == "rlops-main-${{ runner.os }}-"
                )


def test_the_token_is_given_to_the_step_that_posts_only() -> None:
    for path in FILES:
        for step in steps(path):
            text = str(step)
            if "github.token" in text or "inputs.token" in text:
                assert re.search(r"publish github|gh api|gh auth setup-git", step["run"]), step


# Who starts what -----------------------------------------------------------------------------------------------------


@pytest.fixture
def starts(tmp_path: Path, github: Any) -> Any:
    def started(file: str, name: str, event: dict[str, Any], attempt: int = 1) -> set[str]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        runner = Runner(folder, github, name, event, attempt=attempt)
        return {job for job, content in load(RECIPES / file)["jobs"].items() if runner.runs(content)}

    return started


@pytest.mark.parametrize(
    ("name", "event", "attempt", "expected"),
    [
        ("pull_request", events.pull_request(), 1, set()),
        ("pull_request", events.pull_request(labels=("bug",)), 1, set()),
        ("pull_request", events.pull_request(labels=("bug", "rlops")), 1, {"gate"}),
        ("pull_request", events.pull_request(action="labeled", label="rlops", labels=("rlops",)), 1, {"gate"}),
        ("pull_request", events.pull_request(action="labeled", label="bug", labels=("rlops", "bug")), 1, set()),
        ("pull_request", events.pull_request(), 2, {"gate"}),
        ("issue_comment", events.comment(), 1, {"ask"}),
        ("issue_comment", events.comment(), 2, {"ask"}),
        ("issue_comment", events.comment(body="/rlops please"), 1, {"ask"}),
        ("issue_comment", events.comment(body="what does /rlops do?"), 1, set()),
        ("issue_comment", events.comment(on_pull=False), 1, set()),
        ("issue_comment", events.comment(association="OWNER"), 1, {"ask"}),
        ("issue_comment", events.comment(association="COLLABORATOR"), 1, {"ask"}),
        ("issue_comment", events.comment(association="CONTRIBUTOR"), 1, set()),
        ("issue_comment", events.comment(association="FIRST_TIME_CONTRIBUTOR"), 1, set()),
        ("issue_comment", events.comment(association="NONE"), 1, set()),
    ],
)
def test_on_demand_starts(name: str, event: dict[str, Any], attempt: int, expected: set[str], starts: Any) -> None:
    assert starts("on-demand.yml", name, event, attempt) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, {"comment"}),
        ({"conclusion": "failure"}, {"comment"}),
        ({"conclusion": "cancelled"}, set()),
        ({"conclusion": "skipped"}, set()),
        ({"event": "push"}, set()),
        ({"event": "issue_comment"}, set()),
    ],
)
def test_fork_comment_starts(more: dict[str, str], expected: set[str], starts: Any) -> None:
    assert starts("fork-comment.yml", "workflow_run", events.workflow_run(**more)) == expected


def test_nightly_starts_on_the_default_branch(starts: Any) -> None:
    assert starts("nightly.yml", "schedule", {"schedule": "17 2 * * *"}) == {"baseline"}
    assert starts("nightly.yml", "workflow_dispatch", {"repository": events.HERE}) == {"baseline"}
    elsewhere = {"repository": {**events.HERE, "default_branch": "trunk"}}
    assert starts("nightly.yml", "workflow_dispatch", elsewhere) == set()


def test_pages_are_made_of_the_default_branch_only(starts: Any) -> None:
    assert "build" in starts("pages.yml", "schedule", {"schedule": "17 6 * * *"})
    elsewhere = {"repository": {**events.HERE, "default_branch": "trunk"}}
    assert "build" not in starts("pages.yml", "workflow_dispatch", elsewhere)
    assert triggers(RECIPES / "pages.yml").keys() == {"schedule", "workflow_dispatch"}


def test_who_may_write_for_pages_runs_no_code_of_the_repository() -> None:
    jobs = load(RECIPES / "pages.yml")["jobs"]
    assert uses(jobs["keep"]) == ["actions/checkout", "actions/download-artifact"]
    assert uses(jobs["deploy"]) == ["actions/deploy-pages"]
    for name in ("keep", "deploy"):
        assert jobs[name]["needs"] == "build"
        scripts = "".join(step.get("run", "") for step in jobs[name]["steps"])
        assert not re.search(r"\b(python|pip|make|sh|bash|source|eval)\b|\./", scripts)


def group(name: str, event: dict[str, Any], run: str) -> str:
    text = load(RECIPES / "on-demand.yml")["concurrency"]["group"]
    expression = text.removeprefix("${{ github.workflow }}-${{").removesuffix("}}")
    return str(evaluate(expression, {"github": {"event_name": name, "event": event, "run_id": run}}))


def test_what_trains_nothing_stops_nothing() -> None:
    """A comment, or a label that has nothing to do with it, while hours of training are under way."""
    training = group("pull_request", events.pull_request(7, labels=("rlops",)), "1")
    assert group("pull_request", events.pull_request(7, labels=("rlops",)), "2") == training
    assert group("pull_request", events.pull_request(7, action="labeled", label="rlops"), "3") == training
    assert group("pull_request", events.pull_request(7, action="labeled", label="bug"), "4") != training
    assert group("issue_comment", events.comment(7), "5") != training
    assert group("pull_request", events.pull_request(8, labels=("rlops",)), "6") != training


# Docs ----------------------------------------------------------------------------------------------------------------

CI = (ROOT / "docs" / "ci.md").read_text()


def test_the_docs_name_every_recipe_and_no_other() -> None:
    assert set(re.findall(r"\]\(\.\./rlops/recipes/([\w.-]+)\)", CI)) == NAMES
    assert {name for name in re.findall(r"[\w-]+\.yml", CI) if name != "action.yml"} == NAMES


def test_the_docs_have_every_input_and_output_with_its_default() -> None:
    action = load(ACTION)
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.+?) \|", CI, flags=re.MULTILINE))
    inputs = {name: row for name, row in rows.items() if name in action["inputs"]}
    assert inputs.keys() == action["inputs"].keys()
    for name, item in action["inputs"].items():
        literal = item.get("default", "")
        if literal and "${{" not in literal:
            assert inputs[name] == f"`{literal}`"
        assert ("required" in inputs[name]) == bool(item.get("required"))
    outputs = re.search(r"Its outputs: (.*?)\.\n", CI, flags=re.DOTALL)
    assert set(re.findall(r"`([\w-]+)`", outputs[1])) == action["outputs"].keys()


def test_the_docs_name_the_permissions_that_the_jobs_have() -> None:
    in_recipes = {f"{what}: {how}" for (file, _), may in MAY.items() if file in NAMES for what, how in may.items()}
    assert set(re.findall(r"`((?:contents|actions|pull-requests|pages|id-token): \w+)`", CI)) == in_recipes


class TestOneGridOnManyMachines:
    """The two texts of docs/ci.md that are no files."""

    matrix, indexed_job = (yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", CI, flags=re.DOTALL))

    def scripts(self) -> list[str]:
        scripts = [step["run"] for job in self.matrix["jobs"].values() for step in job["steps"] if "run" in step]
        (container,) = self.indexed_job["spec"]["template"]["spec"]["containers"]
        return [*scripts, *container["args"]]

    def test_the_matrix_is_as_careful_as_the_recipes(self) -> None:
        assert self.matrix["permissions"] == {}
        for job in self.matrix["jobs"].values():
            assert job["permissions"] == {"contents": "read"}
            assert job["timeout-minutes"] <= 360
            for step in job["steps"]:
                assert "${{" not in step.get("run", "")
                assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", step.get("uses", f"actions/checkout@{'0' * 40}"))
        ours = {use for path in RECIPE_FILES for use in re.findall(r"uses: (actions/\S+)", path.read_text())}
        used = set(re.findall(r"uses: (actions/\S+)", CI))
        assert used <= ours

    def test_there_are_as_many_parts_as_jobs(self) -> None:
        (train,) = [script for script in self.scripts() if '--shard "$SHARD/4"' in script]
        assert "$BASE" in train
        assert self.matrix["jobs"]["train"]["strategy"]["matrix"]["shard"] == [1, 2, 3, 4]
        spec = self.indexed_job["spec"]
        assert (spec["completionMode"], spec["completions"]) == ("Indexed", 8)
        assert '--shard "$((JOB_COMPLETION_INDEX + 1))/8"' in self.scripts()[-1]

    def test_the_scripts_are_clean_and_their_options_exist(self) -> None:
        for script in self.scripts():
            checked = subprocess.run(
                [Path(sys.executable).with_name("shellcheck"), "--shell=sh", "--exclude=SC3040", "-"],
                input=script, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert checked.returncode == 0, checked.stdout + checked.stderr
            for verb, rest in re.findall(r"-m rlops (\w+)([^\n]*)", script):
                command = rlops.get_command(click.Context(rlops), verb)
                assert command is not None
                options = {option for parameter in command.params for option in parameter.opts}
                assert set(re.findall(r"--[a-z]+", rest)) <= options


# The action and the command line it calls ----------------------------------------------------------------------------


def test_the_options_that_the_action_passes_exist() -> None:
    options = {option for parameter in gate_verb.command.params for option in parameter.opts}
    (script,) = [step["run"] for step in steps(ACTION) if step.get("id") == "gate"]
    passed = set(re.findall(r"--[a-z]+", script))
    assert passed == {"--base", "--baseline", "--json", "--report", "--seeds"}
    assert passed <= options


def test_the_action_knows_every_exit_code_of_a_verdict() -> None:
    (script,) = [step["run"] for step in steps(ACTION) if step["name"] == "Answer"]
    assert set(re.findall(r"^ +(\d)\)", script, flags=re.MULTILINE)) == {
        str(int(code))
        for code in (ExitCode.PASS, ExitCode.REGRESSED, ExitCode.INCONCLUSIVE, ExitCode.FAILED, ExitCode.NOT_COMPARABLE)
    }
