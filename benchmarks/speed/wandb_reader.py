"""How long reading local W&B runs takes: ours beside `wandb leet inspect --json`, in turns, on the same files.

    python benchmarks/speed/wandb_reader.py [--rows 5000] [--keys 10] [--rounds 5] [--runs 100]

The real client logs one run offline. Then, in rounds: their command reads it into JSON lines, which are parsed, as
rlops did before it had a reader; ours reads it in a fresh interpreter, and in one that is there already, as for every
run but the first. Last, `--runs` copies of it are pulled into a fresh store by the threads of `rlops pull`, and by as
many processes as there are cores.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from rlops.curves.history import RunHistory
from rlops.curves.sources.source import pull
from rlops.curves.sources.wandb_files import WandbFiles
from rlops.curves.store import Store

LOGGER = """
import random, sys, wandb
rows, keys = map(int, sys.argv[1:])
settings = wandb.Settings(x_disable_stats=True, console="off", silent=True)
run = wandb.init(project="speed", id="one", mode="offline", config={"env_id": "A-v0", "seed": 1}, settings=settings)
names = ["charts/episodic_return", *(f"losses/value_{number}" for number in range(keys - 2))]
for row in range(rows):
    run.log({**{name: 100 * random.random() for name in names}, "global_step": 2048 * row})
run.finish()
"""
FRESH = "import sys; from benchmarks.speed.wandb_reader import ours; ours(sys.argv[1])"
INSPECT = (sys.executable, "-I", "-m", "wandb", "leet", "inspect", "--json")
ROOT = Path(__file__).resolve().parents[2]


def ours(folder: str | Path) -> list[RunHistory]:
    source = WandbFiles(Path(folder))
    return [source.fetch(listing) for listing in source.list_runs()]


def theirs(file: Path) -> int:
    done = subprocess.run([*INSPECT, str(file)], capture_output=True, text=True, check=True)
    records = [json.loads(line) for line in done.stdout.split("\n") if line]
    return sum(record["type"] == "history" for record in records)


def fresh(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", FRESH, str(folder)], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def one_run(folder: Path, rounds: int) -> None:
    (file,) = (path for path in folder.rglob("*.wandb") if not path.parent.is_symlink())
    history = ours(folder)[0]
    rows = max(int(column.rows.max()) for column in history.columns.values()) + 1
    if theirs(file) != rows:
        sys.exit("the two readers disagree")
    print(f"one run: {rows:,} rows x {len(history.columns)} keys, {file.stat().st_size / 1e6:.1f} MB; {rounds} rounds")
    ways = {
        "wandb leet inspect --json": lambda: theirs(file),
        "ours, fresh interpreter": lambda: fresh(folder),
        "ours": lambda: ours(folder),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            taken[name].append(seconds(work))
    first, *_ = taken
    for name, each in taken.items():
        ratio = statistics.median(a / b for a, b in zip(taken[first], each, strict=True))
        print(f"  {name:27} {1000 * statistics.median(each):8.1f} ms   {ratio:6.1f} times as fast")


def many_runs(folder: Path, runs: int) -> None:
    (original,) = (path for path in folder.rglob("*.wandb") if not path.parent.is_symlink())
    copies = folder / "copies"
    for number in range(runs):
        (copies / f"run-{number}").mkdir(parents=True)
        shutil.copy(original, copies / f"run-{number}" / f"run-{number}.wandb")
    print(f"{runs} such runs on {len(os.sched_getaffinity(0))} cores")
    read = seconds(lambda: ours(copies))
    print(f"  read one after the other    {read:8.1f} s")
    pulled = seconds(lambda: pull(WandbFiles(copies), Store(folder / "store")))
    print(f"  pulled into a store         {pulled:8.1f} s   (the threads of `rlops pull`)")
    again = seconds(lambda: pull(WandbFiles(copies), Store(folder / "store")))
    print(f"  pulled again, unchanged     {again:8.1f} s")
    print(f"  pulled by processes         {seconds(lambda: by_processes(copies, folder / 'store-2')):8.1f} s")


def by_processes(copies: Path, store: Path) -> None:
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), get_context("spawn")) as pool:
        list(pool.map(bring, sorted(copies.iterdir()), [store] * len(list(copies.iterdir())), chunksize=5))


def bring(folder: Path, store: Path) -> RunHistory:
    return pull(WandbFiles(folder), Store(store))[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"rows": 5000, "keys": 10, "rounds": 5, "runs": 100}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        places = dict.fromkeys(("HOME", "WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"), name)
        os.environ.update(places, WANDB_ERROR_REPORTING="false")
        subprocess.run([sys.executable, "-c", LOGGER, str(args.rows), str(args.keys)], check=True, cwd=folder)
        one_run(folder, args.rounds)
        many_runs(folder, args.runs)


if __name__ == "__main__":
    main()
