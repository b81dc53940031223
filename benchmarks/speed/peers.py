"""Does our trainer learn as well as stable-baselines3's PPO with the same hyperparameters? (`make peers`; 20 minutes)

Trains both on CartPole-v1 and Acrobot-v1, 500,000 steps a seed, and asks the gate: stable-baselines3 is the baseline,
ours the candidate. What is kept lies in .rlops/peers; seeds whose log is there are not trained again.
"""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
FOLDER = ROOT / ".rlops" / "peers"
ENVIRONMENTS = ("CartPole-v1", "Acrobot-v1")
STEPS = 500_000


def train(side: str, name: str, command: list[str]) -> None:
    """One process; its log is there when it has ended well."""
    folder = FOLDER / side / name
    log = folder / "log.txt"
    if log.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "WANDB_MODE": "offline", "WANDB_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stderr[-2000:]}")
    log.write_text(ended.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--seeds", type=int, default=10, help="of stable-baselines3 (default: 10); ours are twice as many"
    )
    asked = parser.parse_args()
    jobs = [
        ("sb3", f"{env_id}-{seed}", [sys.executable, str(HERE / "sb3.py"), "--env-id", env_id, "--seed", str(seed)])
        for seed in range(1, asked.seeds + 1)
        for env_id in ENVIRONMENTS
    ]
    jobs += [
        ("ppo_impl", env_id, [sys.executable, "-m", "ppo_impl", "--env-id", env_id, "--seeds", f"1-{2 * asked.seeds}"])
        for env_id in ENVIRONMENTS
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for job in [
            pool.submit(train, side, name, [*call, "--total-timesteps", str(STEPS)]) for side, name, call in jobs
        ]:
            job.result()
    rlops = Path(sys.executable).with_name("rlops")
    report = FOLDER / "report.html"
    compared = [f"dir:{FOLDER / 'sb3'}", f"dir:{FOLDER / 'ppo_impl'}"]
    sys.exit(subprocess.run([rlops, "compare", *compared, "--report", report], cwd=ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
