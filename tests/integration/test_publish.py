"""`rlops publish wandb`: verdicts as runs and baselines as artifacts, by the real client, online and offline."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands import COLLAPSED, STEADY, table
from tests.integration.wandb_standin.children import child
from tests.integration.wandb_standin.server import standin
from tests.integration.wandb_standin.user import User


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    with standin() as server:
        user = User(server, tmp_path)
        user.add_benchmark(["A-v1", "B-v1"])
        old = table(tmp_path / "old.csv", {"A-v1": STEADY, "B-v1": STEADY})
        new = table(tmp_path / "new.csv", {"A-v1": STEADY, "B-v1": COLLAPSED}, first_seed=101)
        user("baseline", "save", "bench", old)
        user("compare", "bench", new, "--benchmark", "bench", code=1)
        yield user


def record_of(user: User) -> dict[str, object]:
    (path,) = user.folder.glob(".rlops/verdicts/*/verdict.json")
    return dict(json.loads(path.read_text()))


def check_run(user: User) -> None:
    record, (run,) = record_of(user), user.server.runs.values()
    assert (run.state, run.job_type, run.group) == ("finished", "rlops-verdict", "bench")
    assert set(run.tags) == {"rlops", "regressed"}
    summary = run.summary
    assert (summary["verdict"], summary["exit_code"], summary["data_sha256"]) == (
        "regressed", 1, record["data_sha256"],
    )  # fmt: skip
    assert summary["environments_regressed"] == 1
    assert (summary["environments"]["_type"], summary["report"]["_type"]) == ("table-file", "html-file")
    assert summary["environments"]["nrows"] == 2
    assert run.config["candidate"]["value"].endswith("new.csv")
    uploaded = user.server.uploads
    (report,) = [content for name, content in uploaded.items() if name.endswith(".html")]
    (folder,) = user.folder.glob(".rlops/verdicts/*")
    assert report == (folder / "report.html").read_bytes()
    rows, *_ = [json.loads(content) for name, content in uploaded.items() if name.endswith(".table.json")]
    assert [dict(zip(rows["columns"], row, strict=True))["verdict"] for row in rows["data"]] == [
        "regressed", "equivalent",
    ]  # fmt: skip
    (artifact,) = [one for one in user.server.artifacts if one.kind == "rlops-verdict"]
    assert json.loads(uploaded[f"{artifact.name}/verdict.json"]) == record


def test_a_verdict_online(user: User) -> None:
    _, said = user("publish", "wandb")
    (run,) = user.server.runs.values()
    assert f"{user.server.url}/team/bench/runs/{run.name}" in said
    check_run(user)


def test_a_verdict_offline_and_synced_later(user: User) -> None:
    _, said = user("publish", "wandb", WANDB_MODE="offline", WANDB_API_KEY="")
    assert not user.server.runs
    folder = said.split("`wandb sync ")[1].split("`")[0]
    sync = "import sys; from wandb.cli.cli import cli; cli(['sync', sys.argv[1]])"
    child(sync, user.environment(), str(user.folder / folder))
    check_run(user)


def test_a_baseline_and_its_aliases_move(user: User) -> None:
    user("publish", "wandb", "--baseline", "bench", "--alias", "v1.0", "--alias", "main")
    path = user.folder / "baselines" / "bench.json"
    path.write_text(path.read_text() + "\n")
    user("publish", "wandb", "--baseline", "bench", "--alias", "main")
    first, second = user.server.artifacts
    assert (first.name, first.kind, second.name) == ("baseline-bench", "rlops-baseline", "baseline-bench")
    assert (first.aliases, second.aliases) == ({"v1.0"}, {"latest", "main"})
    assert user.server.uploads["baseline-bench/bench.json"] == path.read_bytes()


def test_what_goes_together(user: User) -> None:
    assert "it goes with --baseline" in user("publish", "wandb", "--alias", "x", code=2)[1]
    assert "leave it or VERDICT out" in user("publish", "wandb", ".", "--baseline", "bench", code=2)[1]
    assert "there is no baseline 'other'" in user("publish", "wandb", "--baseline", "other", code=5)[1]


def test_without_a_key_it_says_so_and_asks_nobody(user: User) -> None:
    assert "WANDB_MODE=offline" in user("publish", "wandb", WANDB_API_KEY="", code=2)[1]
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "rlops", "publish", "wandb"], cwd=user.folder, timeout=60, check=False,
        env=user.environment(WANDB_API_KEY="", TERM="xterm"), stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    assert (done.returncode, "W&B takes no run" in os.read(ours, 10_000).decode()) == (2, True)
    os.close(ours)
