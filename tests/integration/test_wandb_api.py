"""Runs written by the real client and read back by it, both in child processes, through a stand-in for the server."""

import copy
import io
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rlops.curves.filters import as_mongo
from rlops.curves.references import parse_reference
from tests.integration.wandb_standin.bench import METRIC, PROJECT, Bench
from tests.integration.wandb_standin.children import child
from tests.integration.wandb_standin.server import StoredRun, standin

if TYPE_CHECKING:
    from collections.abc import Callable

WRITER = """
import math, wandb

quiet = wandb.Settings(x_disable_stats=True, console="off", quiet=True)

def start(name, seed, tags, **config):
    config = {"env_id": "Hopper-v4", "exp_name": "ppo", "seed": seed, "_private": 1, **config}
    where = {"project": "bench", "id": name, "group": "pr", "reinit": "create_new", "settings": quiet}
    run = wandb.init(tags=tags, config=config, **where)
    run.define_metric("*", step_metric="global_step")
    return run

def row(k):
    odd = {100: math.nan, 102: math.inf, 104: -math.inf}
    step = 2048 * (k + k // 100)
    if k % 2:
        return {"losses/value_loss": k / 7, "global_step": step}
    return {"charts/episodic_return": odd.get(k, k / 3), "global_step": step}

long = start("long", 1, ["pr-12", "v1"], num_envs=4, learning_rate=3e-4, anneal=True)
for k in range(1600):
    long.log(row(k))
long.finish()

apart = start("apart", 2, ["pr-12"], num_envs=8)
for k in range(0, 20, 2):
    apart.log(row(k), step=2048 * k)
apart.finish()

broken = start("broken", 3, ["main"], exp_name="dqn", num_envs=4)
broken.log(row(0))
broken.finish(exit_code=1)
"""


@dataclass
class Written:
    """Three runs that the real client wrote, and what it tells of them, by seed, when they are read back."""

    bench: Bench
    api: dict[int, dict[str, Any]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    with standin() as server:
        bench = Bench(server, tmp_path_factory.mktemp("written"))
        child(WRITER, bench.environment())
        server.run("long").summary["_wandb"]["runtime"] = 90
        (runs,) = bench.read_all(PROJECT, rows_a_page=500)
    return Written(bench, {run["seed"]: run for run in runs})


@pytest.fixture
def bench(empty: Bench, written: Written) -> Bench:
    empty.server.runs = copy.deepcopy(written.bench.server.runs)
    empty.server.projects.add("team/bench")
    return empty


def test_a_run_read_through_the_api_equals_the_file_the_client_wrote_of_it(written: Written) -> None:
    same = ("state", "config", "incomplete", "group", "seed", "points", "sha256")
    assert [run["points"] for run in written.api.values()] == [800, 10, 1]
    assert [run["state"] for run in written.api.values()] == ["finished", "finished", "failed"]
    (files,) = written.bench.read_all(f"dir:{written.bench.folder / 'wandb'}")
    assert len(files) == 3
    for file in files:
        run = written.api[file["seed"]]
        assert [run[name] for name in same] == [file[name] for name in same]
        assert set(run["tags"]) == set(file["tags"])


def test_the_facts_of_a_run(written: Written) -> None:
    run, url = written.api[1], written.bench.server.url
    created = written.bench.server.run("long").created_at
    assert run["identity"] == f"{url}/team/bench/long/{created}"
    assert run["config"] == {
        "env_id": "Hopper-v4",
        "exp_name": "ppo",
        "seed": 1,
        "num_envs": 4,
        "learning_rate": 3e-4,
        "anneal": True,
    }
    assert run["url"] == f"{url}/team/bench/runs/long"
    assert (run["started_at"], run["minutes"], run["group"]) == (created, 1.5, "pr")
    assert (run["tags"], run["incomplete"]) == (["pr-12", "v1"], None)


def test_what_reading_costs(written: Written) -> None:
    """To sign in, to list, and for each run two requests about its history beside the pages."""
    requests = {name: written.bench.server.requests[name] for name in ("Viewer", "Runs", "Run", "RunHistoryKeys")}
    assert requests == {"Viewer": 1, "Runs": 1, "Run": 0, "RunHistoryKeys": 3}
    assert [step for run, step in written.bench.pages() if run == "long"] == [0, 1000]


def test_the_stand_in_holds_rows_as_they_were_logged(written: Written) -> None:
    rows = written.bench.server.run("long").rows
    assert len(rows) == 1600
    assert [math.isnan(rows[k][METRIC]) for k in (100, 102)] == [True, False]


def test_filters(bench: Bench) -> None:
    bench.server.run("broken").username = "other"
    bench.server.run("apart").config["seed"]["value"] = "2"  # a trainer that passed its arguments on as texts
    wanted = {
        "": ["long", "apart", "broken"],
        "?tag=pr-12": ["long", "apart"],
        "?tag=v1,main": ["long", "broken"],
        "?group=pr&seed=1-2": ["long", "apart"],
        "?seed=1,3": ["long", "broken"],
        "?num_envs=4": ["long", "broken"],
        "?num_envs=4.0&exp_name=ppo": ["long"],
        "?learning_rate=0.0003": ["long"],
        "?learning_rate=3e-4": ["long"],
        "?anneal=True": ["long"],
        "?exp_name=ppo,dqn&state=failed": ["broken"],
        "?user=someone": ["long", "apart"],
        "?exp_name=sac": [],
    }
    found = bench.read_all(*[PROJECT + query for query in wanted])
    assert [[run["source"].rpartition("/")[2] for run in runs] for runs in found] == list(wanted.values())


RESUMER = """
import wandb

quiet = wandb.Settings(x_disable_stats=True, console="off", quiet=True)
with wandb.init(project="bench", id="long", resume="must", settings=quiet) as run:
    for k in range(10):
        run.log({"charts/episodic_return": float(k), "global_step": 10_000_000 + k})
"""


def test_a_resumed_run_is_fetched_again_with_all_its_rows(bench: Bench) -> None:
    before = bench.read()
    child(RESUMER, bench.environment())
    after = bench.read()
    assert (before["long"]["points"], after["long"]["points"]) == (800, 810)
    assert after["long"]["identity"] == before["long"]["identity"]
    assert (after["long"]["incomplete"], after["long"]["config"]) == (None, before["long"]["config"])
    assert {name: run for name, run in after.items() if name != "long"} == {
        name: run for name, run in before.items() if name != "long"
    }


def export(run: StoredRun, year: int) -> None:
    """What W&B does with a history some hours after the run's end."""
    file = io.BytesIO()
    keys = dict.fromkeys(key for row in run.rows for key in row)
    pq.write_table(pa.table({key: [row.get(key) for row in run.rows] for key in keys}), file)
    run.parquet, run.heartbeat_at = file.getvalue(), f"{year}-01-01T00:00:00Z"


def test_exported_history_gives_the_same_curve_as_live_history(bench: Bench) -> None:
    """Exported rows hold null for a missing key and NaN itself; live ones leave the key out and spell NaN."""
    live = bench.read()["long"]
    export(bench.server.run("long"), 2030)
    before = len(bench.server.asked)
    exported = bench.read()["long"]
    assert exported["version"] != live["version"]
    assert exported | {"version": ""} == live | {"version": ""}
    assert bench.pages(before) == []


def test_exported_history_is_not_taken_from_the_clients_cache_of_an_older_export(empty: Bench) -> None:
    run = empty.add("run", range(3))
    export(run, 2030)
    assert empty.read()["run"]["points"] == 3
    run.rows.append({"_step": 3, "global_step": 3, METRIC: 1.0})
    export(run, 2031)
    again = empty.read()["run"]
    assert (again["points"], again["incomplete"]) == (4, None)


def test_filters_as_they_are_sent() -> None:
    reference = parse_reference("wandb:team/bench?tag=a,b&user=me&seed=1-2&env_id=Hopper-v4,1e3,nan&anneal=true")
    seeds = {"$or": [{"config.seed.value": {"$in": [1, 2]}}, {"config.seed.value": {"$in": ["1", "2"]}}]}
    environments = [[1000.0], ["Hopper-v4", "1e3", "nan"]]
    anneal = [[True], ["true"]]
    assert as_mongo(reference.run_filters()) == {
        "$and": [
            {"tags": {"$in": ["a", "b"]}},
            {"username": {"$in": ["me"]}},
            seeds,
            {"$or": [{"config.env_id.value": {"$in": values}} for values in environments]},
            {"$or": [{"config.anneal.value": {"$in": values}} for values in anneal]},
        ]
    }
    assert as_mongo(parse_reference("wandb:team/bench").run_filters()) == {}


def test_how_runs_end(empty: Bench) -> None:
    words = {"finished": "finished", "failed": "failed", "crashed": "crashed", "killed": "crashed"}
    words |= dict.fromkeys(("running", "pending", "preempting", "preempted"), "running")
    for word in words:
        empty.add(word, range(3), state=word)
    assert {name: run["state"] for name, run in empty.read().items()} == words


def test_listing_costs_a_request_a_page_and_an_unchanged_run_no_more(empty: Bench) -> None:
    for name in ("a", "b", "c"):
        empty.add(name, range(3))
    empty.server.page_of_runs = 2
    first = empty.read()
    empty.server.requests.clear()
    assert empty.read() == first
    assert empty.server.requests == {"Viewer": 1, "Runs": 2}


def test_only_changed_runs_are_fetched_again(empty: Bench) -> None:
    edits: dict[str, Callable[[StoredRun], object]] = {
        "unchanged": lambda run: None,
        "tag": lambda run: run.tags.append("v2"),
        "config": lambda run: run.config.update(num_envs={"value": 2}),
        "state": lambda run: setattr(run, "state", "failed"),
        "heartbeat": lambda run: setattr(run, "heartbeat_at", "2030-01-01T00:00:00Z"),
        "rows": lambda run: run.rows.append({"_step": 3, "global_step": 3, METRIC: 1.0}),
    }
    added = {name: empty.add(name, range(3)) for name in edits}
    empty.read()
    for name, run in added.items():
        edits[name](run)
    before = len(empty.server.asked)
    assert {name: run["points"] for name, run in empty.read().items()} == {**dict.fromkeys(edits, 3), "rows": 4}
    assert {run for run, _ in empty.pages(before)} == {"state", "heartbeat", "rows"}


def test_a_changed_tag_or_setting_costs_no_history_and_counts_from_now_on(empty: Bench) -> None:
    run = empty.add("run", range(3))
    first = empty.read()["run"]
    run.tags.append("v2")
    run.config.update(num_envs={"value": 2})
    before = len(empty.server.asked)
    again = empty.read(f"{PROJECT}?tag=v2&num_envs=2")["run"]
    assert (again["tags"], again["config"]["num_envs"]) == (["v2"], 2)
    assert (again["version"], again["sha256"]) == (first["version"], first["sha256"])
    assert [name for name, _ in empty.server.asked[before:]] == ["Viewer", "Runs"]


class Ahead(StoredRun):
    last_step = 99


def test_lost_rows_make_a_run_incomplete_until_they_are_found(empty: Bench) -> None:
    empty.server.page_of_rows = 8
    empty.add("whole", range(5))
    lost = empty.add("lost", range(5), lines_lost=3)
    short = empty.add("short", range(5))
    empty.server.runs[short.path] = Ahead(**vars(short))
    empty.add("cut", range(10))
    empty.add("grew", range(5), lines_lost=-2)
    empty.add("growing", range(5), lines_lost=-2, state="running")
    assert {name: run["incomplete"] for name, run in empty.read().items()} == {
        "whole": None,
        "lost": "5 rows of history could be read, W&B counts 8",
        "short": "the history ends at _step 4, W&B knows of _step 99",
        "cut": "8 rows of history could be read, W&B counts 10",
        "grew": "5 rows of history could be read, W&B counts 3",
        "growing": None,
    }
    lost.lines_lost, before = 0, len(empty.server.asked)
    assert empty.read(f"{PROJECT}?seed=9")["lost"]["incomplete"] is None
    assert {run for run, _ in empty.pages(before)} == {"lost", "short", "cut", "grew"}


def test_pages_follow_the_rows_not_the_steps(empty: Bench) -> None:
    steps = {"dense": range(25_000), "apart": range(0, 998_000, 1996), "farther": [0, 1, 50_000_000_000], "empty": []}
    for name, at in steps.items():
        empty.add(name, at)
    runs = empty.read()
    assert {name: (run["points"], run["incomplete"]) for name, run in runs.items()} == {
        name: (len(at), None) for name, at in steps.items()
    }
    requests = Counter(run for run, _ in empty.pages())
    assert requests == {"dense": 3, "apart": 1, "farther": 24}  # no page can be wider than 2**31 - 1
