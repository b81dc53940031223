"""Where a run comes from: code, packages, machine."""

import hashlib
import json
import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
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


def provenance(root: Path, code: Sequence[str], interpreter: Interpreter, *, untracked: bool = True) -> Provenance:
    """What is true of the code under `root` (the paths `code` of it), of the interpreter and of this machine."""
    # A copy inside of another checkout, as in .rlops/, is not that checkout's commit.
    tracked = ask_git(root, "ls-files", "--", *code)
    return Provenance(
        code_sha256=code_sha256(root, code, untracked=untracked),
        git_commit=ask_git(root, "rev-parse", "HEAD") if tracked else None,
        git_dirty=bool(tracked and ask_git(root, "status", "--porcelain", "--", *code)),
        packages=interpreter.packages,
        python=interpreter.version,
        machine=cpu_model(),
        fingerprint=machine_fingerprint(interpreter.packages),
    )


def code_sha256(root: Path, code: Sequence[str], *, untracked: bool = True) -> str:
    """sha256 over names and contents of every file below the paths `code`, links followed, submodules by their commit.

    What git ignores does not count, so that a clean checkout, a worktree and a copy of the same code agree; where
    `untracked` is False, neither does what git does not track.
    """
    digest = hashlib.sha256()
    for name, content in sorted({entry for item in code for entry in _entries(root, item, untracked)}):
        digest.update(os.fsencode(name) + f"\0{content}\n".encode())
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


def _entries(root: Path, item: str, untracked: bool) -> Iterator[tuple[str, str]]:
    """Name and content (a hash, a link's target, a submodule's commit) of everything below the path `item`."""
    if Path(item).is_absolute():
        raise UsageError(f"the benchmark's `code` names {item}, which lies outside of {root}; name it from there")
    if not (root / item).exists():
        raise UsageError(f"the benchmark's `code` names {item}, which does not exist in {root}")
    root = root.resolve()
    waiting, seen = [root / item], set[Path]()
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        for path in _files_below(root, place, untracked):
            name = os.path.relpath(path, root)
            if path.is_symlink() and path.is_dir():
                yield name, f"link to {path.readlink()}"
                waiting += [path.resolve()] if path.resolve().is_relative_to(root) else []  # elsewhere: data
            elif path.is_dir():
                yield name, f"submodule at {_submodule_commit(root, path)}"
            elif path.is_file() and "__pycache__" not in path.parts:
                yield name, hashlib.sha256(path.read_bytes()).hexdigest()


def _files_below(root: Path, place: Path, untracked: bool) -> list[Path]:
    others = ("--others", "--exclude-standard") if untracked else ()
    listed = ask_git(root, "ls-files", "-z", "--cached", *others, "--", str(place))
    if listed:
        return [root / name for name in listed.split("\0") if name]
    return [path for path in place.rglob("*") if not path.is_dir() or path.is_symlink()] if place.is_dir() else [place]


def _submodule_commit(root: Path, path: Path) -> str | None:
    """What is checked out there, else what is recorded."""
    if (path / ".git").exists():
        return ask_git(path, "rev-parse", "HEAD")
    recorded = ask_git(root, "ls-files", "--stage", "--", str(path)) or ""
    return recorded.split()[1] if recorded else None
