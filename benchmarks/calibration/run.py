"""`make calibration`: looks at simulated environments (what is there already is kept), then judges gates made of them.

The tables end up in docs/judging.md by hand; the environments in .rlops/calibration.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".rlops" / "calibration"
EFFECTS = (
    "-10 %",
    "-50 %",
    "-20 %",
    "start twice as slow",
    "30 % more steps needed",
    "late collapse",
)
WANTED = (
    *(("mixed", effect, 2_800, seed) for seed, effect in enumerate(EFFECTS, 100)),
    *(("quiet", effect, 2_800, seed) for seed, effect in enumerate(EFFECTS, 200)),
    ("quiet", "-15 %", 2_800, 300),
    ("mixed", "printed margin", 2_800, 301),
    ("mixed", "true margin", 2_800, 302),
    *(("mixed", "none", 70_000, seed) for seed in (1, 2, 3)),
    *(("quiet", "none", 35_000, seed) for seed in (11, 12)),
)
"""Population, effect, environments, seed."""


def look(population: str, effect: str, environments: int, seed: int) -> None:
    file = FOLDER / f"{population}-{effect.replace(' ', '-')}-{seed}.npz"
    if file.exists():
        print(f"{file.name}: known", flush=True)
        return
    options = [
        "--population",
        population,
        f"--effect={effect}",
        "--environments",
        str(environments),
        "--seed",
        str(seed),
    ]
    module = [sys.executable, "-m", "benchmarks.calibration.looks", str(FOLDER)]
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run([*module, *options], cwd=ROOT, env={**os.environ, **one_thread}, check=True)


def main() -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda asked: look(*asked), WANTED))
    for judged in (["gates", str(FOLDER)], ["passes"]):
        subprocess.run([sys.executable, "-m", f"benchmarks.calibration.{judged[0]}", *judged[1:]], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
