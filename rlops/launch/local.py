"""The local machine as an executor: as many processes at once as it has cores and memory for."""

import contextlib
import subprocess
from dataclasses import dataclass, field

from rlops.launch import machine
from rlops.launch.cell_group import CellGroup
from rlops.launch.executor import Ending


@dataclass
class LocalExecutor:
    """Runs each group under a supervisor, a process that outlives this one.

    `slots`: how many at once, None for what the machine has room for; `memory_gb`: what a group may take at most.
    """

    cores_per_group: int = 1
    memory_gb: float | None = None
    slots: int | None = None
    _running: dict[CellGroup, subprocess.Popen[bytes]] = field(default_factory=dict)

    def capacity(self) -> int:
        """How many groups can run at once: cores and memory, shared out."""
        if self.slots is None:
            by_cores = machine.cores() // self.cores_per_group
            by_memory = machine.memory() / self.memory_gb if self.memory_gb else by_cores
            self.slots = max(1, int(min(by_cores, by_memory)))  # once: what runs takes from what is free
        return self.slots

    def submit(self, group: CellGroup) -> None:
        """Start the group; returns at once."""
        process = subprocess.Popen(
            group.supervisor(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )
        assert process.stdin is not None  # noqa: S101  (PIPE was asked for)
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:  # killed at once: poll will say so
            pipe.write(group.order())
        self._running[group] = process

    def poll(self, group: CellGroup) -> Ending | None:
        """How the group ended, None while it runs."""
        code = self._running[group].poll()
        if code is None:
            return None
        del self._running[group]
        return Ending.of(code)

    def cancel(self, group: CellGroup) -> None:
        """Ask the group to end now; what it trained is lost, what it printed stays."""
        self._running[group].terminate()
