"""Did a process train the code it was to train? Also a program (`python -I imports.py CELL`): standard library only.

A package that is installed editable, or copied into site-packages, is one version's code for every process of its
interpreter; a process in another version's folder that imports it trains the wrong code, and both sides look alike.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

RECORDER = Path(__file__).resolve().parent / "recorder"
PROBE = """
import importlib.util, json, sys
found = {name: importlib.util.find_spec(name) for name in sys.argv[1:]}
print(json.dumps({name: spec.origin for name, spec in found.items() if spec and spec.origin}))
"""
LONGEST_PROBE_SECONDS = 60


def packages_of(root: Path, code: Sequence[str]) -> list[str]:
    """The top-level packages below `root` that the paths `code` name, or that lie directly in one of them."""
    candidates = [root / item for item in code]
    candidates += [child for item in candidates if item.is_dir() for child in item.iterdir()]
    return sorted({_top(path).name for path in candidates if (path / "__init__.py").is_file()})


def _top(package: Path) -> Path:
    while (package.parent / "__init__.py").is_file():
        package = package.parent
    return package


def wrong_code(folder: Path, expected: Mapping[str, Any], command: Sequence[str]) -> list[str]:
    """What the process whose records lie in `folder` imported from other places than it should, in words.

    `expected`: `root`, `elsewhere` (folders of other versions), `packages` (names that must come from root), `python`.
    """
    records = [_read(path) for path in sorted(folder.glob("imports-*.json"))]
    if not records and expected["packages"] and command[0] == expected["python"]:
        records = [_probed(expected)]
    root, found = Path(expected["root"]), {}
    for record in records:
        for name, path in _strangers(record, root, expected):
            found[name] = f"{name} was imported from {path}, not from {root}"
    return sorted(found.values())


def _strangers(record: Mapping[str, Any], root: Path, expected: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, path in record["modules"].items():
        place = Path(path)
        if place.is_relative_to(root):
            continue
        installed = any(place.is_relative_to(folder) for folder in record["installed"])
        other_version = any(place.is_relative_to(folder) for folder in expected["elsewhere"])
        if name.partition(".")[0] in expected["packages"] or (other_version and not installed):
            yield name, path


def _probed(expected: Mapping[str, Any]) -> dict[str, Any]:
    """What an isolated interpreter, which no recorder reaches, would import."""
    try:
        done = subprocess.run(
            [expected["python"], "-I", "-c", PROBE, *expected["packages"]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LONGEST_PROBE_SECONDS,
            check=True,
        )
        modules = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        modules = {}
    return {"modules": {name: os.path.realpath(path) for name, path in modules.items()}, "installed": [sys.prefix]}


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {"modules": dict(content["modules"]), "installed": list(content["installed"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"modules": {}, "installed": []}


if __name__ == "__main__":
    cell = Path(sys.argv[1])
    request = json.loads((cell / "cell.json").read_text(encoding="utf-8"))
    print("\n".join(wrong_code(cell, request["imports"], request["command"])))
