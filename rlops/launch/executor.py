"""What every executor can do. Any engine that can run a command can run cells."""

import enum
from typing import Protocol

from rlops.launch import supervise
from rlops.launch.cell_group import CellGroup


class Ending(enum.Enum):
    """How a submitted group ended, as far as the executor knows; the exit code is in the group's done.json."""

    ENDED = "ended"
    """the command ended by itself"""
    BUSY = "busy"
    """somebody else is training one of its cells, or has just done so"""
    STOPPED = "stopped"
    """the command was stopped or killed: nothing of it counts, the same command of the user trains it again"""
    NO_SPACE = "no-space"
    """the disk is full: nothing of it counts"""

    @classmethod
    def of(cls, exit_code: int) -> "Ending":
        """What the supervisor's exit code says."""
        said = {0: cls.ENDED, supervise.BUSY: cls.BUSY, supervise.NO_SPACE: cls.NO_SPACE}
        return said.get(exit_code, cls.STOPPED)


class Executor(Protocol):
    """Runs cell groups somewhere."""

    def capacity(self) -> int:
        """How many groups can run at once."""

    def submit(self, group: CellGroup) -> None:
        """Start a group; returns at once."""

    def poll(self, group: CellGroup) -> Ending | None:
        """How a submitted group ended, None while it runs."""

    def cancel(self, group: CellGroup) -> None:
        """Ask a submitted group to end now."""
