"""Writes down where a training process imported its modules from. Python loads it at start: it is on PYTHONPATH.

Runs inside of trainers, so it must be silent, quick, and at home in every Python 3; rlops/launch/imports.py reads the
files.
"""

import atexit
import contextlib
import os
import sys

FOLDER = os.environ.get("RLOPS_IMPORTS")
STARTED_IN = ""
with contextlib.suppress(OSError):  # the folder may be gone
    STARTED_IN = os.getcwd()


def _next_sitecustomize() -> None:
    """Load the sitecustomize that this one hides, if there is one."""
    import importlib.machinery

    here = os.path.dirname(os.path.abspath(__file__))
    others = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        import importlib.util

        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def _places() -> "dict[str, str]":
    """Top-level module -> its file; of a namespace package, which may lie in many places, every module below it."""
    found = {}
    with contextlib.suppress(Exception):  # Python takes __file__ from a script before this runs
        if sys.argv[0] not in {"", "-c", "-m"}:
            found["__main__"] = os.path.realpath(os.path.join(STARTED_IN, sys.argv[0]))
    for name, module in list(sys.modules.items()):
        with contextlib.suppress(Exception):
            path = getattr(module, "__file__", None)
            top = sys.modules.get(name.partition(".")[0])
            if isinstance(path, str) and (top is module or getattr(top, "__file__", None) is None):
                found[name] = os.path.realpath(path)
    found.pop("sitecustomize", None)
    return found


def _write(folder: str, done: bool) -> None:
    import json
    import site

    programs, standard = os.path.dirname(sys.executable), os.path.dirname(os.__file__)
    installed = {programs, standard, *site.getsitepackages(), site.getusersitepackages()}
    if sys.prefix != sys.base_prefix:
        installed.add(sys.prefix)
    places = _places() if done else {}
    content = {"done": done, "modules": places, "installed": sorted(map(os.path.realpath, installed))}
    path = os.path.join(folder, f"imports-{os.getpid()}.json")
    with open(path + ".partial", "w") as file:
        json.dump(content, file)
    os.replace(path + ".partial", path)


def _record(done: bool = True) -> None:
    if FOLDER:
        with contextlib.suppress(Exception):
            _write(FOLDER, done)


def _exit_recorded(status: int) -> None:
    _record()
    _exit(status)


if FOLDER:
    _exit = os._exit
    os._exit = _exit_recorded  # type: ignore[assignment]
    atexit.register(_record)
    _record(done=False)
try:
    _next_sitecustomize()
except Exception:  # noqa: BLE001  (Python itself goes on after a broken sitecustomize)
    sys.excepthook(*sys.exc_info())
