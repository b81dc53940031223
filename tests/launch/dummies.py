"""Trainers that train nothing, in a project of their own; whatever a test waits for is a file, never a time."""

import math
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlops.launch import Board, Interrupts, LocalExecutor, fill
from rlops.launch.executor import Executor
from rlops.plan import Benchmark, Grid, Provenance, Variant, code_sha256, expand

TRAINER = '''
"""python trainer.py ENV_ID SEEDS ORDER...; counts its starts in the file `starts` of the folder it is started in."""
import json, os, pathlib, signal, subprocess, sys, time

env_id, seeds, *orders = sys.argv[1:]
cell = env_id.replace("/", "_") + "." + seeds
with open("starts", "a") as file:
    file.write(f"{env_id}\\t{seeds}\\t{os.getpid()}\\n")
print(f"training {env_id} with seeds {seeds}", flush=True)


def wait_for(name):
    deadline = time.monotonic() + 60
    while not os.path.exists(name):
        if time.monotonic() > deadline:
            sys.exit(f"{name} never came")
        time.sleep(0.01)


for order in orders:
    word, _, value = order.partition("=")
    word, _, only = word.partition("@")
    if only and only != seeds:
        continue
    if word == "print":
        print(value.encode().decode("unicode_escape"), flush=True)
    elif word == "mark":
        pathlib.Path(value + "." + cell).touch()
    elif word == "wait":
        wait_for(value)
    elif word == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif word == "polite":
        def leave(*_):
            pathlib.Path("asked." + cell).touch()
            sys.exit(0)
        signal.signal(signal.SIGTERM, leave)
    elif word == "environment":
        pathlib.Path(value).write_text(json.dumps(dict(os.environ)))
    elif word == "arguments":
        pathlib.Path(value).write_text(json.dumps(sys.argv[1:]))
    elif word == "fork":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
        pathlib.Path(value).write_text(str(child.pid))
    elif word == "escape":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"], start_new_session=True)
        pathlib.Path(value).write_text(str(child.pid))
    elif word == "flood":
        for number in range(int(value)):
            print(f"{number:07}" * 146_000)
    elif word == "memory":
        kept = bytearray(int(value) * 1_000_000)
        kept[::4096] = b"x" * len(kept[::4096])
    elif word == "once":
        try:
            pathlib.Path(value + "." + cell).touch(exist_ok=False)
        except FileExistsError:
            break
    elif word == "write":
        path, _, size = value.partition(",")
        pathlib.Path(path).write_bytes(b"x" * int(size))
    elif word == "exit":
        sys.exit(int(value))
    elif word == "kill":
        os.kill(os.getpid(), int(value))
    else:
        sys.exit(f"unknown order {order}")
'''

HOLDER = """
import fcntl, os, sys
held = [os.open(path, os.O_CREAT | os.O_RDWR) for path in sys.argv[1:]]
for lock in held:
    fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""
"""Holds locks until its standard input ends."""


def eventually(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait until `condition()` is true; a test that never sees it fails and says what it waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Is there such a process, and is it no zombie?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def executor(slots: int) -> LocalExecutor:
    """The local executor on a machine with as many cores as the test says."""
    return LocalExecutor(slots=slots)


@dataclass(frozen=True)
class Project:
    """A folder with the trainer, and a store beside it."""

    root: Path

    @property
    def cells(self) -> Path:
        return self.root / "store" / "cells"

    def benchmark(self, *orders: str, many: bool = False, **more: Any) -> Benchmark:
        seeds = "{seeds}" if many else "{seed}"
        return Benchmark.model_validate(
            {
                "name": "bench",
                "code": ["trainer.py"],
                "command": ["{python}", "-I", "trainer.py", "{env_id}", seeds, *orders],
                "environments": ["A-v1"],
                "budget": 1000,
                "packages": [],
                **more,
                "resources": {"retries": 0, **dict(more.get("resources", {}))},
            }
        )

    def code(self, benchmark: Benchmark) -> str:
        return code_sha256(self.root, benchmark.code) if self.root.exists() else "0" * 64

    def grid(self, benchmark: Benchmark, seeds: tuple[int, ...]) -> Grid:
        known = Provenance(self.code(benchmark), None, False, {}, "3", "a machine", "a fingerprint")
        return expand(benchmark, Variant("no-git", self.root, known), seeds)

    def fill(
        self,
        benchmark: Benchmark,
        seeds: tuple[int, ...],
        *,
        slots: int = 2,
        interrupts: Interrupts | None = None,
        changed: Callable[[Board], None] = lambda _board: None,
        force: bool = False,
        until: float = math.inf,
    ) -> Board:
        grid = self.grid(benchmark, seeds)
        stop = interrupts or Interrupts()
        return fill([grid], self.cells, executor(slots), stop, changed, force=force, until=until)

    def lines(self) -> list[list[str]]:
        """Environment, seeds and pid of every start."""
        path = self.root / "starts"
        return [line.split("\t") for line in path.read_text().splitlines()] if path.exists() else []

    def starts(self) -> Counter[str]:
        """How often each 'environment seeds' was started."""
        return Counter(f"{env_id} {seeds}" for env_id, seeds, _ in self.lines())

    def pids(self) -> list[int]:
        return [int(pid) for _, _, pid in self.lines()]

    def touch(self, name: str) -> None:
        (self.root / name).touch()

    def has(self, name: str) -> bool:
        return (self.root / name).exists()

    def directories(self) -> list[Path]:
        return sorted(path.parent for path in self.cells.glob("*/*/cell.json"))

    def directory(self) -> Path:
        (only,) = self.directories()
        return only


def make_project(root: Path) -> Project:
    root.mkdir(parents=True, exist_ok=True)
    (root / "trainer.py").write_text(TRAINER, encoding="utf-8")
    return Project(root)


def write_benchmark(project: Project, *orders: str, name: str = "bench", seeds: str = "1-2", more: str = "") -> None:
    """The benchmark file for `python -m rlops`."""
    command = ["{python}", "-I", "trainer.py", "{env_id}", "{seed}", *orders]
    text = f"""
environments = ["A-v1"]
budget = 1000
code = ["trainer.py"]
packages = []
command = {command}
[seeds]
candidate = "{seeds}"
[resources]
grace_seconds = 20
{more}
"""
    (project.root / "benchmarks").mkdir(exist_ok=True)
    (project.root / "benchmarks" / f"{name}.toml").write_text(text, encoding="utf-8")


CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass
class Rlops:
    """`python -m rlops` of this checkout in a child process, its output in a file: who outlives it holds no pipe."""

    arguments: tuple[str, ...]
    folder: Path
    log: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(CHECKOUT),
            **self.variables,
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rlops", *self.arguments],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.log.read_text()

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for something that this process brings about; if it ends before, what it said is shown."""
        eventually(lambda: condition() or self.process.poll() is not None, what)
        assert condition(), f"rlops ended with {self.process.returncode} before {what}:\n{self.output}"

    def end(self) -> int:
        return self.process.wait(timeout=120)


def start_run(project: Project, *arguments: str, **variables: str) -> Rlops:
    """`rlops run bench` in the project, in its store."""
    log = project.root / f"rlops.{len(list(project.root.glob('rlops.*.log')))}.log"
    return Rlops(("run", "bench", "--dir", "store", *arguments), project.root, log, variables)


def parent_of(pid: int) -> int:
    """The process that started it."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def fill_with(
    engine: Executor,
    project: Project,
    benchmark: Benchmark,
    seeds: tuple[int, ...],
    changed: Callable[[Board], None] = lambda _board: None,
    interrupts: Interrupts | None = None,
) -> Board:
    """As `Project.fill`, by an engine that is not this machine's."""
    return fill([project.grid(benchmark, seeds)], project.cells, engine, interrupts or Interrupts(), changed)
