"""A Ray cluster as an executor: a task a group."""

import contextlib
import logging
import os
import re
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import RayError, TaskCancelledError

from rlops.errors import UsageError
from rlops.launch.attend import arguments, attendant, note
from rlops.launch.cell_group import CellGroup
from rlops.launch.executor import Ending
from rlops.plan import Benchmark

GIB = 2**30
KNOCK_SECONDS = 20
"""For a cluster to answer (arbitrary)."""
OURS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""For a cluster that is started here: it reports to nobody, and leaves the GPUs as they are."""
WORKER = {"env_vars": {"RAY_kill_child_processes_on_worker_exit": "0"}}
"""Ray would kill the supervisor and leave the training behind; the supervisor, left alone, ends it and then itself."""


@dataclass
class RayExecutor:
    """Runs each group as a task of the cluster that this process is connected to; what has no room waits there."""

    cores: int = 1
    memory_gb: float | None = None
    _running: dict[CellGroup, "ray.ObjectRef[int]"] = field(default_factory=dict)

    @classmethod
    def connect(cls, benchmark: Benchmark) -> "RayExecutor":
        """For groups of the benchmark, on the cluster at RAY_ADDRESS, else one on this machine, started if need be."""
        if not ray.is_initialized():
            for name, value in OURS.items():
                os.environ.setdefault(name, value)
            address = os.environ.get("RAY_ADDRESS", "")
            try:
                _knock(address)
                with _own_sigterm():
                    ray.init(log_to_driver=False, include_dashboard=False, logging_level=logging.ERROR)
            except (OSError, RuntimeError, ValueError) as error:
                where = f"at RAY_ADDRESS={address}" if address else "on this machine"
                raise UsageError(f"executor ray: no cluster {where}: {error}; `ray status` says more") from None
        return cls(benchmark.resources.cores, benchmark.resources.memory_gb)

    def capacity(self) -> int:
        """How many groups the cluster has room for, node by node; at least one, which waits for a node."""
        nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
        room = sum(self._fitting(node["Resources"]) for node in nodes if node["Alive"])
        return max(1, room)

    def submit(self, group: CellGroup) -> None:
        """Hand the group over; returns at once."""
        resources: dict[str, Any] = {"num_cpus": self.cores}
        if self.memory_gb is not None:
            resources["memory"] = round(self.memory_gb * GIB)
        # Whether it is tried again is for rlops to say.
        task = ray.remote(attendant()).options(max_retries=0, name=group.label, runtime_env=WORKER, **resources)
        self._running[group] = task.remote(*arguments(group))

    def poll(self, group: CellGroup) -> Ending | None:
        """How the group ended, None while it runs or waits."""
        if not ray.wait([self._running[group]], timeout=0)[0]:
            return None
        try:
            return Ending.of(ray.get(self._running.pop(group)))
        except TaskCancelledError:
            return Ending.STOPPED
        except RayError as error:
            note(group, f"Ray: {type(error).__name__}: {error}")
            return Ending.STOPPED

    def cancel(self, group: CellGroup) -> None:
        """Ask the group to end now; what it trained is lost, what it printed stays."""
        ray.cancel(self._running[group])

    def _fitting(self, node: dict[str, float]) -> int:
        room = [node.get("CPU", 0) // self.cores]
        if self.memory_gb is not None:
            room.append(node.get("memory", 0) // (self.memory_gb * GIB))
        return int(min(room))


def _knock(address: str) -> None:
    """Raise OSError where nobody listens at HOST:PORT; Ray itself asks for a quarter of an hour."""
    found = re.fullmatch(r"(?:ray://)?\[?(.+?)\]?:(\d+)", address)
    if found:
        socket.create_connection((found[1], int(found[2])), timeout=KNOCK_SECONDS).close()


@contextlib.contextmanager
def _own_sigterm() -> Iterator[None]:
    """Ray takes SIGTERM over and would end rlops with another exit code."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
