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
WANTED = (
    ("mixed", "none", 70_000, 1),
    ("mixed", "none", 70_000, 11),
    ("quiet", "none", 35_000, 2),
    ("quiet", "-15 %", 4_200, 3),
    ("mixed", "-50 %", 2_100, 4),
    ("quiet", "-50 %", 2_100, 5),
    ("mixed", "start twice as slow", 1_400, 6),
    ("quiet", "start twice as slow", 1_400, 7),
    ("mixed", "printed margin", 1_400, 8),
    ("mixed", "true margin", 1_400, 9),
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
    subprocess.run([sys.executable, "-m", "benchmarks.calibration.gates", str(FOLDER)], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
