"""One training of 1,000 rows, read five ways: the curve is the same to the bit."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.integration.wandb_standin.children import account, child, hermetic_environment
from tests.integration.wandb_standin.server import Standin, standin

ROWS = 1000
WRITER = f"""
import math, sys, wandb
run = wandb.init(
    project="bench", id=sys.argv[1], mode=sys.argv[2], tags=["v1"], group="g",
    config={{"env_id": "Hopper-v4", "seed": 7, "learning_rate": 3e-4}},
    settings=wandb.Settings(x_disable_stats=True, console="off", quiet=True),
)
run.define_metric("*", step_metric="global_step")
odd = {{10: math.nan, 11: math.inf, 12: -math.inf, 13: -0.0, 14: 1e300, 15: 0.1 + 0.2}}
for k in range({ROWS}):
    row = {{"global_step": 2048 * k, "charts/SPS": 1000 + k}}
    if k % 3:
        row["charts/episodic_return"] = odd.get(k, k / 7)
    run.log(row)
run.finish()
"""
READER = """
import json, sys
from pathlib import Path
from rlops.curves import Loader, Store, parse_reference

(history,) = Loader(Store(Path(sys.argv[1]))).histories(parse_reference(sys.argv[2]))
curves = {key: history.curve(key, "global_step").sha256() for key in ("charts/episodic_return", "charts/SPS")}
points = int(history.curve("charts/episodic_return", "global_step").steps.size)
print(json.dumps({
    "curves": curves, "points": points, "state": history.state, "incomplete": history.incomplete,
    "config": history.config, "tags": history.tags, "group": history.group,
}))
"""


def read(folder: Path, reference: str, server: Standin) -> dict[str, Any]:
    environment = hermetic_environment(folder, **account(server.url))
    return json.loads(child(READER, environment, str(folder / "store"), reference).stdout)


def export(server: Standin, name: str) -> None:
    """What W&B does with a history some hours after the run's end: null for a missing key, NaN itself."""
    run, file = server.run(name), io.BytesIO()
    keys = dict.fromkeys(key for row in run.rows for key in row)
    pq.write_table(pa.table({key: [row.get(key) for row in run.rows] for key in keys}), file)
    run.parquet, run.heartbeat_at = file.getvalue(), "2030-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    found = {}
    with standin() as server:
        online, offline = tmp_path_factory.mktemp("online"), tmp_path_factory.mktemp("offline")
        child(WRITER, hermetic_environment(online, **account(server.url)), "online", "online")
        child(WRITER, hermetic_environment(offline, **account(server.url)), "offline", "offline")
        found["an online file"] = read(online, f"dir:{online / 'wandb'}", server)
        found["an offline file"] = read(offline, f"dir:{offline / 'wandb'}", server)
        found["the API"] = read(online, "wandb:team/bench", server)
        (directory,) = (offline / "wandb").glob("offline-run-*")
        sync = "import sys; from wandb.cli.cli import cli; cli(['sync', sys.argv[1]])"
        child(sync, hermetic_environment(offline, **account(server.url)), str(directory))
        export(server, "online")
        del server.runs["team/bench/online"]  # the two in turn: each reader expects one run
        found["the API after wandb sync"] = read(offline, "wandb:team/bench", server)
        export(server, "offline")
        found["the API over exports"] = read(offline, "wandb:team/bench", server)
    return found


@pytest.mark.parametrize("way", ["an online file", "the API", "the API after wandb sync", "the API over exports"])
def test_every_way_gives_the_same_run(ways: dict[str, dict[str, Any]], way: str) -> None:
    first = ways["an offline file"]
    assert (first["points"], first["state"], first["incomplete"]) == (666, "finished", None)
    assert ways[way] == first
