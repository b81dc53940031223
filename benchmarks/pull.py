"""`make pull`: what pulling a project costs, against the tests' stand-in for the W&B server, on this machine.

300 runs of 2,000 rows: `rlops pull` (time, requests, peak memory), and again with nothing changed. Beside it a plain
loop over `scan_history` with default arguments, on a project logged with `step=global_step`. No network, no rate
limits: the figures are requests and our own time, not W&B's.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.integration.wandb_standin.children import account, hermetic_environment  # noqa: E402
from tests.integration.wandb_standin.server import Standin, StoredRun, standin  # noqa: E402

PROJECT = "wandb:team/bench"
KEYS = ("charts/episodic_return", "charts/SPS", "losses/value_loss", "losses/policy_loss", "losses/entropy")
MEASURED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""
"""A small process between: a child's peak begins with that of who starts it, and the server's data are here."""
PLAIN = """
import wandb
for run in wandb.Api().runs("team/bench"):
    for row in run.scan_history():
        pass
"""


@dataclass
class Took:
    """One command: seconds, requests by operation, peak memory in MB."""

    seconds: float
    requests: Counter[str]
    megabytes: float

    def __str__(self) -> str:
        pages = self.requests["HistoryPage"]
        others = self.requests.total() - pages
        return (
            f"{self.seconds:7.1f} s  {pages:7,} pages of history  {others:5,} other requests  {self.megabytes:6.0f} MB"
        )


def fill(server: Standin, runs: int, rows: int, stride: int) -> None:
    """Finished runs whose _step grows by `stride`."""
    for number in range(runs):
        config = {"env_id": {"value": f"Env-v{number % 10}"}, "seed": {"value": number // 10}}
        history = [
            {"_step": stride * i, "global_step": 2048 * i, **dict.fromkeys(KEYS, (i + number) / 7)} for i in range(rows)
        ]
        run = StoredRun("team", "bench", f"run{number}", rows=history, config=config, state="finished")
        server.runs[run.path] = run
    server.projects.add("team/bench")


def timed(server: Standin, folder: Path, command: list[str]) -> Took:
    """Runs `command` as a user of the server."""
    server.requests.clear()
    environment = {**hermetic_environment(folder, **account(server.url)), "PYTHONPATH": str(ROOT)}
    begin = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-c", MEASURED, *command],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ended.returncode:
        raise SystemExit(ended.stderr)
    return Took(time.perf_counter() - begin, Counter(server.requests), int(ended.stdout) / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--apart", type=int, default=3, help="runs of the project logged with step=global_step")
    asked = parser.parse_args()
    rlops = [sys.executable, "-m", "rlops", "pull", PROJECT, "--quiet"]
    with standin() as server, tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        fill(server, asked.runs, asked.rows, stride=1)
        print(f"{asked.runs} runs of {asked.rows:,} rows and {len(KEYS) + 1} keys")
        print(f"  rlops pull              {timed(server, folder, rlops)}", flush=True)
        print(f"  again, nothing changed  {timed(server, folder, rlops)}", flush=True)
        stored = sum(path.stat().st_size for path in folder.rglob("*.npz"))
        print(f"  on disk: {stored / 1e6:.1f} MB")
    with standin() as server, tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        fill(server, asked.apart, 500, stride=1_996)
        print(f"{asked.apart} runs of 500 rows, logged with step=global_step up to {499 * 1_996:,}")
        print(f"  rlops pull              {timed(server, folder, rlops)}", flush=True)
        print(f"  a loop of scan_history  {timed(server, folder, [sys.executable, '-c', PLAIN])}", flush=True)


if __name__ == "__main__":
    main()
