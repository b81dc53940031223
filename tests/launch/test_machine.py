"""What a machine, or a container's share of it, has room for."""

import math
import os
from pathlib import Path

import pytest

from rlops.launch import LocalExecutor, machine


@pytest.fixture
def eight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with eight cores, 16 GB free, and no cgroup; the folder where one would be described."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)))
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    monkeypatch.setattr(machine, "MEMORY", tmp_path / "meminfo")
    (tmp_path / "meminfo").write_text("MemTotal: 32000000 kB\nMemAvailable: 15625000 kB\n")
    return tmp_path


@pytest.mark.parametrize(
    ("share", "expected"),
    [("max 100000", 8), ("250000 100000", 3), ("50000 100000", 1), ("1600000 100000", 8), ("nonsense", 8), ("", 8)],
)
def test_cores_are_those_of_the_container(share: str, expected: int, eight: Path) -> None:
    (eight / "cpu.max").write_text(share)
    assert machine.cores() == expected


def test_memory_is_that_of_the_container(eight: Path) -> None:
    assert machine.memory() == 16.0
    (eight / "memory.current").write_text("1000000000\n")
    (eight / "memory.max").write_text("max\n")
    assert machine.memory() == 16.0
    (eight / "memory.max").write_text("4000000000\n")
    assert machine.memory() == 3.0
    (eight / "memory.max").unlink()
    (eight / "meminfo").unlink()
    assert machine.memory() == math.inf


@pytest.mark.parametrize(
    ("cores", "memory_gb", "at_once"),
    [(1, None, 8), (3, None, 2), (16, None, 1), (1, 3.0, 5), (4, 3.0, 2), (1, 99.0, 1)],
)
def test_as_many_at_once_as_there_is_room_for(cores: int, memory_gb: float, at_once: int, eight: Path) -> None:
    assert LocalExecutor(cores, memory_gb).capacity() == at_once


def test_what_runs_already_does_not_count_twice(eight: Path) -> None:
    executor = LocalExecutor(1, 3.0)
    assert executor.capacity() == 5
    (eight / "meminfo").write_text("MemAvailable: 1000 kB\n")
    assert executor.capacity() == 5
