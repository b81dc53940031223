"""Runs of a W&B project, through the public API of the user's own client."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from rlops.curves.filters import Labels, as_mongo
from rlops.curves.history import Column, RunHistory, columns_of
from rlops.curves.learning_curve import State
from rlops.curves.references import Reference
from rlops.curves.sources.source import Listing
from rlops.errors import UsageError
from rlops.strangers import without_secrets

if TYPE_CHECKING:  # importing wandb takes half a second, which `rlops --help` must not cost
    import wandb
    from wandb.apis.public import Run

T = TypeVar("T")

RUNS_A_PAGE = 100
ROWS_A_PAGE = 10_000
LARGEST_PAGE = 2**31 - 1
"""The server takes the page size as a GraphQL Int."""

STATES: Mapping[str, State] = {"finished": "finished", "failed": "failed", "crashed": "crashed", "killed": "crashed"}
"""What W&B says of runs that ended; every other word (running, pending, preempting...) is of one that may go on."""


@dataclass
class WandbProject:
    """The runs of `wandb:ENTITY/PROJECT?...` that pass its filters.

    After `patience` seconds without an answer it gives up; the client itself would at times try for ever. Every method
    raises UsageError where W&B cannot be reached, refuses the key or has no such project. It never asks for a key.
    """

    reference: Reference
    patience: int = 60
    _host: str = field(default="the W&B server", init=False)
    _runs: dict[str, "Run"] = field(default_factory=dict, init=False, repr=False)

    def list_runs(self) -> Sequence[Listing]:
        """The runs there are now, oldest first: one request for every 100 of them, and one to sign in."""
        entity, project = _entity_and_project(self.reference)
        found: list[Run] = []

        def ask() -> None:
            api = self._connect()
            wanted = as_mongo(self.reference.run_filters())
            found.extend(api.runs(f"{entity}/{project}", wanted, per_page=RUNS_A_PAGE, lazy=False))

        self._bounded(self.reference.text, ask, lambda: len(found))
        self._runs = {f"{self._host}/{entity}/{project}/{run.id}/{run.created_at}": run for run in found}
        return [Listing(identity, _version(run), _labels(run)) for identity, run in self._runs.items()]

    def fetch(self, listing: Listing) -> RunHistory:
        """The run with its complete history; `incomplete` says it where rows and W&B's own counts disagree.

        An incomplete run gets another version than was listed, so that the next pull reads it again.
        """
        run = self._runs[listing.identity]
        rows: list[Mapping[str, object]] = []
        where = f"{self.reference.text}: run {run.id}"
        last_step = self._bounded(where, lambda: _read_into(rows, run), lambda: len(rows))
        state, columns, labels = STATES.get(run.state, "running"), columns_of(rows), _labels(run)
        incomplete = _rows_missing(len(rows), _line_count(run), state) or _end_missing(columns.get("_step"), last_step)
        return RunHistory(
            identity=listing.identity,
            version=f"{listing.version};incomplete" if incomplete else listing.version,
            state=state,
            config=labels.config,
            columns=columns,
            source=f"wandb:{run.entity}/{run.project}/runs/{run.id}",
            url=run.url if re.match(r"https?://", run.url) else None,
            started_at=run.created_at,
            minutes=_minutes(run),
            incomplete=incomplete,
            tags=labels.tags,
            group=labels.group,
            user=labels.user,
        )

    def _connect(self) -> "wandb.Api":
        """A new Api object: one remembers the runs it has listed. Silent, or it would ask for a key at a terminal."""
        import wandb

        self._host = wandb.setup(wandb.Settings(silent=True)).settings.base_url
        return wandb.Api(timeout=self.patience)

    def _bounded(self, where: str, call: Callable[[], T], progress: Callable[[], int]) -> T:
        try:
            return _within(self.patience, call, progress)
        except Exception as error:
            explanation = self._explained(error)
            if explanation is None:
                raise
            raise UsageError(f"{where}: {explanation}") from error

    def _explained(self, error: Exception) -> str | None:
        """What went wrong and the next thing to do; None for an error that is neither the server's nor the client's."""
        from wandb.errors import AuthenticationError
        from wandb.errors import UsageError as NoKeyError

        status = _http_status(error)
        if isinstance(error, NoKeyError):
            return f"there is no API key for {self._host}; run `wandb login` or set WANDB_API_KEY"
        if isinstance(error, TimeoutError) or "did not respond in time" in str(error):
            return (
                f"no answer from {self._host} in {self.patience} s; check the network and WANDB_BASE_URL, or try again"
            )
        if status == 401 or (isinstance(error, AuthenticationError) and error.__cause__ is None):
            return f"{self._host} does not accept the API key; run `wandb login --relogin` or set WANDB_API_KEY"
        if status == 403:
            return f"{self._host} does not let this API key in (HTTP 403); check ENTITY/PROJECT and whose key it is"
        if status == 404 or "Could not find project" in str(error):
            return f"{self._host} has no such project; check ENTITY/PROJECT and the server (WANDB_BASE_URL)"
        if type(error).__module__.startswith("wandb"):
            return f"{self._host} answered: {_redacted(str(error))}; try again, or look at `wandb status`"
        return None


def _entity_and_project(reference: Reference) -> list[str]:
    if not re.fullmatch(r"[^/]+/[^/]+", reference.target):
        raise UsageError(f"{reference.text}: a W&B project is named wandb:ENTITY/PROJECT, not '{reference.target}'")
    return reference.target.split("/")


def _version(run: "Run") -> str:
    """What changes when the run's history may have; of what can be edited in the browser see `_labels`."""
    return f"{run.state};{run.heartbeat_at};{run.historyLineCount}"


def _labels(run: "Run") -> Labels:
    config = {key: value for key, value in run.config.items() if not key.startswith("_")}
    # As a stored run has it: what differs would be written again at every pull.
    return Labels(without_secrets(config), tuple(run.tags or ()), run.group, run.user.username if run.user else None)


def _minutes(run: "Run") -> float | None:
    timing = run.summary_metrics.get("_wandb")
    seconds = timing.get("runtime") if isinstance(timing, dict) else None
    return seconds / 60 if isinstance(seconds, int | float) else None


def _line_count(run: "Run") -> int:
    return run.historyLineCount or 0


def _read_into(rows: list[Mapping[str, object]], run: "Run") -> int:
    """Append every row of the history. Returns the last _step that W&B knows of, -1 where there is none.

    The client pages by _step: pages of a fixed width would be thousands where steps are far apart.
    """
    listed_last = (run.historyKeys or {}).get("lastStep", -1)
    width = math.ceil(ROWS_A_PAGE * (listed_last + 1) / max(_line_count(run), 1))
    scan = run.scan_history(page_size=min(max(1_000, width), LARGEST_PAGE), use_cache=False)
    rows.extend(scan)
    return scan.max_step


def _rows_missing(read: int, line_count: int, state: State) -> str | None:
    """A running run may have grown since it was listed."""
    if read == line_count or (read > line_count and state == "running"):
        return None
    return f"{read} rows of history could be read, W&B counts {line_count}"


def _end_missing(steps: Column | None, last_step: int) -> str | None:
    last = int(steps.values.max()) if steps else -1
    return None if last == last_step else f"the history ends at _step {last}, W&B knows of _step {last_step}"


def _within(seconds: float, call: Callable[[], T], progress: Callable[[], int]) -> T:
    """The result of `call`. Raises TimeoutError once `progress` has stood still for `seconds`."""
    future: Future[T] = Future()
    Thread(target=_settle, args=(future, call), daemon=True).start()
    before = 0
    while True:
        try:
            return future.result(seconds)
        except TimeoutError:
            if future.done() or progress() == before:
                raise
            before = progress()


def _settle(future: Future[T], call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 it is raised where the result is awaited
        future.set_exception(error)


def _causes(error: BaseException | None) -> Iterable[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _http_status(error: Exception) -> int | None:
    """The status the server answered with; the client keeps it in one of the causes, in a class of a private module."""
    responses = (getattr(cause, "response", None) for cause in _causes(error))
    return next((status for status in (getattr(one, "http_status", None) for one in responses) if status), None)


def _redacted(text: str) -> str:
    """Without anything as long as an API key, whoever put it there."""
    return re.sub(r"[\w-]{40,}", "[redacted]", text)
