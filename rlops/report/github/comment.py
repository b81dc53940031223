"""Our comment on a pull request: one for each benchmark, written once and then kept up to date."""

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel

from rlops.report.github.api import Api, GitHubError
from rlops.report.github.event import Event

LONGEST_BODY = 65_536
"""What GitHub takes, in characters."""
LONGEST_COMMENT = LONGEST_BODY - 1_000
"""What remains beside the footer."""
FROM_A_FORK = (
    "These figures come from a job that ran the pull request's own code. "
    "Whoever wrote that code could have written the figures."
)


class _User(BaseModel):
    login: str
    type: str = "User"


class _Comment(BaseModel):
    id: int
    body: str | None = None
    user: _User | None = None


class _Posted(BaseModel):
    id: int
    html_url: str


def post_comment(environment: Mapping[str, str], markdown: str, *, new: bool) -> str:
    """Bring our comment up to date, or write it if `new` ones are wanted; says what was done, raises GitHubError.

    The first line of `markdown` is the hidden marker by which our comment is found again.
    """
    event = Event.of(environment)
    api = Api.of(environment)
    number = event.pull_request_number(environment.get("GITHUB_EVENT_NAME", ""), api)
    body = markdown.rstrip() + _footer(environment, event)
    ours = _ours(api, number, markdown.partition("\n")[0])
    if ours is not None:
        posted = api.send("PATCH", f"/issues/comments/{ours}", {"body": body}, _Posted)
        return f"comment updated: {posted.html_url}"
    if not new:
        return f"nothing that pull request {number} needs a comment for"
    posted = api.send("POST", f"/issues/{number}/comments", {"body": body}, _Posted)
    return f"comment posted: {posted.html_url}"


def _ours(api: Api, number: int, marker: str) -> int | None:
    """The id of our comment. The marker alone is no proof: anybody can write it."""
    author = _author(api)
    for comment in api.pages(f"/issues/{number}/comments", _Comment):
        first = (comment.body or "").partition("\n")[0].rstrip()
        if first == marker.rstrip() and comment.user is not None and _is(comment.user, author):
            return comment.id
    return None


def _is(user: _User, author: str | Literal[False]) -> bool:
    return user.login == author if author else user.type == "Bot"


def _author(api: Api) -> str | Literal[False]:
    """Whose token it is. A job's own token may not ask, and posts as a bot."""
    try:
        return api.user(_User).login
    except GitHubError as error:
        if error.status not in {401, 403}:
            raise
        return False


def _footer(environment: Mapping[str, str], event: Event) -> str:
    """Where the whole report is, and what the reader of a fork's figures must know."""
    server, repository = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
    run = str(event.workflow_run.id) if event.workflow_run else environment.get("GITHUB_RUN_ID", "")
    parts = [FROM_A_FORK] if event.from_fork else []
    if re.fullmatch(r"https?://[\w.:-]+", server) and run.isdecimal():
        address = f"{server}/{repository}/actions/runs/{run}"
        parts.insert(0, f"The whole report is an artifact of [this workflow run]({address}).")
    return "\n\n" + " ".join(parts) + "\n" if parts else "\n"
