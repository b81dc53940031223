"""What a user is told where the server refuses, breaks down or is not there, and what is tried again."""

import json
import os
import pty
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest

from rlops.curves.references import parse_reference
from rlops.curves.sources.wandb_api import WandbProject, _within
from rlops.errors import UsageError
from tests.integration.wandb_standin.bench import PROJECT, READER, Bench
from tests.integration.wandb_standin.children import child, hermetic_environment
from tests.integration.wandb_standin.server import API_KEY, Fault, Standin, standin


def test_no_key(empty: Bench) -> None:
    said = empty.refused(WANDB_API_KEY="")
    assert said.startswith(f"{PROJECT}: there is no API key for {empty.server.url}; run `wandb login`")


def test_no_key_at_a_terminal_is_no_invitation_to_ask_for_one(empty: Bench) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", READER, str(empty.folder / "store"), "20", "10000", PROJECT]
    terminal = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    environment = empty.environment(WANDB_API_KEY="", TERM="xterm")
    done = subprocess.run(command, env=environment, cwd=empty.folder, timeout=60, check=False, **terminal)
    os.close(theirs)
    said = os.read(ours, 10_000).decode()
    os.close(ours)
    assert said.startswith(f"{PROJECT}: there is no API key")
    assert done.returncode == 2


def test_a_wrong_key(empty: Bench) -> None:
    for key in ("local-" + "1" * 40, "short"):
        said = empty.refused(WANDB_API_KEY=key)
        assert f"{empty.server.url} does not accept the API key; run `wandb login --relogin`" in said
        assert key not in said


def test_a_project_one_may_not_see(empty: Bench) -> None:
    empty.server.refusals["Runs"] = (403, "permission denied")
    assert "does not let this API key in (HTTP 403); check ENTITY/PROJECT" in empty.refused()


def test_an_unknown_project(empty: Bench) -> None:
    said = empty.refused("wandb:team/bensh?tag=pr-12")
    assert said.startswith(f"wandb:team/bensh?tag=pr-12: {empty.server.url} has no such project; check ENTITY/PROJECT")


def test_any_other_refusal_is_passed_on_without_what_may_be_a_key(empty: Bench) -> None:
    empty.server.refusals["Runs"] = (400, f"filters of {API_KEY} are odd")
    assert "answered: filters of [redacted] are odd; try again" in empty.refused()


@pytest.mark.parametrize("operation", ["Viewer", "Runs", "HistoryPage"])
def test_a_server_that_never_answers(empty: Bench, operation: str) -> None:
    empty.add("run", range(3))
    empty.server.mute.add(operation)
    started = time.monotonic()
    patience = 6 if operation == "HistoryPage" else 2  # on a busy machine the client itself takes seconds to start
    said = empty.refused(patience=patience)
    assert time.monotonic() - started < 45
    assert f"no answer from {empty.server.url} in {patience} s; check the network" in said
    assert (": run run:" in said) == (operation == "HistoryPage")


def test_a_server_that_is_not_there(empty: Bench) -> None:
    said = empty.refused(patience=2, WANDB_BASE_URL="http://127.0.0.1:9")
    assert "no answer from http://127.0.0.1:9 in 2 s; check the network and WANDB_BASE_URL" in said


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(429)],
        [Fault(429, retry_after=1), Fault(429, retry_after=1)],
        [Fault(500), Fault(502), Fault(503)],
        [Fault(drop=True), Fault(drop=True)],
        [Fault(seconds=3)],
    ],
    ids=["429", "429 and a time to wait", "5xx", "dropped", "slow"],
)
def test_what_goes_wrong_for_a_while_is_tried_again(empty: Bench, faults: list[Fault]) -> None:
    for name in ("a", "b"):
        empty.add(name, range(2500))
    empty.server.faults = {"Runs": list(faults), "HistoryPage": list(faults)}
    runs = empty.read(patience=60)
    assert {name: (run["points"], run["incomplete"]) for name, run in runs.items()} == {
        "a": (2500, None),
        "b": (2500, None),
    }
    assert not any(empty.server.faults.values())


@pytest.mark.parametrize("status", [429, 503])
def test_what_goes_wrong_for_ever_has_an_end(empty: Bench, status: int) -> None:
    empty.add("run", range(3))
    empty.server.refusals["HistoryPage"] = (status, "no")
    started = time.monotonic()
    said = empty.refused(patience=8)
    assert time.monotonic() - started < 60
    assert f"no answer from {empty.server.url} in 8 s" in said


def test_one_page_cut_short_is_noticed_and_read_again_the_next_time(empty: Bench) -> None:
    empty.add("run", range(50))
    empty.server.page_of_rows = 20
    assert empty.read()["run"]["incomplete"] == "20 rows of history could be read, W&B counts 50"
    empty.server.page_of_rows = 20_000
    assert (empty.read()["run"]["incomplete"], empty.read()["run"]["points"]) == (None, 50)


def test_no_more_than_eight_requests_at_once(empty: Bench) -> None:
    for number in range(30):
        empty.add(f"run{number}", range(3))
    empty.server.faults["HistoryPage"] = [Fault(seconds=0.3)] * 30
    assert len(empty.read()) == 30
    assert 2 <= empty.server.most_at_once <= 8


def test_what_makes_progress_may_take_longer_than_the_patience() -> None:
    ticks: list[int] = []

    def slow() -> str:
        for tick in range(6):
            time.sleep(0.1)
            ticks.append(tick)
        return "done"

    assert _within(0.3, slow, lambda: len(ticks)) == "done"
    with pytest.raises(TimeoutError):
        _within(0.3, lambda: time.sleep(1.5), lambda: 0)


@pytest.mark.parametrize("target", ["bench", "team/bench/runs", "team/"])
def test_a_project_is_named_with_its_entity(target: str) -> None:
    with pytest.raises(UsageError, match=f"named wandb:ENTITY/PROJECT, not '{target}'"):
        WandbProject(parse_reference(f"wandb:{target}")).list_runs()


def test_seeds_are_numbers() -> None:
    with pytest.raises(UsageError, match="'x' is not a list of seeds"):
        parse_reference("wandb:team/bench?seed=x").run_filters()


def test_the_client_is_imported_only_when_it_is_needed(tmp_path: Path) -> None:
    script = "import sys, rlops.curves.sources.wandb_api; print('wandb' in sys.modules)"
    assert child(script, hermetic_environment(tmp_path)).stdout == "False\n"


# The stand-in itself -------------------------------------------------------------------------------------------------


def post(server: Standin, query: str) -> None:
    request = urllib.request.Request(f"{server.url}/graphql", json.dumps({"query": query}).encode())  # noqa: S310
    request.add_header("Authorization", "Basic YXBpOmxvY2FsLTAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA=")
    urllib.request.urlopen(request).close()  # noqa: S310


def test_the_stand_in_does_not_forgive_an_operation_it_does_not_know() -> None:
    with pytest.raises(AssertionError, match="QueryFromTheFuture"), standin() as server, pytest.raises(HTTPError):
        post(server, "query QueryFromTheFuture { future }")
