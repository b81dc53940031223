"""GitHub workflows: those of a repository, read as text, and the recipe for a new one."""

import json
import re
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path

FOLDER = Path(".github") / "workflows"
PLACEHOLDER = "OWNER/rlops@COMMIT"
MOST_BYTES = 500_000
GATES = re.compile(r"uses:\s*['\"]?\S*/rlops(/\S*)?@|\brlops\s+gate\b")
CALLS = re.compile(rf"{GATES.pattern}|\brlops\s+(baseline|run|compare|publish|site|init|doctor)\b|-m\s+rlops\b")
BENCHMARK_LINE = re.compile(r"^(\s*benchmark:[ \t]*)\S+.*$", flags=re.MULTILINE)
ACTION_LINE = re.compile(rf"{re.escape(PLACEHOLDER)}.*$", flags=re.MULTILINE)
CHECKOUT = re.compile(r"uses:\s*['\"]?actions/checkout@")
WHOLE_HISTORY = re.compile(r"fetch-depth:\s*['\"]?0\b")


@dataclass(frozen=True)
class Workflow:
    """One workflow file. Comments are not in `text`."""

    path: Path
    text: str

    @property
    def calls_rlops(self) -> bool:
        """Does a step of it call rlops?"""
        return CALLS.search(self.text) is not None

    @property
    def has_placeholder(self) -> bool:
        """Does it still say where rlops is in the recipe's own words?"""
        return PLACEHOLDER in self.text

    @property
    def lacks_history(self) -> bool:
        """Does a job that gates check out the last commit alone? There is no merge base to compare with then."""
        gating = [job for job in _jobs(self.text) if GATES.search(job)]
        return any(CHECKOUT.search(step) and not WHOLE_HISTORY.search(step) for job in gating for step in _steps(job))


def workflows(top: Path) -> list[Workflow]:
    """The workflows of the repository whose top is `top`."""
    found = []
    for path in sorted((top / FOLDER).glob("*.y*ml")):
        try:
            if path.is_file() and path.stat().st_size <= MOST_BYTES:
                text = path.read_text(encoding="utf-8", errors="replace")
                found.append(Workflow(path, re.sub(r"(^|\s)#.*$", "", text, flags=re.MULTILINE)))
        except OSError:
            continue
    return found


def pull_request_workflow(benchmark: str) -> str:
    """The recipe for pull requests, with the benchmark's name, and where rlops was installed from if that is known."""
    recipe = resources.files("rlops") / "recipes" / "pull-request.yml"
    text, count = BENCHMARK_LINE.subn(lambda match: f"{match[1]}{json.dumps(benchmark)}", recipe.read_text("utf-8"))
    assert count == 1, f"{recipe} has {count} lines with the benchmark's name"  # noqa: S101  (ours, and tested)
    action = installed_from()
    return text if action is None else ACTION_LINE.sub(action, text)


def installed_from() -> str | None:
    """`owner/rlops@commit` where rlops was installed from a commit on GitHub (PEP 610), else None."""
    try:
        origin = json.loads(metadata.distribution("rlops").read_text("direct_url.json") or "{}")
    except (metadata.PackageNotFoundError, ValueError):
        return None
    if not isinstance(origin, dict):
        return None
    commit = origin.get("vcs_info", {}).get("commit_id", "")
    place = re.fullmatch(
        r"(?:https|ssh)://(?:[^@/]*@)?github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?", origin.get("url", "")
    )
    return f"{place[1]}@{commit}" if place and re.fullmatch(r"[0-9a-f]{40}", commit) else None


def _jobs(text: str) -> list[str]:
    """The text of every job."""
    _, _, jobs = re.sub(r"^\s*\n", "", text, flags=re.MULTILINE).partition("\njobs:")
    first = re.search(r"^( +)\S", jobs, flags=re.MULTILINE)
    return re.split(rf"^{first[1]}(?=\S)", jobs, flags=re.MULTILINE) if first else []


def _steps(job: str) -> list[str]:
    """The text of every step of a job."""
    first = re.search(r"^( *)- ", job, flags=re.MULTILINE)
    return re.split(rf"^{first[1]}- ", job, flags=re.MULTILINE) if first else []
