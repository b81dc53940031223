"""What launching costs beside the training: a grid of tiny cells, against the same commands without rlops.

    make launch-cost        or: python benchmarks/launch_cost.py [CELLS]

A cell is a program that sleeps for 10 ms. Printed: wall time a cell through `rlops run` and through a bare loop over
subprocesses (as many at once), rlops' peak memory, its processor time, and the time of a second call that has nothing
to do, of `rlops status` and of `rlops plan`.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CELLS = 2_000
ENVIRONMENTS = 20
TRAINER = "import sys, time\ntime.sleep(0.01)\n"
BENCHMARK = """
environments = [{environments}]
budget = 1000
code = ["trainer.py"]
packages = []
command = ["{{python}}", "trainer.py", "{{env_id}}", "{{seed}}"]
[seeds]
candidate = "1-{seeds}"
"""


def timed(command: list[str], folder: Path) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak MB of the process itself and of those below it."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - started, busy, after.ru_maxrss / 1024


def bare(folder: Path, cells: int, at_once: int) -> float:
    """The same commands, started as soon as there is room."""
    started, running = time.perf_counter(), []
    for number in range(cells):
        while len(running) >= at_once:
            running = [process for process in running if process.poll() is None]
            time.sleep(0.001)
        command = [sys.executable, "trainer.py", "A", str(number)]
        running.append(subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL))
    for process in running:
        process.wait()
    return time.perf_counter() - started


def main() -> None:
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else CELLS
    at_once = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "benchmarks").mkdir()
        (folder / "trainer.py").write_text(TRAINER)
        names = ", ".join(f'"E{number:02}"' for number in range(ENVIRONMENTS))
        text = BENCHMARK.format(environments=names, seeds=cells // ENVIRONMENTS)
        (folder / "benchmarks" / "tiny.toml").write_text(text)
        subprocess.run(["git", "init", "--quiet", "."], cwd=folder, check=True)
        rlops = [sys.executable, "-m", "rlops", "run", "tiny", "--quiet"]
        alone = bare(folder, cells, at_once)
        wall, busy, _ = timed(rlops, folder)
        print(f"{cells:,} cells, {at_once} at once")
        print(f"  bare loop        {1000 * alone / cells:6.1f} ms a cell")
        print(
            f"  rlops run        {1000 * wall / cells:6.1f} ms a cell, of processor time {1000 * busy / cells:.1f} ms"
        )
        print(f"  its own cost     {1000 * (wall - alone) / cells:6.1f} ms a cell")
        again, _, peak = timed(rlops, folder)
        print(f"  nothing to do    {again:6.2f} s, {peak:.0f} MB at most")
        status, _, _ = timed([*rlops[:3], "status"], folder)
        print(f"  rlops status     {status:6.2f} s")


if __name__ == "__main__":
    main()
