"""How long processes take, by those that have ended, and when the last one will end."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median

from rlops.launch.cell_group import CellGroup
from rlops.launch.supervise import finished
from rlops.plan import Benchmark

OVERDUE = 0.1
"""A process that takes longer than expected is expected to take this share of its time more (arbitrary)."""
LATEST = 20
"""So many past processes of an environment tell (arbitrary)."""

Size = tuple[str, int]
"""Environment and number of seeds of a process."""


@dataclass
class Estimate:
    """Seconds that processes took. Those of this call count more than all before: same code, same machine, same load.

    `past`, `here`: (environment, seeds) -> seconds, in the order in which they ended.
    """

    past: Mapping[Size, Sequence[float]] = field(default_factory=dict)
    here: dict[Size, list[float]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, benchmark: Benchmark, cells: Path) -> "Estimate":
        """What the store `cells` knows of a benchmark, whichever version was trained with the same budget."""
        found: list[tuple[str, Size, float]] = []
        for parent in cells.glob(f"{benchmark.name}-*"):
            for _, request, done in finished(parent):
                if done["exit_code"] == 0 and request.get("budget") == benchmark.budget and done.get("seconds"):
                    size = str(request["env_id"]), len(request["seeds"])
                    found.append((str(done.get("ended_at")), size, float(done["seconds"])))
        past: dict[Size, list[float]] = defaultdict(list)
        for _, size, seconds in sorted(found):
            past[size].append(seconds)
        return cls(past)

    def learn(self, group: CellGroup) -> None:
        """A process of this call has ended."""
        done = group.directory.done or {}
        if done.get("exit_code") == 0 and done.get("seconds"):
            self.here[group.env_id, len(group.cells)].append(float(done["seconds"]))

    def seconds(self, env_id: str, seeds: int) -> float | None:
        """What a process of so many seeds takes; None where nothing tells.

        By processes of the same environment and size, else of the environment (seconds in proportion to the seeds),
        else of all environments.
        """
        for known in (self.here, self.past):
            if known.get((env_id, seeds)):
                return median(known[env_id, seeds][-LATEST:])
            per_seed = {size: median(values[-LATEST:]) / size[1] for size, values in known.items() if values}
            alike = [value for size, value in per_seed.items() if size[0] == env_id]
            if alike:
                return seeds * fmean(alike)
        per_seed_anywhere = [
            median(values) / size[1] for known in (self.here, self.past) for size, values in known.items() if values
        ]
        return seeds * fmean(per_seed_anywhere) if per_seed_anywhere else None

    def left(
        self, running: Mapping[CellGroup, float], waiting: Iterable[CellGroup], slots: int, now: float
    ) -> float | None:
        """Seconds until all have ended, None where nothing tells; `running`: group -> when it was started.

        Each waiting group is given to the slot that is free first. No process is cut in two.
        """
        ends = []
        for group, since in running.items():
            expected = self.seconds(group.env_id, len(group.cells))
            if expected is None:
                return None
            ends.append(max(expected - (now - since), OVERDUE * (now - since)))
        free = [0.0] * max(0, slots - len(ends)) + ends
        heapq.heapify(free)
        for group in waiting:
            expected = self.seconds(group.env_id, len(group.cells))
            if expected is None:
                return None
            heapq.heapreplace(free, free[0] + expected)
        return max(free, default=0.0)


def duration(seconds: float) -> str:
    """As people say it."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"
