"""The search through a repository for its training command."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rlops.errors import UsageError
from rlops.plan.benchmark import did_you_mean
from rlops.plan.discover.code import dependency_files
from rlops.plan.discover.imports import HERE, SOURCE_FOLDER, Imports
from rlops.plan.discover.source import Source
from rlops.plan.discover.sources import Sources
from rlops.plan.discover.trainer import (
    ANY_BUDGET,
    ANY_ENVIRONMENT,
    GUESS,
    LACKS_BOTH,
    NOT_FOUND,
    Part,
    Script,
    Trainer,
)

HINTS = (
    b"__main__", b"argparse", b"parse_args", b"click", b"typer", b"tyro", b"absl", b"fire", b"hydra", b"pyrallis",
    b"draccus", b"simple_parsing", b"jsonargparse", b"HfArgumentParser",
)  # fmt: skip
"""A file without any of these has no command line."""
ABOUT_EQUAL = 1
"""Points between scripts that are about equally good (arbitrary)."""
EXAMPLE = 'rlops init --command "python train.py --env {env_id} --seed {seed} --steps {budget}"'


@dataclass(frozen=True)
class Search:
    """What a repository has: trainers, best first; (script, what it lacks); how many files were looked at."""

    trainers: tuple[Trainer, ...]
    lacking: tuple[tuple[str, str], ...]
    looked_at: int

    @property
    def others(self) -> tuple[Trainer, ...]:
        """Trainers that are about as good as the first."""
        return tuple(item for item in self.trainers[1:] if item.score >= self.trainers[0].score - ABOUT_EQUAL)


def find_trainers(root: Path) -> Search:
    """Every script below `root` that looks like a trainer. Files are read and parsed; nothing is imported or run."""
    sources = Sources(root)
    imports = Imports(sources)
    trainers, lacking = [], []
    for path in sources.files:
        script = _program(path, imports)
        if script is None:
            continue
        what = script.lacks
        if what is None:
            trainers.append(script.trainer())
        elif script.is_near:
            lacking.append((script.path, what))
    ranked = sorted(trainers, key=lambda item: (-item.score, item.script.count("/"), item.budget, item.script))
    lacking.sort(key=lambda pair: pair[1] == LACKS_BOTH)
    return Search(tuple(ranked), tuple(lacking), len(sources.files))


def trainer_at(root: Path, script: str) -> Trainer:
    """The trainer in the file `script`, which is given relative to `root` or to the current folder."""
    sources = Sources(root)
    path = _below(root, Path(script))
    source = sources.source(path) if path and path.suffix == ".py" else None
    if path is None or source is None:
        near = did_you_mean(script, map(str, sources.files))
        raise UsageError(f"--script: {script} is no Python file that can be read below {root}{near}")
    found = Script.read(source, Imports(sources))
    if found.line.environment is None or found.line.seed is None:
        raise UsageError(f"--script: {path} {found.lacks}; say how it is started: {EXAMPLE}")
    return found.trainer()


def trainer_of(root: Path, command: Sequence[str]) -> Trainer:
    """What can be known of the trainer that `command` starts."""
    sources = Sources(root)
    first, *others = command
    # A bare `python` is the one of the user's environment, which is the one that rlops runs in.
    parts = _grouped(["{python}" if first in {"python", "python3"} else first, *others])
    source = _started(command, sources)
    if source is not None:
        return Script.read(source, Imports(sources)).trainer_with(parts)
    return Trainer(
        script=command[0],
        parts=parts,
        code=(*dependency_files(sources), ".")[-1:],
        packages=(),
        environments=(ANY_ENVIRONMENT,),
        environments_why=f"{NOT_FOUND}: name those that you care for",
        budget=ANY_BUDGET,
        budget_why=f"{NOT_FOUND}: long enough to learn, short enough to wait for",
        metric=None,
        notes=(f"{GUESS}: no script of this repository was found in the command, so `code` is everything",),
    )


def _program(path: PurePosixPath, imports: Imports) -> Script | None:
    """The file as a script, None where it is none."""
    content = imports.sources.read(path)
    if content is None or not any(hint in content for hint in HINTS):
        return None
    source = imports.sources.source(path)
    return Script.read(source, imports) if source is not None and _is_program(source) else None


def _is_program(source: Source) -> bool:
    """Does it do anything when it is started? Old scripts parse their arguments without asking who they are."""
    if source.main_guard or source.path.name == "__main__.py":
        return True
    top = [node.value for node in source.tree.body if hasattr(node, "value")]
    return any("parse_args" in source.dotted(getattr(call, "func", call)) for call in top if call is not None)


def _below(root: Path, path: Path) -> PurePosixPath | None:
    place = (path if path.is_absolute() else root / path).resolve()
    root = root.resolve()
    return PurePosixPath(place.relative_to(root).as_posix()) if place.is_relative_to(root) else None


def _started(command: Sequence[str], sources: Sources) -> Source | None:
    """The file of the repository that a command starts."""
    paths = [PurePosixPath(word) for word in command if word.endswith(".py") and not word.startswith("/")]
    module = python_module(command)
    if module is not None:
        below = PurePosixPath(*module.split("."))
        paths = [base / path for base in (HERE, SOURCE_FOLDER) for path in (f"{below}.py", below / "__main__.py")]
    return next((source for path in paths if (source := sources.source(path)) is not None), None)


def python_module(command: Sequence[str]) -> str | None:
    """The module that `python -m` in a command starts. Other programs may mean something else by -m."""
    of_python = False
    for word, after in zip(command, [*command[1:], None], strict=True):
        if of_python and word == "-m":
            return after
        of_python = PurePosixPath(word).name.startswith(("python", "{python}")) or (of_python and word.startswith("-"))
    return None


def _grouped(command: Sequence[str]) -> tuple[Part, ...]:
    """A part a line: the program, then every option with its value."""
    groups: list[list[str]] = []
    for i, word in enumerate(command):
        before = command[i - 1] if i else ""
        starts = word.startswith("-") and word not in {"-m", "-I", "-u"}
        is_value = before.startswith("-") and not starts and groups and len(groups[-1]) == 1
        if not groups or starts or not (is_value or len(groups) == 1):
            groups.append([])
        groups[-1].append(word)
    return tuple(Part(tuple(group)) for group in groups)
