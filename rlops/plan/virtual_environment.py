"""Virtual environments for versions whose dependency lock is another one than the checkout's, cached by its hash."""

import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from rlops.errors import RunsFailedError
from rlops.files import locked
from rlops.plan.benchmark import Dependencies
from rlops.strangers import clean, passed_on, redacted

LAST_LINES = 20
INSTALLERS = r"PIP_.*|UV_(?!PUBLISH).*"
"""Variables that say where packages come from."""


def lock_sha256(root: Path, dependencies: Dependencies) -> str:
    """Hash of all that decides what is installed: contents of the lock files, the command, the Python version."""
    digest = hashlib.sha256(json.dumps([dependencies.install, platform.python_version()]).encode())
    for name in dependencies.lock:
        files = [root / name, *sorted((root / name).rglob("*"))]
        for path in [path for path in files if path.is_file()]:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(os.fsencode(path.relative_to(root)) + f"\0{content}\n".encode())
    return digest.hexdigest()


def environment_name(root: Path, dependencies: Dependencies) -> str:
    """The name of the folder of the environment that the lock of the version at `root` asks for."""
    return lock_sha256(root, dependencies)[:12]


def virtual_environment(root: Path, dependencies: Dependencies, parent: Path) -> str:
    """The interpreter of the environment that the lock of the version at `root` asks for; installed where it is not.

    Raises RunsFailedError with the installer's last lines where it fails.
    """
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / environment_name(root, dependencies)
    python = folder / "bin" / "python"
    with locked(folder.with_suffix(".lock")):
        if (folder / ".ready").exists() and python.exists():
            (folder / ".ready").touch()  # `rlops prune` asks when it was last wanted
            return str(python)
        shutil.rmtree(folder, ignore_errors=True)
        log = folder.with_suffix(".log")
        install = [str(python) if part == "{python}" else part for part in dependencies.install]
        with log.open("w", encoding="utf-8") as output:
            for command in ([sys.executable, "-m", "venv", str(folder)], install):
                _run(command, root, output.fileno(), log)
        (folder / ".ready").touch()
    return str(python)


def environment_used(folder: Path) -> float:
    """When an environment was last asked for, in seconds since 1970."""
    ready = folder / ".ready"
    return (ready if ready.exists() else folder).stat().st_mtime


def remove_environment(folder: Path, unused_since: float) -> bool:
    """Remove an environment and its log, unless it was asked for since; did it go?"""
    with locked(folder.with_suffix(".lock")):
        if not folder.is_dir() or environment_used(folder) > unused_since:
            return False
        (folder / ".ready").unlink(missing_ok=True)  # first: what is half gone is made again
        shutil.rmtree(folder)
        folder.with_suffix(".log").unlink(missing_ok=True)
    return True


def _run(command: list[str], root: Path, output: int, log: Path) -> None:
    try:
        code = subprocess.run(
            command, cwd=root, env=passed_on(INSTALLERS), stdout=output, stderr=subprocess.STDOUT, check=False
        ).returncode
        why = f"exit code {code}"
    except OSError as error:
        code, why = 127, str(error)
    if code != 0:
        printed = redacted(clean(log.read_text(encoding="utf-8", errors="replace")))
        tail = "\n".join(printed.splitlines()[-LAST_LINES:])
        raise RunsFailedError(
            f"the dependencies of {root} could not be installed ({why}): {shlex.join(command)}\n{tail}\n"
            f"all of it: {log}; mend [dependencies] in the benchmark file or the lock, then run the same command"
        )
