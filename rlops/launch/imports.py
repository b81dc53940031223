"""Did a process train the code it was to train? Standard library only: the supervisor, a program, loads it, too.

A package that is installed editable, or copied into site-packages, is one version's code for every process of its
interpreter; a process in another version's folder that imports it trains the wrong code, and both sides look alike.
"""

import itertools
import json
import os
import re
import subprocess
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
    """The top-level packages and modules of the paths `code`: what they name or lie in, and what they hold directly.

    A folder `src` is a place for packages, whether they have an __init__.py or not.
    """
    paths = [root / item for item in code]
    sources = [place for path in paths for place in (path, path / "src") if place.name == "src"]
    found = {path.stem for path in paths if path.suffix == ".py" and not (path.parent / "__init__.py").is_file()}
    found |= {path.name for source in sources for path in source.glob("*/") if any(path.rglob("*.py"))}
    inits = [init for path in paths for init in (path / "__init__.py", *path.glob("*/__init__.py"))]
    return sorted(found | {_top(init.parent).name for init in inits if init.is_file()})


def _top(package: Path) -> Path:
    while (package.parent / "__init__.py").is_file():
        package = package.parent
    return package


def wrong_code(
    folder: Path,
    expected: Mapping[str, Any],
    command: Sequence[str],
    pid: int = 0,
    place: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> list[str]:
    """What the processes whose records lie in `folder` imported from other places than they should, in words.

    `pid`: of the command itself, which ran in the folder `place` with the variables `environment`; its children leave
    records, too. `expected`: `root`, `elsewhere` (folders of other versions), `packages` (names that must come from
    root), `python`.
    """
    records = [_read(path) for path in sorted(folder.glob("imports-*.json"))]
    seen = {name.partition(".")[0] for record in records for name in record["modules"]}
    if expected["packages"] and expected["python"] in command:
        isolated = _isolated(command, expected["python"])
        told = not isolated and seen.intersection(expected["packages"])  # else they may be a child's
        if not told and not _read(folder / f"imports-{pid}.json")["modules"]:
            records.append(_probed(expected, isolated, place, environment))
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
        # An environment may lie in the checkout, and a checkout in an environment.
        folders = [folder for folder in record["installed"] if not root.is_relative_to(folder)]
        installed = any(place.is_relative_to(folder) for folder in folders)
        other_version = any(place.is_relative_to(folder) for folder in expected["elsewhere"])
        if name.partition(".")[0] in expected["packages"] or (other_version and not installed):
            yield name, path


def _isolated(command: Sequence[str], python: str) -> list[str]:
    """The options of the interpreter that keep the recorder out."""
    after = command[command.index(python) + 1 :]
    flags = itertools.takewhile(lambda part: re.fullmatch(r"-[A-Zbdiqsuvx]+", part), after)
    return [part for part in flags if set(part) & set("IE")]


def _probed(
    expected: Mapping[str, Any], isolated: Sequence[str], place: str | None, environment: Mapping[str, str] | None
) -> dict[str, Any]:
    """What the interpreter would import, where no record says what it did: it was isolated, or ended suddenly."""
    try:
        done = subprocess.run(
            [expected["python"], *isolated, "-c", PROBE, *expected["packages"]],
            cwd=place,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LONGEST_PROBE_SECONDS,
            check=True,
        )
        modules = json.loads(done.stdout.splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        modules = {}
    return {"modules": {name: os.path.realpath(path) for name, path in modules.items()}, "installed": []}


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {"modules": dict(content["modules"]), "installed": list(content["installed"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"modules": {}, "installed": []}
