"""A stand-in for the part of GitHub's REST API that rlops and its recipes use.

Standard library only, loopback only, everything in memory. It is a reading of the documentation and not GitHub: it
refuses what GitHub refuses (a wrong token, a body that is too long, writing with a token that may only read). A request
it does not know is answered with 404 and kept in `unknown`, which the fixture that starts it asserts to be empty.
"""

import io
import json
import re
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

TOKEN = "ghs_" + "0123456789abcdef" * 2
REPOSITORY = "octo/lab"
LONGEST_BODY = 65_536
BOT = {"login": "github-actions[bot]", "type": "Bot"}

Json = dict[str, Any]


class RefusalError(Exception):
    """What is answered instead of data: an HTTP status and a text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any = None


@dataclass
class Github:
    """The server. `comments` are those of all pull requests; `user` is whom the token belongs to.

    Beginnings of "METHOD /path": those in `answers` get the statuses there first, one each; those in `mute` get no
    answer, those in `raw` these bytes.
    """

    user: Json = field(default_factory=lambda: dict(BOT))
    reads_only: bool = False
    comments: list[Json] = field(default_factory=list)
    pulls: list[Json] = field(default_factory=list)
    artifacts: dict[int, Json] = field(default_factory=dict)
    permissions: dict[str, str] = field(default_factory=dict)
    runs: list[Json] = field(default_factory=list)
    rerun: list[int] = field(default_factory=list)
    answers: dict[str, list[int]] = field(default_factory=dict)
    raw: dict[str, bytes] = field(default_factory=dict)
    mute: set[str] = field(default_factory=set)
    elsewhere: "Elsewhere | None" = None
    asked: list[Asked] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.http.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    def comment(self, number: int, body: str, **user: str) -> Json:
        """A comment on a pull request; without a user it is the bot's own."""
        made = {"id": 1000 + len(self.comments), "body": body, "user": {**BOT, **user}, "number": number}
        made["html_url"] = f"https://github.example/{REPOSITORY}/pull/{number}#issuecomment-{made['id']}"
        self.comments.append(made)
        return made

    def keep(self, run: int, name: str, files: Mapping[str, str | bytes], **more: Any) -> int:
        """An artifact of a workflow run; its id."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file, content in files.items():
                archive.writestr(file, content)
        number = 500 + len(self.artifacts)
        shown = {"id": number, "name": name, "size_in_bytes": len(packed.getvalue()), "expired": False, **more}
        self.artifacts[number] = {"run": run, "content": packed.getvalue(), "shown": shown}
        return number

    def sent(self, method: str) -> list[Asked]:
        """The requests of this method."""
        return [asked for asked in self.asked if asked.method == method]

    def answer(self, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        """Status, body and further headers. Raises RefusalError."""
        self.asked.append(asked)
        line = f"{asked.method} {asked.path}"
        if any(line.startswith(start) for start in self.mute):
            self.closing.wait()
        for start, statuses in self.answers.items():
            if line.startswith(start) and statuses:
                raise RefusalError(statuses.pop(0), "as planned")
        for start, content in self.raw.items():
            if line.startswith(start):
                return 200, content, {}
        if asked.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise RefusalError(401, "Bad credentials")
        if asked.method != "GET" and self.reads_only:
            raise RefusalError(403, "Resource not accessible by integration")
        for method, pattern, route in ROUTES:
            match = re.fullmatch(pattern.replace("REPO", f"/repos/{REPOSITORY}"), asked.path)
            if method == asked.method and match:
                with self.lock:
                    return route(self, asked, *map(_number, match.groups()))
        self.unknown.append(line)
        raise RefusalError(404, "Not Found")


def _number(part: str) -> int | str:
    return int(part) if part.isdecimal() else part


# Answers -------------------------------------------------------------------------------------------------------------


def _user(server: Github, _asked: Asked) -> tuple[int, Any, dict[str, str]]:
    if server.user["type"] == "Bot":
        raise RefusalError(403, "Resource not accessible by integration")
    return 200, server.user, {}


def _comments(server: Github, asked: Asked, number: int) -> tuple[int, Any, dict[str, str]]:
    mine = [comment for comment in server.comments if comment["number"] == number]
    return 200, _page(mine, asked), {}


def _page(items: list[Json], asked: Asked) -> list[Json]:
    size = min(int(asked.query.get("per_page", 30)), 100)
    start = (int(asked.query.get("page", 1)) - 1) * size
    return items[start : start + size]


def _body(asked: Asked) -> str:
    body = asked.body["body"]
    if len(body) > LONGEST_BODY:
        raise RefusalError(422, f"Body is too long (maximum is {LONGEST_BODY} characters)")
    return body


def _create(server: Github, asked: Asked, number: int) -> tuple[int, Any, dict[str, str]]:
    return 201, server.comment(number, _body(asked), **server.user), {}


def _update(server: Github, asked: Asked, number: int) -> tuple[int, Any, dict[str, str]]:
    found = [comment for comment in server.comments if comment["id"] == number]
    if not found:
        raise RefusalError(404, "Not Found")
    found[0]["body"] = _body(asked)
    return 200, found[0], {}


def _pulls(server: Github, asked: Asked) -> tuple[int, Any, dict[str, str]]:
    owner, _, branch = asked.query["head"].partition(":")
    found = [
        pull
        for pull in server.pulls
        if (pull["head"]["user"]["login"], pull["head"]["ref"], pull["state"]) == (owner, branch, asked.query["state"])
    ]
    return 200, _page(found, asked), {}


def _pull(server: Github, _asked: Asked, number: int) -> tuple[int, Any, dict[str, str]]:
    (found,) = [pull for pull in server.pulls if pull["number"] == number]
    return 200, found, {}


def _artifacts(server: Github, asked: Asked, run: int) -> tuple[int, Any, dict[str, str]]:
    names = {asked.query.get("name")} if "name" in asked.query else None
    kept = [item["shown"] for item in server.artifacts.values() if item["run"] == run]
    kept = [shown for shown in kept if names is None or shown["name"] in names]
    return 200, {"total_count": len(kept), "artifacts": kept}, {}


def _zip(server: Github, _asked: Asked, number: int) -> tuple[int, Any, dict[str, str]]:
    return 302, b"", {"Location": f"{server.elsewhere.url}/kept/{number}?sig=secret-signature"}


def _permission(server: Github, _asked: Asked, who: str) -> tuple[int, Any, dict[str, str]]:
    return 200, {"permission": server.permissions.get(who, "read")}, {}


def _runs(server: Github, asked: Asked, workflow: str) -> tuple[int, Any, dict[str, str]]:
    wanted = {key: asked.query[key] for key in ("event", "head_sha")}
    found = [run for run in server.runs if run["file"] == workflow and wanted.items() <= run.items()]
    return 200, {"total_count": len(found), "workflow_runs": _page(found, asked)}, {}


def _rerun(server: Github, _asked: Asked, run: int) -> tuple[int, Any, dict[str, str]]:
    server.rerun.append(run)
    return 201, {}, {}


ROUTES: list[tuple[str, str, Callable[..., tuple[int, Any, dict[str, str]]]]] = [
    ("GET", "/user", _user),
    ("GET", r"REPO/issues/(\d+)/comments", _comments),
    ("POST", r"REPO/issues/(\d+)/comments", _create),
    ("PATCH", r"REPO/issues/comments/(\d+)", _update),
    ("GET", "REPO/pulls", _pulls),
    ("GET", r"REPO/pulls/(\d+)", _pull),
    ("GET", r"REPO/actions/runs/(\d+)/artifacts", _artifacts),
    ("GET", r"REPO/actions/artifacts/(\d+)/zip", _zip),
    ("GET", r"REPO/collaborators/([\w-]+)/permission", _permission),
    ("GET", r"REPO/actions/workflows/([\w.-]+)/runs", _runs),
    ("POST", r"REPO/actions/runs/(\d+)/rerun", _rerun),
]


# HTTP ----------------------------------------------------------------------------------------------------------------


def _handler(server: Github) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            with suppress(ConnectionError):
                super().handle_one_request()

        def _serve(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            where = urlsplit(self.path)
            body = json.loads(content) if content else None
            asked = Asked(self.command, where.path, dict(parse_qsl(where.query)), dict(self.headers.items()), body)
            try:
                status, answer, headers = server.answer(asked)
            except RefusalError as error:
                status, answer, headers = error.status, {"message": str(error), "status": str(error.status)}, {}
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _serve

        def log_message(self, *_arguments: object) -> None:
            """Silent: the test output is for the tests."""

    return Handler


class Elsewhere(Github):
    """Another host, which keeps the artifacts and must not see the token."""

    def __init__(self, github: Github) -> None:
        super().__init__()
        self.github = github

    def answer(self, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        self.asked.append(asked)
        if "Authorization" in asked.headers:
            raise RefusalError(400, "InvalidAuthenticationInfo")
        match = re.fullmatch(r"/kept/(\d+)", asked.path)
        if match is None or asked.query.get("sig") != "secret-signature":
            raise RefusalError(404, "Not Found")
        return 200, self.github.artifacts[int(match[1])]["content"], {}


@contextmanager
def running(server: Github) -> Iterator[Github]:
    """The server in a thread of its own."""
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.http.shutdown()
        server.http.server_close()
        thread.join()
