"""Which files decide what a script trains, and how it must be started for its imports to be found."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from rlops.plan.discover.imports import HERE, Closure, is_relative, top_package
from rlops.plan.discover.sources import Sources
from rlops.plan.discover.words import BY_ENVIRONMENT

LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pixi.lock", "conda-lock.yml")
PINS = re.compile(r"(requirements|constraints)[\w.-]*\.txt|(conda_)?env(ironment)?\.ya?ml")
NOT_FOR_TRAINING = re.compile(r"dev|test|doc|lint|build|ci")
LOOSE = ("pyproject.toml", "setup.cfg", "setup.py")
SETTINGS = (".yaml", ".yml", ".json", ".toml", ".cfg", ".ini", ".gin")
LONGEST_NAME = 200


def how_to_start(closure: Closure, sources: Sources) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The arguments after the interpreter, and the folders that must be on PYTHONPATH for the imports to be found.

    `python -m a.b` where imports are seen from the repository's top, `python a/b.py` where they are seen from the file.
    """
    path = closure.script.path
    package = top_package(path, sources)
    is_main = path.name == "__main__.py" and path.parent != HERE
    if is_main or (is_relative(closure.script) and package):
        base = package.parent if package else path.parent.parent
        module = _module(path.parent if is_main else path, base)
        if module:
            return ("-m", module), _search_path(closure.bases | {base})
    needed = closure.bases - {path.parent}
    module = _module(path, HERE)
    if needed == {HERE} and path.parent not in closure.bases and module:
        return ("-m", module), ()
    return (str(path),), _search_path(needed, always=HERE in needed)


def code_of(closure: Closure, settings: Sequence[str], sources: Sources) -> tuple[str, ...]:
    """The script and what it imports and reads, then what says which packages are installed.

    Folders rather than the files in them: a file too many trains too often, a file too few hides a change.
    """
    found = [PurePosixPath(name) for name in settings]
    imported = [source.path for source in closure.sources[1:]]
    own = top_package(closure.script.path, sources)
    whole_package = own is not None and any(path.is_relative_to(own) for path in imported)
    first = own if own is not None and whole_package else closure.script.path
    others = [top_package(path, sources) or (path if path.parent == HERE else path.parent) for path in imported]
    found = list(dict.fromkeys([first, *others, *found, *_named_files(closure, sources)]))
    kept = [path for path in found if not any(path != other and path.is_relative_to(other) for other in found)]
    kept.sort(key=lambda path: not closure.script.path.is_relative_to(path))
    return (*map(str, kept), *(name for name in dependency_files(sources) if PurePosixPath(name) not in kept))


def dependency_files(sources: Sources) -> tuple[str, ...]:
    """Files at the top that say which packages are installed: locks, else pins, else what lists them loosely."""
    try:
        names = sorted(path.name for path in sources.root.iterdir())
    except OSError:
        return ()
    names = [name for name in names if sources.has(PurePosixPath(name))]
    locks = [name for name in names if name in LOCKS]
    pins = [name for name in names if PINS.fullmatch(name) and not NOT_FOR_TRAINING.search(PurePosixPath(name).stem)]
    return (*locks, *pins) or tuple(name for name in names if _lists_dependencies(name, sources))


def packages_of(closure: Closure, env_ids: Sequence[str]) -> tuple[str, ...]:
    """Installed packages that decide the training: those imported, and the simulators of well-known environments."""
    simulators = [package for pattern, package in BY_ENVIRONMENT if any(re.fullmatch(pattern, env) for env in env_ids)]
    return tuple(dict.fromkeys([*closure.packages, *simulators]))


def _lists_dependencies(name: str, sources: Sources) -> bool:
    text = (sources.read(PurePosixPath(name)) or b"").decode(errors="replace") if name in LOOSE else ""
    if name == "pyproject.toml":
        try:
            content = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            return False
        tables = (content.get("project"), _table(_table(content, "tool"), "poetry"))
        return any(bool(_table(table, "dependencies") or _of(table, "dependencies")) for table in tables)
    return "install_requires" in text


def _table(content: object, key: str) -> dict[str, object]:
    value = _of(content, key)
    return value if isinstance(value, dict) else {}


def _of(content: object, key: str) -> object:
    return content.get(key) if isinstance(content, dict) else None


def _named_files(closure: Closure, sources: Sources) -> Iterator[PurePosixPath]:
    """Settings files that the code names in so many words: `hyperparams/ppo.yml`."""
    for source in closure.sources:
        for value in source.strings:
            if value.endswith(SETTINGS) and len(value) < LONGEST_NAME and value.isprintable():
                for folder in (HERE, closure.script.path.parent):
                    path = folder / value
                    inside = ".." not in path.parts and not path.is_absolute()
                    if inside and path.name not in (*LOCKS, *LOOSE) and sources.has(path):
                        yield path
                        break


def _module(path: PurePosixPath, base: PurePosixPath) -> str | None:
    """`a.b` for a/b.py, None where a name on the way is no name in Python."""
    parts = path.with_suffix("").relative_to(base).parts if path.is_relative_to(base) else ()
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else None


def _search_path(bases: frozenset[PurePosixPath] | set[PurePosixPath], *, always: bool = False) -> tuple[str, ...]:
    """PYTHONPATH entries; the top itself only where a script below it is started by its path."""
    return tuple(sorted(str(base) for base in bases if base != HERE or always))
