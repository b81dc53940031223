"""A stand-in for GitHub's runner: carries out the steps of action.yml and of workflow files on this machine.

Scripts run in a real bash with the variables that GitHub sets. Actions of others are noted and not run, but for
upload-artifact, which hands its files to the stand-in of GitHub; `python` and `gh` are the stubs of stubs.py.
"""

import io
import os
import re
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.ci import stubs
from tests.ci.events import variables
from tests.ci.expressions import condition, filled
from tests.ci.github_standin import REPOSITORY, TOKEN, Github

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / "action.yml"
RECIPES = ROOT / "rlops" / "recipes"
Json = dict[str, Any]


def load(path: Path) -> Json:
    """The content of a YAML file."""
    loaded: Json = YAML(typ="safe").load(path)
    return loaded


@dataclass
class Script:
    """One `run:` that was carried out."""

    name: str
    code: int
    out: str
    err: str


@dataclass
class Outcome:
    """What came of a job or an action."""

    status: str = "success"
    code: int = 0
    scripts: list[Script] = field(default_factory=list)
    used: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> str:
        """All that was printed."""
        return "".join(script.out + script.err for script in self.scripts)

    def commands(self) -> list[str]:
        """The lines that the runner would take for commands."""
        return list(_commands(self.log))


def _commands(log: str) -> Iterator[str]:
    stopped = None
    for line in log.splitlines():
        said = line.strip()
        if stopped:
            stopped = None if said == f"::{stopped}::" else stopped
        elif said.startswith("::stop-commands::"):
            stopped = said.removeprefix("::stop-commands::")
        elif said.startswith("::"):
            yield said


@dataclass
class Runner:
    """One machine with one job on it. `gate`: what the stub says instead of `rlops gate`."""

    folder: Path
    github: Github
    event_name: str
    event: Json
    gate: stubs.Gate = field(default_factory=stubs.Gate)
    attempt: int = 1
    run_id: int = 900

    def __post_init__(self) -> None:
        for name in ("work", "temp", "home", "files"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.stubs = stubs.install(self.folder / "bin", self.gate)
        more = {
            "GITHUB_RUN_ID": str(self.run_id),
            "GITHUB_ACTION_PATH": str(ROOT),
            "RUNNER_TEMP": str(self.folder / "temp"),
        }
        self.environment = {
            "PATH": f"{self.stubs}:{os.environ['PATH']}",
            "HOME": str(self.folder / "home"),
            "PYTHONPATH": str(ROOT),
            **variables(self.folder, self.github, self.event_name, self.event, **more),
        }

    def contexts(self, **more: Any) -> Json:
        github = {
            "event": self.event,
            "event_name": self.event_name,
            "repository": REPOSITORY,
            "ref_name": "main",
            "run_attempt": str(self.attempt),
            "run_id": str(self.run_id),
            "token": TOKEN,
            "workflow": "rlops",
        }
        return {
            "github": github,
            "runner": {"os": "Linux"},
            "status": "success",
            "steps": {},
            "vars": {},
            "env": {},
            **more,
        }

    def runs(self, job: Json) -> bool:
        """Does this event start the job?"""
        return condition(job.get("if"), self.contexts())

    def job(self, workflow: Path, name: str) -> Outcome:
        """Carry out a job of a workflow; its `if:` must hold."""
        job = load(workflow)["jobs"][name]
        assert self.runs(job), f"{workflow.name} does not start {name}"
        contexts = self.contexts()
        contexts["env"] = {key: filled(value, contexts) for key, value in job.get("env", {}).items()}
        return self._steps(job["steps"], contexts)

    def action(self, **inputs: str) -> Outcome:
        """Carry out our own action."""
        action = load(ACTION)
        contexts = self.contexts()
        unknown = inputs.keys() - action["inputs"].keys()
        assert not unknown, unknown
        given = {name: filled(item.get("default", ""), contexts) for name, item in action["inputs"].items()}
        contexts["inputs"] = {**given, **inputs}
        outcome = self._steps(action["runs"]["steps"], contexts)
        outcome.outputs = {name: filled(item["value"], contexts) for name, item in action["outputs"].items()}
        return outcome

    def _steps(self, steps: list[Json], contexts: Json) -> Outcome:
        outcome = Outcome()
        for step in steps:
            contexts["status"] = outcome.status
            if not condition(step.get("if"), contexts):
                continue
            code = self._script(step, contexts, outcome) if "run" in step else self._use(step, contexts, outcome)
            if code and not step.get("continue-on-error"):
                outcome.status, outcome.code = "failure", code
        return outcome

    def _script(self, step: Json, contexts: Json, outcome: Outcome) -> int:
        files = {
            f"GITHUB_{kind}": self.folder / "files" / f"{kind}{len(outcome.scripts)}"
            for kind in ("OUTPUT", "STEP_SUMMARY")
        }
        for path in files.values():
            path.write_text("")
        given = {name: filled(value, contexts) for name, value in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.folder / "work" / filled(step.get("working-directory", "."), contexts),
            env={**self.environment, **contexts["env"], **{name: str(path) for name, path in files.items()}, **given},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
        contexts["steps"][step.get("id")] = {"outputs": outputs}
        outcome.scripts.append(Script(step.get("name", step["run"]), done.returncode, done.stdout, done.stderr))
        outcome.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        return done.returncode

    def _use(self, step: Json, contexts: Json, outcome: Outcome) -> int:
        given = {name: filled(value, contexts) for name, value in step.get("with", {}).items()}
        name = step["uses"].partition("@")[0]
        outcome.used.append((name, given))
        if name in {"OWNER/rlops", "./"}:
            inner = self.action(**given)
            outcome.scripts += inner.scripts
            outcome.used += inner.used
            outcome.summary += inner.summary
            return inner.code
        if name == "actions/upload-artifact":
            return self._upload(given)
        return 0

    def _upload(self, given: Mapping[str, str]) -> int:
        """All files of one folder, packed as GitHub packs them: without the folders above."""
        paths = [self.folder / "work" / line for line in given["path"].split()]
        assert given["if-no-files-found"] == "error"
        if not all(path.is_file() for path in paths):
            return 1
        files = {path.name: path.read_bytes() for path in paths}
        assert not re.search(r'[":<>|*?\r\n\\/]', given["name"]), "GitHub takes no such name"
        self.github.keep(self.run_id, given["name"], files)
        return 0


def unpacked(github: Github, name: str) -> dict[str, str]:
    """The files of the newest artifact of that name."""
    newest = [item for item in github.artifacts.values() if item["shown"]["name"] == name][-1]
    with zipfile.ZipFile(io.BytesIO(newest["content"])) as archive:
        return {member: archive.read(member).decode() for member in archive.namelist()}
