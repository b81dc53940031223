"""`make real-data`: five changes and twenty A/A splits of other people's curves through `rlops compare`.

Needs RLOPS_REAL_DATA, a folder with learning curves that other projects published (see tests/conftest.py). The truth of
a pair is its table's, from all runs of both sides; here the first five seeds of the candidate are compared with all of
the baseline. A split compares four or more seeds of a group with the others of the same group.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

PAIRS = (
    ("mushroom_rl", "PPO", "A2C"),
    ("mushroom_rl", "TD3", "DDPG"),
    ("mushroom_rl", "SAC", "TD3"),
    ("ppo_timelimit", "PPO_timelimit_fix", "PPO_no_timelimit_fix"),
    ("dopamine_atari_legacy", "Rainbow_tf", "DQN_tf"),
)
SPLITS = (("mushroom_rl", "PPO"), ("mushroom_rl", "SAC"), ("mushroom_rl", "TRPO"), ("mushroom_rl", "DDPG"))
SPLITS_EACH, CANDIDATE_SEEDS = 5, 5


def compare(a: str, b: str, folder: str, report: Path) -> dict:
    command = [sys.executable, "-m", "rlops", "compare", a, b, "--dir", folder, "--report", str(report), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def main() -> None:
    data = Path(os.environ["RLOPS_REAL_DATA"]).resolve()
    pairs, reports = pd.read_csv(data / "pairs_dev.csv"), Path(".rlops/real-data")
    with tempfile.TemporaryDirectory() as folder:
        for name, before, now in PAIRS:
            table = f"file:{data}/{name}.parquet"
            seeds = "" if name.startswith(("ppo", "dopamine")) else "&seed=0-4"
            verdict = compare(
                f"{table}?algo={before}", f"{table}?algo={now}{seeds}", folder, reports / f"{name}-{before}-{now}.html"
            )
            truth = pairs[(pairs["set"] == name) & (pairs.baseline == before) & (pairs.candidate == now)]
            settled = dict(zip(truth.env_id, truth.settled_by_all_runs, strict=True))
            counts = Counter((settled.get(one["env_id"], "?"), one["verdict"]) for one in verdict["environments"])
            print(f"{name}: {before} -> {now}: {verdict['verdict']}", flush=True)
            for (truly, word), count in sorted(counts.items()):
                print(f"    {truly:12} {word:14} {count}")
        rng, words = np.random.default_rng(0), Counter()
        for name, algo in SPLITS:
            table = pd.read_parquet(data / f"{name}.parquet", columns=["algo", "seed"])
            seeds = sorted(table[table.algo == algo].seed.unique())
            for split in range(SPLITS_EACH):
                order = rng.permutation(seeds)
                left, right = (",".join(map(str, sorted(part))) for part in np.split(order, [-CANDIDATE_SEEDS]))
                reference = f"file:{data}/{name}.parquet?algo={algo}"
                report = reports / f"aa-{name}-{algo}-{split}.html"
                verdict = compare(f"{reference}&seed={left}", f"{reference}&seed={right}", folder, report)
                words[verdict["verdict"]] += 1
        print(f"{sum(words.values())} A/A splits, {CANDIDATE_SEEDS} seeds against the rest: {dict(words)}")
    print(f"the reports: {reports}/")


if __name__ == "__main__":
    main()
