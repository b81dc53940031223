"""What did each step from the plain loop to this trainer gain? (`make steps`; results: docs/performance.md)

Trains CartPole-v1 on one core with one step after the other put in, and each alone taken out again; several alternating
rounds, the median counts. Only iterations are timed: no start-up, no wandb (the plain loop records, as it always does).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STEPS = {  # name -> seeds, and what is left out of the trainer
    "plain loop, one seed": None,
    "ppo.py in torch alone, one seed": (1, {"memory", "kernel", "environments"}),
    "10 seeds stacked": (10, {"memory", "kernel", "environments"}),
    "environments in numpy": (10, {"memory", "kernel"}),
    "networks in numpy": (10, {"memory"}),
    "memory kept: the trainer as it is": (10, set()),
    "the same without the networks in numpy": (10, {"kernel"}),
    "the same with two threads": (10, {"one thread"}),
    "the same, 20 seeds": (20, set()),
    "the same, one seed": (1, set()),
}
ITERATIONS = 40


def train(seeds: int, without: set[str]) -> float:
    """Steps per second of all seeds, of our trainer without some of its parts."""
    sys.path.insert(0, str(ROOT))
    import torch
    from threadpoolctl import threadpool_limits

    from ppo_impl import ppo
    from ppo_impl.config import Config
    from ppo_impl.environments import vector

    if "environments" in without:
        vector.CLASSIC.clear()
    if "memory" in without or "one thread" in without:
        threads = 2 if "one thread" in without else 1
        ppo.settle = lambda: (torch.set_num_threads(threads), threadpool_limits(threads))  # type: ignore[assignment]
    trainer = ppo.Trainer(Config(seeds=tuple(range(1, seeds + 1)), kernel="kernel" not in without))
    for _ in range(3):
        trainer.iterate()
    begin = time.perf_counter()
    for _ in range(ITERATIONS):
        trainer.iterate()
    return ITERATIONS * trainer.config.batch_size * seeds / (time.perf_counter() - begin)


def measure(name: str) -> float:
    """One step, in a process of its own; on one core, unless it is about threads."""
    environment = {**os.environ, "WANDB_MODE": "disabled", "PYTHONWARNINGS": "ignore"}
    if STEPS[name] is None:
        plain = [sys.executable, str(Path(__file__).with_name("plain.py")), "--threads", "1"]
        command = [*plain, "--total-timesteps", "30000"]
    else:
        command = [sys.executable, __file__, "--child", name]
    if "threads" not in name:
        command = ["taskset", "-c", "0", *command]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    told = json.loads(output.splitlines()[-1])
    return float(told["steps_per_second"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", choices=STEPS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps({"steps_per_second": train(*STEPS[asked.child])}))
        return
    found: dict[str, list[float]] = {name: [] for name in STEPS}
    for _ in range(asked.rounds):
        for name in STEPS:
            found[name].append(measure(name))
    base = statistics.median(found["plain loop, one seed"])
    for name, values in found.items():
        middle = statistics.median(values)
        print(
            f"{name:40} {middle:9,.0f} steps/s {middle / base:6.1f} times   ({min(values):,.0f} to {max(values):,.0f})"
        )


if __name__ == "__main__":
    main()
