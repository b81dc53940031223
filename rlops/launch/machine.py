"""What this machine has for us: cores and memory, less where a container has a share of them."""

import contextlib
import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
MEMORY = Path("/proc/meminfo")


def cores() -> int:
    """The cores that this process may use, at least 1."""
    allowed = len(os.sched_getaffinity(0))
    with contextlib.suppress(OSError, ValueError):  # "max 100000", or microseconds of each period; no file: no share
        quota, period = (CGROUP / "cpu.max").read_text().split()
        allowed = min(allowed, math.ceil(int(quota) / int(period)))
    return max(1, allowed)


def memory() -> float:
    """GB (10^9 bytes) that are free, or can be freed; infinite where nobody says."""
    free = math.inf
    with contextlib.suppress(OSError, ValueError, StopIteration):
        line = next(line for line in MEMORY.read_text().splitlines() if line.startswith("MemAvailable:"))
        free = int(line.split()[1]) * 1024 / 1e9
    with contextlib.suppress(OSError, ValueError):
        most, used = ((CGROUP / name).read_text() for name in ("memory.max", "memory.current"))
        free = min(free, (int(most) - int(used)) / 1e9)
    return free
