"""What is installed beside a Python interpreter. Also a program (`python -I interpreter.py NAME...`): stdlib only."""

import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Interpreter:
    """A Python: its version, the versions of the packages asked for, and the folders it has installed editable."""

    path: str
    version: str
    packages: dict[str, str]
    editable: list[str]


def inspect(path: str, packages: Sequence[str]) -> Interpreter:
    """The interpreter at `path`, asked in a process of its own unless it is this one."""
    if path == sys.executable:
        return this_interpreter(packages)
    script = str(Path(__file__).resolve())
    done = subprocess.run([path, "-I", script, *packages], capture_output=True, text=True, check=True)
    return Interpreter(**json.loads(done.stdout.splitlines()[-1]))  # it may print at its start


def this_interpreter(packages: Sequence[str]) -> Interpreter:
    """The interpreter that runs this."""
    return Interpreter(sys.executable, platform.python_version(), installed_versions(packages), _editable_folders())


def installed_versions(packages: Sequence[str]) -> dict[str, str]:
    """Version of each of `packages` that is installed beside this interpreter."""
    versions = {}
    for name in packages:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _editable_folders() -> list[str]:
    """Where `pip install -e` points to (PEP 610)."""
    folders = []
    for distribution in metadata.distributions():
        text = distribution.read_text("direct_url.json")
        try:
            origin = json.loads(text or "{}")
        except ValueError:
            continue
        if origin.get("dir_info", {}).get("editable"):
            folders.append(str(Path(unquote(urlsplit(origin.get("url", "")).path)).resolve()))
    return sorted(set(folders))


if __name__ == "__main__":
    print(json.dumps(asdict(this_interpreter(sys.argv[1:]))))
