"""How fast is the trainer beside its peers, on this machine, now? (`make bench`; results: docs/performance.md)

Everything is timed in alternating rounds of one sitting, because the machine is never twice the same. A pair is two
processes at once, CartPole-v1 and Acrobot-v1, each bound to one core: without that the peers lose up to a third to
being moved around. Peers run with one thread, at which they are fastest, and their steps per second leave out start-up
and the first iteration; ours are those of the whole command, from the start to the last record on the disk.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rlops.curves import Loader, Store, parse_reference
from rlops.plan import Metric

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
GRID = """
description = "what make bench trains"
environments = {environments}
budget = {steps}
code = ["ppo_impl"]
command = {command}
[seeds]
baseline = "11-20"
candidate = "1-10"
[metric]
name = "charts/episodic_return"
step = "global_step"
direction = "higher-is-better"
[resources]
cores = 1
seeds_per_process = 10
"""
ENVIRONMENTS = ("CartPole-v1", "Acrobot-v1")
PEERS = ("plain", "sb3")


def start(command: Sequence[str], core: int, folder: str) -> "subprocess.Popen[str]":
    """A command on one core, its wandb runs in a folder that is thrown away."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**kept, "WANDB_MODE": "offline", "WANDB_DIR": folder, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )


def ended(child: "subprocess.Popen[str]") -> str:
    output = child.communicate()[0]
    if child.returncode:
        raise SystemExit(f"{child.args} ended with {child.returncode}")
    return output


def peer_pair(name: str, steps: int, folder: str) -> float:
    """Steps per second of both processes together."""
    children = [start(peer_command(name, env_id, steps), core, folder) for core, env_id in enumerate(ENVIRONMENTS)]
    return sum(json.loads(ended(child).splitlines()[-1])["steps_per_second"] for child in children)


def peer_command(name: str, env_id: str, steps: int) -> list[str]:
    options = ["--env-id", env_id, "--seed", "1", "--total-timesteps", str(steps), "--threads", "1"]
    return [sys.executable, str(HERE / f"{name}.py"), *options]


def our_command(env_id: str, seeds: str, steps: int) -> list[str]:
    return [sys.executable, "-m", "ppo_impl", "--env-id", env_id, "--seeds", seeds, "--total-timesteps", str(steps)]


def our_pair(steps: int, folder: str) -> float:
    """Steps per second of ten seeds of both environments: all steps over the time until both processes are gone."""
    begin = time.perf_counter()
    for child in [start(our_command(env_id, "1-10", steps), core, folder) for core, env_id in enumerate(ENVIRONMENTS)]:
        ended(child)
    return 2 * 10 * steps / (time.perf_counter() - begin)


def one_peer(name: str, steps: int, folder: str) -> float:
    output = ended(start(peer_command(name, "CartPole-v1", steps), 0, folder))
    return float(json.loads(output.splitlines()[-1])["steps_per_second"])


def one_of_ours(steps: int, folder: str) -> float:
    begin = time.perf_counter()
    ended(start(our_command("CartPole-v1", "1", steps), 0, folder))
    return steps / (time.perf_counter() - begin)


def launched(steps: int, folder: Path) -> float:
    """What `rlops run` takes on the grid, over its training time divided by the cores."""
    folder.mkdir()
    benchmark = folder / "grid.toml"
    command = our_command("{env_id}", "{seeds}", steps)
    text = GRID.format(
        environments=json.dumps(ENVIRONMENTS), steps=steps, command=json.dumps(["{python}", *command[1:]])
    )
    benchmark.write_text(text)
    rlops = Path(sys.executable).with_name("rlops")
    begin = time.perf_counter()
    subprocess.run([rlops, "run", benchmark, "--seeds", "1-10", "--dir", folder / "rlops"], cwd=ROOT, check=True)
    wall = time.perf_counter() - begin
    return wall / (training_seconds(folder / "rlops" / "cells") / len(ENVIRONMENTS))


def training_seconds(cells: Path) -> float:
    """Seconds of all iterations of both processes, from the charts/SPS that the first seed of each recorded."""
    loader = Loader(Store(cells.parent), Metric(name="charts/SPS"))
    runs = loader.runs(parse_reference(f"dir:{cells}")).select(None, frozenset({1})).runs
    return sum(float((512 / run.curve.values).sum()) for run in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=500_000, help="of each of our seeds (default: 500000)")
    parser.add_argument("--peer-steps", type=int, default=60_000, help="of each peer's run (default: 60000)")
    asked = parser.parse_args()
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        measures: dict[str, Callable[[], float]] = {
            **{f"pair {name}": lambda name=name: peer_pair(name, asked.peer_steps, folder) for name in PEERS},
            "pair ppo_impl": lambda: our_pair(asked.steps, folder),
            "one plain": lambda: one_peer("plain", asked.peer_steps, folder),
            "one ppo_impl": lambda: one_of_ours(asked.steps, folder),
        }
        found: dict[str, list[float]] = {name: [] for name in measures}
        for round_ in range(asked.rounds):
            for name, measure in measures.items():
                found[name].append(measure())
                print(f"round {round_ + 1}: {name} {found[name][-1]:,.0f} steps/s", flush=True)
            ratios.append(launched(asked.steps, Path(folder) / f"round-{round_}"))
    told = f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
    print(f"rlops run: its time over training time / cores: {told}")
    middle = {name: statistics.median(values) for name, values in found.items()}
    for name, values in found.items():
        print(f"{name:16} {middle[name]:10,.0f} steps/s   {min(values):,.0f} to {max(values):,.0f}")
    for name in PEERS:
        print(f"grid, against {name}: {middle['pair ppo_impl'] / middle[f'pair {name}']:.1f} times")
    print(f"one seed, against plain: {middle['one ppo_impl'] / middle['one plain']:.1f} times")


if __name__ == "__main__":
    main()
