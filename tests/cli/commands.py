"""The command line, in this process and in others, and the tables it is tried on."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from rlops.cli.main import main

CHECKOUT = Path(__file__).resolve().parents[2]
BUDGET = 10_000


@dataclass
class Ended:
    """How a command line ended."""

    code: int
    out: str
    err: str


@dataclass
class CommandLine:
    """`rlops ...` in this process: the real entry point with its exit codes, in a folder of its own."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Ended:
        self.capture.readouterr()
        self.monkeypatch.chdir(self.folder)
        self.monkeypatch.setattr(sys, "argv", ["rlops", *arguments])
        before = signal.getsignal(signal.SIGTERM)
        try:
            with pytest.raises(SystemExit) as leaving:
                main()
        finally:
            signal.signal(signal.SIGTERM, before)
        assert type(leaving.value.code) is int
        return Ended(leaving.value.code, *self.capture.readouterr())


def child_environment(home: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(CHECKOUT), **more}


def child(folder: Path, *arguments: str, program: Sequence[str] = ("-m", "rlops"), **more: str) -> Ended:
    """`python -m rlops ...` of this checkout, as a process of its own."""
    done = subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=folder,
        env=child_environment(folder, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


STEADY = (96.0, 97.0, 98.0, 99.0, 100.0, 100.5, 101.0, 102.0, 103.0, 104.0)
ALIKE = (96.5, 97.5, 98.5, 99.5, 100.2, 100.8, 101.5, 102.5, 103.5)
COLLAPSED = (9.0, 10.0, 11.0, 12.0, 13.0)
WIDE = (60.0, 100.0, 140.0)


def table(path: Path, finals: dict[str, Sequence[float]], first_seed: int = 1, end: int = BUDGET) -> str:
    """A long table of curves that rise to their final value at half of the budget; its reference."""
    rows = ["env_id,seed,global_step,episodic_return"]
    for env_id, values in finals.items():
        for seed, final in enumerate(values, start=first_seed):
            steps = range(100, end + 1, 100)
            rows += [f"{env_id},{seed},{step},{final * min(1.0, 2 * step / BUDGET)}" for step in steps]
    path.write_text("\n".join(rows) + "\n")
    return f"file:{path}"
