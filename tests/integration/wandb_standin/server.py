"""A stand-in for the part of the W&B protocol that the client 0.31 uses to write runs and to read them back.

Standard library only, loopback only, everything in memory: `server.runs` holds what the real client sent, as it sent
it. It is a reading of the protocol and not W&B: sampling, rate limits and export delays are not proven by it. An
operation it does not know is answered with an error and kept in `server.unknown_operations`, so that a new client
cannot drift unnoticed: the fixture that starts it asserts that the list is empty.
"""

import base64
import binascii
import gzip
import json
import math
import re
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.integration.wandb_standin.artifacts import ARTIFACTS, StoredArtifact

ENTITY = "team"
API_KEY = "local-" + "0" * 40

Json = dict[str, Any]


class RequestError(Exception):
    """What is answered instead of data: an HTTP status and a text."""

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}


class DroppedError(Exception):
    """The connection is closed without an answer."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request: after so many `seconds` it is refused, dropped, or answered all the same."""

    status: int | None = None
    retry_after: int | None = None
    drop: bool = False
    seconds: float = 0.0

    def happen(self) -> None:
        time.sleep(self.seconds)
        if self.drop:
            raise DroppedError
        if self.status is not None:
            raise RequestError(self.status, f"injected {self.status}", self.retry_after)


@dataclass
class StoredRun:
    """One run as the client told it. `rows` are the history lines; `lines_lost` makes the counts disagree with them."""

    entity: str
    project: str
    name: str
    config: Json = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    group: str | None = None
    job_type: str | None = None
    state: str = "running"
    display_name: str = ""
    rows: list[Json] = field(default_factory=list)
    summary: Json = field(default_factory=dict)
    created_at: str = field(default_factory=lambda: _now())
    heartbeat_at: str = field(default_factory=lambda: _now())
    username: str = "someone"
    lines_lost: int = 0
    parquet: bytes | None = None

    @property
    def path(self) -> str:
        return f"{self.entity}/{self.project}/{self.name}"

    @property
    def line_count(self) -> int:
        return len(self.rows) + self.lines_lost

    @property
    def last_step(self) -> int:
        return max((row["_step"] for row in self.rows), default=-1)

    def between(self, first: int, stop: int) -> list[Json]:
        """The rows with first <= _step < stop."""
        return [row for row in self.rows if first <= row["_step"] < stop]

    def node(self) -> Json:
        """Every field of the client's RunFragment."""
        return {
            "id": self.path,
            "name": self.name,
            "displayName": self.display_name,
            "projectId": "1",
            "tags": self.tags,
            "group": self.group,
            "state": self.state,
            "config": json.dumps(self.config),
            "createdAt": self.created_at,
            "heartbeatAt": self.heartbeat_at,
            "historyLineCount": self.line_count,
            "historyKeys": self.history_keys(),
            "summaryMetrics": json.dumps(self.summary),
            "systemMetrics": "{}",
            "user": {"name": self.username, "username": self.username},
            "readOnly": False,
            **dict.fromkeys(("sweepName", "jobType", "commit", "description", "notes")),
        }

    def history_keys(self) -> Json:
        keys = {key: {"typeCounts": [{"type": "number", "count": 1}]} for row in self.rows for key in row}
        return {"sets": [], "keys": keys, "lastStep": self.last_step}

    def field(self, path: str) -> Any:
        """What a filter calls `path`: tags, state, group, username, config.KEY.value. Raises RequestError."""
        if path.startswith("config.") and path.endswith(".value"):
            return self.config.get(path.removeprefix("config.").removesuffix(".value"), {}).get("value")
        if path not in {"tags", "state", "group", "username"}:
            raise RequestError(400, f"the stand-in knows no filter on {path}")
        return getattr(self, path)


class Standin:
    """The server. `requests` counts requests by operation, `asked` has each with its variables, in order.

    Operations in `refusals` are answered with that HTTP status and text, those in `mute` never; `faults` happen to the
    next requests of an operation, one after the other. It lists at most `page_of_runs` runs at once, and gives at most
    `page_of_rows` rows. `most_at_once`: requests that were being answered at the same time.
    `uploads`: the content of every file, by its name.
    """

    def __init__(self) -> None:
        self.runs: dict[str, StoredRun] = {}
        self.requests: Counter[str] = Counter()
        self.unknown_operations: list[str] = []
        self.asked: list[tuple[str, Json]] = []
        self.projects: set[str] = set()
        self.refusals: dict[str, tuple[int, str]] = {}
        self.mute: set[str] = set()
        self.faults: dict[str, list[Fault]] = {}
        self.uploads: dict[str, bytes] = {}
        self.artifacts: list[StoredArtifact] = []
        self.at_once = self.most_at_once = 0
        self.page_of_runs = 100
        self.page_of_rows = 20_000
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.http = _Server(("127.0.0.1", 0), _handler(self))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    def run(self, name: str) -> StoredRun:
        """The only run with this id."""
        (found,) = [run for run in self.runs.values() if run.name == name]
        return found

    def graphql(self, body: Json) -> Json:
        """The data that answers one operation. Raises RequestError."""
        match = re.search(r"^\s*(?:query|mutation)\s+(\w+)", body["query"], re.MULTILINE)
        name, variables = (match[1] if match else "?"), body.get("variables") or {}
        with self.lock:
            self.requests[name] += 1
            self.asked.append((name, variables))
        self._guard(name)
        answer = OPERATIONS.get(name)
        if answer is None:
            self.unknown_operations.append(f"{name}: {body['query'][:300]}")
            raise RequestError(400, f"the stand-in knows no operation {name}")
        with self.lock:
            return answer(self, {**variables, "query": body["query"]})

    def _guard(self, operation: str) -> None:
        if operation in self.refusals:
            raise RequestError(*self.refusals[operation])
        if operation in self.mute:
            self.closing.wait()
        with self.lock:
            fault = self.faults[operation].pop(0) if self.faults.get(operation) else None
        if fault:
            fault.happen()

    def file_stream(self, path: str, body: Json) -> Json:
        """Lines of history and summary, and how the process ended."""
        with self.lock:
            self.requests["file_stream"] += 1
            run = self.runs[path]
            run.heartbeat_at = _now()
            for name, chunk in (body.get("files") or {}).items():
                _take(run, name, chunk["offset"], chunk["content"])
            if body.get("complete"):
                run.state = "finished" if body.get("exitcode") == 0 else "failed"
            return {"exitcode": None, "limits": {}}

    def found(self, variables: Mapping[str, Any]) -> StoredRun | None:
        """The run that an operation names, whichever of its spellings the operation uses."""
        name = variables.get("run") or variables.get("runName") or variables.get("name")
        return self.runs.get(f"{variables['entity']}/{variables['project']}/{name}")


@contextmanager
def standin() -> Iterator[Standin]:
    """A running stand-in; at the end no operation may have been unknown to it."""
    server = Standin()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.http.shutdown()
        server.http.server_close()
        thread.join()
    assert not server.unknown_operations, server.unknown_operations


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _take(run: StoredRun, name: str, offset: int, content: list[str]) -> None:
    if name == "wandb-history.jsonl":
        run.rows[offset:] = [json.loads(line) for line in content]
    elif name == "wandb-summary.json":
        run.summary = json.loads(content[-1])


# Answers to the operations -------------------------------------------------------------------------------------------


def _viewer(_server: Standin, _variables: Json) -> Json:
    teams = {"edges": [{"node": {"name": ENTITY}}]}
    who = {"id": "u1", "entity": ENTITY, "username": "someone", "name": "someone", "email": "", "admin": False}
    return {"viewer": {**who, "flags": "{}", "teams": teams}}


def _server_features(_server: Standin, _variables: Json) -> Json:
    return {"serverInfo": {"features": []}}


def _resume_status(server: Standin, variables: Json) -> Json:
    run = server.found(variables)
    project = {"id": "p1", "name": variables["project"], "entity": {"id": "e1", "name": variables["entity"]}}
    if run is None:
        return {"model": {**project, "bucket": None}}
    tail = json.dumps([json.dumps(row) for row in run.rows[-1:]])
    counts = {"historyLineCount": len(run.rows), "eventsLineCount": 0, "logLineCount": 0}
    tails = {"historyTail": tail, "eventsTail": "[]", "wandbConfig": '{"t": 1}'}
    return {"model": {**project, "bucket": {**run.node(), **counts, **tails}}}


def _upsert_bucket(server: Standin, variables: Json) -> Json:
    run = server.found(variables)
    inserted = run is None
    if run is None:
        run = StoredRun(variables["entity"], variables["project"], variables["name"])
        server.runs[run.path] = run
        server.projects.add(f"{run.entity}/{run.project}")
    run.state = variables.get("state") or "running"
    run.config = json.loads(variables["config"]) if variables.get("config") else run.config
    run.tags = variables.get("tags") or run.tags
    run.group = variables.get("groupName") or run.group
    run.job_type = variables.get("jobType") or run.job_type
    run.display_name = variables.get("displayName") or run.display_name or run.name
    project = {"id": "p1", "name": run.project, "entity": {"id": "e1", "name": run.entity}}
    return {"upsertBucket": {"bucket": {**run.node(), "project": project}, "inserted": inserted}}


def _create_run_files(server: Standin, variables: Json) -> Json:
    files = [{"name": name, "uploadUrl": f"{server.url}/upload/{name}"} for name in variables["files"]]
    return {"createRunFiles": {"runID": variables["run"], "uploadHeaders": [], "files": files}}


def _stopped_status(_server: Standin, _variables: Json) -> Json:
    return {"project": {"run": {"stopped": False}}}


def _runs(server: Standin, variables: Json) -> Json:
    path = f"{variables['entity']}/{variables['project']}"
    if path not in server.projects:
        return {"project": None}
    wanted = json.loads(variables.get("filters") or "{}")
    runs = [run for run in server.runs.values() if run.path.startswith(f"{path}/") and matches(run, wanted)]
    runs.sort(key=lambda run: run.created_at)
    start = int(variables.get("cursor") or 0)
    stop = start + min(variables["perPage"], server.page_of_runs)
    fields = set(re.findall(r"\w+", variables["query"]))  # the client asks for more of a run or for less
    nodes = [{key: value for key, value in run.node().items() if key in fields} for run in runs[start:stop]]
    edges = [{"node": node, "cursor": str(number)} for number, node in enumerate(nodes, start + 1)]
    page = {"endCursor": str(stop), "hasNextPage": stop < len(runs)}
    there = {"internalId": "1", "runCount": len(runs), "readOnly": False}
    return {"project": {**there, "runs": {"edges": edges, "pageInfo": page}}}


def _history_keys(server: Standin, variables: Json) -> Json:
    run = server.found(variables)
    return {"project": {"run": {"historyKeys": run.history_keys()} if run else None}}


def _parquet_history(server: Standin, variables: Json) -> Json:
    run = server.found(variables)
    if run is None:
        return {"project": {"run": None}}
    urls = [f"{server.url}/parquet/{run.path}"] if run.parquet else []
    return {"project": {"run": {"parquetHistory": {"parquetUrls": urls, "liveData": []}}}}


def _history_page(server: Standin, variables: Json) -> Json:
    if variables["pageSize"] >= 2**31:
        raise RequestError(400, "Int cannot represent non 32-bit signed integer value")
    run = server.found(variables)
    most = min(variables["pageSize"], server.page_of_rows)
    rows = run.between(variables["minStep"], variables["maxStep"])[:most] if run else []
    return {"project": {"run": {"history": [json.dumps(_without_bare_nan(row)) for row in rows]}}}


def _without_bare_nan(row: Json) -> Json:
    """W&B gives NaN and infinities back as texts."""
    odd = {key: value for key, value in row.items() if isinstance(value, float) and not math.isfinite(value)}
    return {**row, **{key: json.dumps(value) for key, value in odd.items()}}


OPERATIONS: Mapping[str, Callable[[Standin, Json], Json]] = {
    "Viewer": _viewer,
    "ServerFeaturesQuery": _server_features,
    "RunResumeStatus": _resume_status,
    "UpsertBucket": _upsert_bucket,
    "CreateRunFiles": _create_run_files,
    "RunStoppedStatus": _stopped_status,
    "Runs": _runs,
    "RunHistoryKeys": _history_keys,
    "RunParquetHistory": _parquet_history,
    "HistoryPage": _history_page,
    **ARTIFACTS,
}


# Filters -------------------------------------------------------------------------------------------------------------


def matches(run: StoredRun, wanted: Any) -> bool:
    """Does the run satisfy a Mongo-like filter of $and, $or, $in and equality? Raises RequestError for more."""
    return all(_holds(run, key, condition) for key, condition in wanted.items())


def _holds(run: StoredRun, key: str, condition: Any) -> bool:
    if key == "$and":
        return all(matches(run, part) for part in condition)
    if key == "$or":
        return any(matches(run, part) for part in condition)
    values = run.field(key)
    allowed = condition["$in"] if isinstance(condition, dict) and set(condition) == {"$in"} else [condition]
    if any(isinstance(value, dict) for value in allowed) or key.startswith("$"):
        raise RequestError(400, f"the stand-in knows no filter {key}: {condition}")
    return any(_same(value, one) for value in (values if key == "tags" else [values]) for one in allowed)


def _same(value: Any, other: Any) -> bool:
    """Numbers compare as numbers; a text is never equal to a number, nor a truth value to 1."""
    kinds = [
        bool if isinstance(item, bool) else float if isinstance(item, int | float) else type(item)
        for item in (value, other)
    ]
    return kinds[0] is kinds[1] and bool(value == other)


# HTTP ----------------------------------------------------------------------------------------------------------------


def _handler(server: Standin) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        standin = server

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error; any other would be a bug of the stand-in and shows as one."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    standin: Standin

    def do_POST(self) -> None:
        body = self._body()
        with self._counted():
            try:
                self._check_key()
                self._reply(200, self._posted(json.loads(body)))
            except RequestError as error:
                self._reply(error.status, {"errors": [{"message": str(error)}], "data": None}, error.headers)
            except DroppedError:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        server = self.standin
        with server.lock:
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
        try:
            yield
        finally:
            with server.lock:
                server.at_once -= 1

    def do_PUT(self) -> None:
        name = unquote(urlsplit(self.path).path).removeprefix("/upload/")
        self.standin.uploads[name] = self._body()
        self._reply(200, {})

    def do_GET(self) -> None:
        """Exported history: the whole file, or the range of it that the client asks for."""
        run = self.standin.runs.get(self.path.removeprefix("/parquet/"))
        content = run.parquet if run and run.parquet else b""
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        part = content[int(asked[1]) : int(asked[2]) + 1] if asked else content
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {asked[1]}-{int(asked[1]) + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)

    def _posted(self, body: Json) -> Json:
        path = unquote(urlsplit(self.path).path)
        if path == "/graphql":
            return {"data": self.standin.graphql(body)}
        match = re.fullmatch(r"/files/(.+)/file_stream", path)
        if not match or match[1] not in self.standin.runs:
            self.standin.unknown_operations.append(f"POST {path}")
            raise RequestError(404, f"the stand-in knows nothing at {path}")
        return self.standin.file_stream(match[1], body)

    def _check_key(self) -> None:
        _, _, encoded = self.headers.get("Authorization", "").partition(" ")
        with suppress(binascii.Error, UnicodeDecodeError):
            if base64.b64decode(encoded).decode() == f"api:{API_KEY}":
                return
        raise RequestError(401, "user is not logged in")

    def _body(self) -> bytes:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return gzip.decompress(content) if self.headers.get("Content-Encoding") == "gzip" else content

    def _reply(self, status: int, body: Json, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        content = json.dumps(body).encode()
        with suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Silent: the test output is for the tests."""
