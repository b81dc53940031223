"""`make site-speed`: a history of a thousand verdicts on six environments of five seeds: seconds, and sizes in kB.

The history is written once; then the site is made as by `rlops site build`: no report is at hand, no baseline is
stored. Two true changes are in two of the environments, so that real change points are searched for, too.
"""

import hashlib
import tempfile
import time
from pathlib import Path

import numpy as np

from rlops.judge import HistoryEntry, Word, read_history, trends, write_entry
from rlops.site import Wanted, build_site
from rlops.training import Watchers
from rlops.workspace import Workspace

VERDICTS, ENVIRONMENTS, SEEDS = 1000, 6, 5
CHANGES = {0: (400, -30.0), 1: (700, 15.0)}
"""Environment -> the verdict from which on its scores have moved, and by how much; their sd is 10, the scale 100."""


def entry(number: int) -> HistoryEntry:
    rng = np.random.default_rng(number)
    environments = []
    for place in range(ENVIRONMENTS):
        since, size = CHANGES.get(place, (VERDICTS, 0.0))
        finals = 100 + 10 * rng.normal(size=SEEDS) + (size if number >= since else 0.0)
        runs = [(101 + seed, round(float(final), 3), round(0.7 * float(final), 3)) for seed, final in enumerate(finals)]
        environments.append(
            {
                "env_id": f"Env-{place}-v5",
                "verdict": Word.EQUIVALENT,
                "change": 0.01,
                "interval": (-0.05, 0.07),
                "margin": 0.2,
                "scale": 100.0,
                "p_harm": 0.5,
                "mean_baseline": 100.0,
                "mean_candidate": float(finals.mean()),
                "n_baseline": 20,
                "n_candidate": SEEDS,
                "budget": 100_000,
                "runs": runs,
            }
        )
    name = hashlib.sha256(str(number).encode()).hexdigest()
    day, hour = divmod(number, 24)
    side = {"reference": "git:HEAD", "kind": "git", "git_commit": name[:40], "git_dirty": False}
    return HistoryEntry.model_validate(
        {
            "id": name[:12],
            "created_at": f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}T{hour:02d}:00:00+00:00",
            "verdict": Word.EQUIVALENT,
            "exit_code": 0,
            "sentence": f"Equivalent: a loss of a margin or more is ruled out in all {ENVIRONMENTS} environments",
            "benchmark": "quick",
            "metric": "charts/episodic_return",
            "direction": "higher-is-better",
            "baseline": {**side, "reference": "quick", "kind": "baseline"},
            "candidate": side,
            "suite": {"change": 0.01, "interval": (-0.02, 0.04), "margin": 0.1},
            "data_sha256": name,
            "environments": environments,
        }
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        begin = time.perf_counter()
        for number in range(VERDICTS):
            write_entry(entry(number), folder / "history")
        print(
            f"{VERDICTS} entries written in {time.perf_counter() - begin:.1f} s, {kilobytes(folder / 'history'):.0f} kB"
        )
        begin = time.perf_counter()
        entries = read_history(folder / "history")
        reading = time.perf_counter() - begin
        found = trends(entries)
        print(f"read in {reading:.1f} s, searched for change points in {time.perf_counter() - begin - reading:.1f} s")
        for trend in found:
            print(f"  {trend.env_id}: {[change.place for change in trend.changes] or 'none'}")
        begin = time.perf_counter()
        wanted = Wanted((), folder / "history", folder / "site", (), "Benchmarks")
        build_site(Workspace(folder, folder / ".rlops"), wanted, Watchers())
        print(f"the whole site in {time.perf_counter() - begin:.1f} s, {kilobytes(folder / 'site'):.0f} kB")
        for path in sorted((folder / "site").rglob("*.html")):
            print(f"  {path.relative_to(folder / 'site')}: {path.stat().st_size / 1000:.0f} kB")


def kilobytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1000


if __name__ == "__main__":
    main()
