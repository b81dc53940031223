"""Where a run comes from: code, packages, machine."""

import hashlib
import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rlops.errors import UsageError
from rlops.plan.interpreter import Interpreter
from rlops.plan.repository import ask_git

NUMERIC_VARIABLES = ("ATEN_CPU_CAPABILITY", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Environment variables that choose other kernels or another order of summation."""


@dataclass(frozen=True)
class Provenance:
    """What a cell's result may depend on beside its command, and what a reader wants to know of it."""

    code_sha256: str
    git_commit: str | None
    git_dirty: bool
    packages: Mapping[str, str]
    python: str
    machine: str
    fingerprint: str

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return {**asdict(self), "packages": dict(self.packages)}


def provenance(root: Path, code: Sequence[str], interpreter: Interpreter) -> Provenance:
    """What is true of the code under `root` (the paths `code` of it), of the interpreter and of this machine."""
    # A copy inside of another checkout, as in .rlops/, is not that checkout's commit.
    tracked = ask_git(root, "ls-files", "--", *code)
    return Provenance(
        code_sha256=code_sha256(root, code),
        git_commit=ask_git(root, "rev-parse", "HEAD") if tracked else None,
        git_dirty=bool(tracked and ask_git(root, "status", "--porcelain", "--", *code)),
        packages=interpreter.packages,
        python=interpreter.version,
        machine=cpu_model(),
        fingerprint=machine_fingerprint(interpreter.packages),
    )


def code_sha256(root: Path, code: Sequence[str]) -> str:
    """sha256 over names and contents of every file below the paths `code`.

    What git ignores does not count, so that a clean checkout, a worktree and a copy of the same code agree.
    """
    digest = hashlib.sha256()
    for path in sorted({file for item in code for file in _files_below(root, item)}):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(os.fsencode(path.relative_to(root).as_posix()) + f"\0{content}\n".encode())
    return digest.hexdigest()


def machine_fingerprint(versions: Mapping[str, str]) -> str:
    """Equal fingerprints promise bit-equal training: CPU model and flags, package versions, threads, kernels chosen."""
    facts = {
        "cpu": cpu_model(),
        "flags": _cpuinfo("flags") or _cpuinfo("Features"),
        "architecture": platform.machine(),
        "packages": dict(versions),
        "variables": {name: os.environ[name] for name in NUMERIC_VARIABLES if name in os.environ},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def cpu_model() -> str:
    """The processor as the operating system names it."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _cpuinfo(field: str) -> str | None:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    match = re.search(rf"^{field}\s*:\s*(.*)$", text, flags=re.MULTILINE)
    return match[1].strip() if match else None


def _files_below(root: Path, item: str) -> list[Path]:
    if Path(item).is_absolute():
        raise UsageError(f"the benchmark's `code` names {item}, which lies outside of {root}; name it from there")
    if not (root / item).exists():
        raise UsageError(f"the benchmark's `code` names {item}, which does not exist in {root}")
    listed = ask_git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", item)
    if listed:
        files = [root / name for name in listed.split("\0") if name]
    else:
        files = list((root / item).rglob("*")) if (root / item).is_dir() else [root / item]
    return [path for path in files if path.is_file() and "__pycache__" not in path.parts]
