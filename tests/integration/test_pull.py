"""`rlops pull` and what comes after it, as a user runs them: interrupted, repeated, without a network."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.integration.wandb_standin.server import API_KEY, Fault, StoredRun, standin
from tests.integration.wandb_standin.user import User

PROJECT = "wandb:team/bench"
BUDGET = 10_000


class Puller(User):
    """A user of a project."""

    def pages(self, since: int = 0) -> Counter[str]:
        """How many pages of history were asked for, of each run."""
        return Counter(values["run"] for name, values in self.server.asked[since:] if name == "HistoryPage")

    def stored(self) -> int:
        return len(list((self.folder / ".rlops" / "runs").glob("*.npz")))

    def add(self, name: str, seed: int, level: float, **fields: object) -> StoredRun:
        rows = [
            {"_step": i, "global_step": 100 * (i + 1), "charts/episodic_return": level * min(1.0, (i + 1) / 50)}
            for i in range(BUDGET // 100)
        ]
        config = {key: {"value": value} for key, value in {"env_id": "Hopper-v4", "seed": seed}.items()}
        run = StoredRun("team", "bench", name, rows=rows, config=config, state="finished", **fields)  # type: ignore[arg-type]
        self.server.runs[run.path] = run
        self.server.projects.add("team/bench")
        return run


@pytest.fixture
def user(tmp_path: Path) -> Iterator[Puller]:
    with standin() as server:
        user = Puller(server, tmp_path)
        user.add_benchmark(["Hopper-v4"])
        for seed in range(12):
            user.add(f"old{seed}", seed, 100 + 0.37 * seed, tags=["main"])
            user.add(f"new{seed}", seed, 60 + 0.41 * seed, tags=["pr-12"])
        yield user


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_what_has_come_when_it_is_stopped_is_kept(user: Puller, number: int, code: int) -> None:
    user.server.faults["HistoryPage"] = [Fault(seconds=0.4)] * 24
    process = user.start("pull", PROJECT)
    deadline = time.monotonic() + 60
    while user.stored() < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, number)
    process.communicate(timeout=60)
    assert process.returncode == code
    before = user.stored()
    assert 3 <= before < 24
    user.server.faults.clear()
    asked = len(user.server.asked)
    user("pull", PROJECT)
    assert user.stored() == 24
    again = user.pages(asked)
    assert set(again.values()) == {1}
    assert len(again) == 24 - before
    assert not [path for path in (user.folder / ".rlops" / "runs").iterdir() if path.suffix not in {".npz", ".sqlite"}]


def test_a_verdict_without_a_network_stands_on_the_same_data(user: Puller) -> None:
    sides = (f"{PROJECT}?tag=main", f"{PROJECT}?tag=pr-12")
    record = json.loads(user("compare", *sides, "--json", code=1)[0])
    assert record["verdict"] == "regressed"
    asked = len(user.server.asked)
    offline = json.loads(user("compare", *sides, "--offline", "--json", code=1)[0])
    assert len(user.server.asked) == asked
    assert offline["data_sha256"] == record["data_sha256"]
    assert [item["n_candidate"] for item in offline["environments"]] == [12]


def test_the_data_are_named_in_what_a_verdict_prints(user: Puller) -> None:
    out, _ = user("compare", f"{PROJECT}?tag=main", f"{PROJECT}?tag=main&seed=0-5", code=5)
    record = json.loads(user("compare", f"{PROJECT}?tag=main", f"{PROJECT}?tag=main&seed=0-5", "--json", code=5)[0])
    assert record["data_sha256"][:12] in out


def test_offline_filters_by_what_is_stored(user: Puller) -> None:
    user("pull", f"{PROJECT}?tag=main")
    _, err = user("compare", f"{PROJECT}?tag=main", f"{PROJECT}?tag=pr-12", "--offline", code=2)
    assert "no run was found there" in err
    _, err = user("compare", "wandb:team/other", PROJECT, "--offline", code=2)
    assert "nothing of team/other is in the store" in err


def test_filters_of_open_rl_benchmark(user: Puller) -> None:
    for run in user.server.runs.values():
        run.config["algo"] = {"value": "ppo"}
        run.config["task"] = run.config.pop("env_id")
    where = "?we=team&wpn=bench&ceik=task&cen=algo&metric=charts/episodic_return"
    out, _ = user("compare", where, "ppo?tag=main&cl=PPO of main", "ppo?tag=pr-12", "--json", code=1)
    record = json.loads(out)
    assert (record["verdict"], record["baseline"]["reference"]) == ("regressed", "PPO of main")
    assert record["environments"][0]["env_id"] == "Hopper-v4"
    rows = json.loads(user("pull", where, "ppo?tag=main", "ppo?tag=pr-12&seed=3", "--json")[0])
    assert len(rows) == 13


def test_running_runs_are_never_a_baseline_and_incomplete_ones_in_no_verdict(user: Puller) -> None:
    user.server.run("old3").state = "running"
    user.server.run("old4").lines_lost = 5
    record = json.loads(user("compare", f"{PROJECT}?tag=main", f"{PROJECT}?tag=pr-12", "--json", code=1)[0])
    assert record["environments"][0]["n_baseline"] == 10
    kinds = {finding["kind"]: finding["seeds"] for finding in record["findings"]}
    assert (kinds["running-run"], kinds["incomplete-run"]) == ([3], [4])


def test_no_secret_reaches_the_store_or_a_report(user: Puller) -> None:
    """A trainer that logs all its arguments, and somebody who filters by what is none of our business."""
    for run in user.server.runs.values():
        run.config |= {"wandb_api_key": {"value": "sk-trainers-own"}, "argv": {"value": ["--key", API_KEY]}}
        run.config["remote"] = {"value": "https://me:ghp_password@host/x.git"}
    sides = (f"{PROJECT}?tag=main&label={API_KEY}", f"{PROJECT}?tag=pr-12")
    out, err = user("compare", *sides, "--report", "report.html", code=1)
    user("baseline", "save", "kept", sides[0], "--benchmark", "bench")
    user("pull", PROJECT, "--json")
    written = {path: path.read_bytes() for path in user.folder.rglob("*") if path.is_file()}
    for path in list(written):
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                written[path] = bytes(arrays["meta"])
    for secret in ("sk-trainers-own", API_KEY, "ghp_password"):
        assert secret not in out + err
        assert not [path for path, content in written.items() if secret.encode() in content]
    assert any(b"[redacted]@host/x.git" in content for content in written.values())
