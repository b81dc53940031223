"""Events as GitHub describes them, reduced to what decides something, and the variables of a job."""

import json
from pathlib import Path
from typing import Any

from tests.ci.github_standin import REPOSITORY, TOKEN, Github

HEAD = "a1" * 20
HERE = {"id": 1, "full_name": REPOSITORY, "default_branch": "main", "owner": {"login": "octo"}}
FORK = {"id": 2, "full_name": "stranger/lab", "owner": {"login": "stranger"}}

Json = dict[str, Any]


def pull(
    number: int, *, fork: bool = False, sha: str = HEAD, branch: str = "faster", labels: tuple[str, ...] = ()
) -> Json:
    """A pull request as the API and the event `pull_request` show it."""
    repository = FORK if fork else HERE
    return {
        "number": number,
        "state": "open",
        "head": {"sha": sha, "ref": branch, "repo": repository, "user": repository["owner"]},
        "base": {"sha": "b2" * 20, "ref": "main", "repo": HERE},
        "labels": [{"name": name} for name in labels],
    }


def pull_request(number: int = 7, action: str = "synchronize", label: str | None = None, **more: Any) -> Json:
    event = {"action": action, "number": number, "pull_request": pull(number, **more), "repository": HERE}
    return {**event, "label": {"name": label}} if label else event


def comment(number: int = 7, *, body: str = "/rlops", association: str = "MEMBER", on_pull: bool = True) -> Json:
    issue: Json = {"number": number, **({"pull_request": {"url": "https://api.example/pulls/7"}} if on_pull else {})}
    said = {"body": body, "author_association": association, "user": {"login": "maintainer"}}
    return {"action": "created", "issue": issue, "comment": said, "repository": HERE}


def workflow_run(
    listed: tuple[Json, ...] = (), *, fork: bool = True, sha: str = HEAD, branch: str = "faster", **more: Any
) -> Json:
    """A run that has ended; `listed` are the pull requests in it, for forks there are none."""
    run = {"id": 900, "event": "pull_request", "conclusion": "success", "head_sha": sha, "head_branch": branch}
    run |= {"head_repository": FORK if fork else HERE, "pull_requests": [_minimal(item) for item in listed], **more}
    return {"action": "completed", "workflow_run": run, "repository": HERE}


def _minimal(shown: Json) -> Json:
    ends = {side: {"sha": shown[side]["sha"], "repo": {"id": shown[side]["repo"]["id"]}} for side in ("head", "base")}
    return {"id": 1, "number": shown["number"], **ends}


def variables(folder: Path, github: Github, name: str, event: Json, **more: str) -> dict[str, str]:
    """What GitHub sets for every step of a job."""
    path = folder / "event.json"
    path.write_text(json.dumps(event))
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": github.url,
        "GITHUB_BASE_REF": "main" if name == "pull_request" else "",
        "GITHUB_EVENT_NAME": name,
        "GITHUB_EVENT_PATH": str(path),
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_RUN_ID": "900",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_WORKFLOW_REF": f"{REPOSITORY}/.github/workflows/on-demand.yml@refs/heads/main",
        **more,
    }


def with_token(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "GITHUB_TOKEN": TOKEN}
