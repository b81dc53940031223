"""What a script imports: files of its own repository, followed, and packages. And so: how it must be started."""

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from rlops.plan.discover.source import Source
from rlops.plan.discover.sources import Sources
from rlops.plan.discover.words import PACKAGES

MOST_FOLLOWED = 200
"""More files than that are a library, not a trainer (arbitrary)."""
HERE = PurePosixPath()
SOURCE_FOLDER = PurePosixPath("src")


@dataclass(frozen=True, eq=False)
class Closure:
    """The script and everything of its repository that it imports, in the order of the imports.

    `bases`: folders that must be on the module search path. `modules`: what it imports from elsewhere, whatever happens
    (an import in a branch or in a function of another file may be for something else than training).
    """

    script: Source
    sources: tuple[Source, ...]
    bases: frozenset[PurePosixPath]
    modules: frozenset[str]
    dynamic: tuple[str, ...]

    @property
    def packages(self) -> tuple[str, ...]:
        """The installed packages that decide numbers, those of the list in words.py alone."""
        named = [package for module, packages in PACKAGES.items() if module in self.modules for package in packages]
        return tuple(dict.fromkeys(named))


@dataclass(frozen=True)
class _Import:
    """One import. No files: the module is not the repository's."""

    module: str
    always: bool
    base: PurePosixPath | None = None
    files: tuple[PurePosixPath, ...] = ()


@dataclass(eq=False)
class Imports:
    """Imports of the files of a repository, each looked up once."""

    sources: Sources
    _known: dict[tuple[PurePosixPath, PurePosixPath, bool], list[_Import]] = field(default_factory=dict)
    _read: dict[tuple[PurePosixPath, str, tuple[str, ...]], tuple[PurePosixPath, ...]] = field(default_factory=dict)

    def follow(self, script: Source) -> Closure:
        """All that starting the script brings in from its repository."""
        bases: set[PurePosixPath] = set()
        always, modules = self._reach(script, set(), only_always=True)
        everything, _ = self._reach(script, bases, only_always=False)
        dynamic = [s.where(call) for s in everything for call in s.called.get("importlib.import_module", ())]
        in_order = dict.fromkeys((*always, *everything))
        return Closure(script, tuple(in_order), frozenset(bases), frozenset(modules), tuple(dynamic))

    def _reach(self, script: Source, bases: set[PurePosixPath], *, only_always: bool) -> tuple[list[Source], set[str]]:
        waiting, found, modules = [script], {script.path: script}, set()
        while waiting and len(found) < MOST_FOLLOWED:
            source = waiting.pop(0)
            for item in self._of(source, script):
                if only_always and not item.always:
                    continue
                if not item.files:
                    modules.add(item.module.partition(".")[0])
                elif item.base is not None:
                    bases.add(item.base)
                for path in item.files:
                    imported = self.sources.source(path) if path not in found else None
                    if imported is not None:
                        found[path] = imported
                        waiting.append(imported)
        return list(found.values()), modules

    def _of(self, source: Source, script: Source) -> list[_Import]:
        key = source.path, script.path.parent, source is script
        if key not in self._known:
            sure = set(_sure(source.tree.body, source.main_guard, is_program=source is script))
            self._known[key] = list(self._look_up(source, script.path.parent, sure))
        return self._known[key]

    def _look_up(self, source: Source, beside: PurePosixPath, sure: set[ast.stmt]) -> Iterator[_Import]:
        for node in source.imports:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield _Import(alias.name, node in sure, *self._found(alias.name, (), source, beside))
            else:
                names = tuple(alias.name for alias in node.names)
                if node.level:
                    folder = source.path.parent
                    for _ in range(node.level - 1):
                        folder = folder.parent
                    files = self._files(folder, node.module or "", names) or (source.path,)
                    yield _Import(".", node in sure, None, files)
                elif node.module:
                    yield _Import(node.module, node in sure, *self._found(node.module, names, source, beside))

    def _found(
        self, module: str, names: tuple[str, ...], source: Source, beside: PurePosixPath
    ) -> tuple[PurePosixPath | None, tuple[PurePosixPath, ...]]:
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names:
            return None, ()
        elsewhere = () if top in PACKAGES else self.sources.packages.get(top, ())
        for base in dict.fromkeys((beside, HERE, SOURCE_FOLDER, *elsewhere)):
            paths = self._files(base, module, names) if top in self.sources.names_in(base) else ()
            if paths and paths != (source.path,):
                return base, paths
        return None, ()

    def _files(self, base: PurePosixPath, module: str, names: tuple[str, ...]) -> tuple[PurePosixPath, ...]:
        """The files that importing `names` from `module` reads, seen from `base`."""
        key = base, module, names
        if key not in self._read:
            self._read[key] = self._look_for(base, module, names)
        return self._read[key]

    def _look_for(self, base: PurePosixPath, module: str, names: tuple[str, ...]) -> tuple[PurePosixPath, ...]:
        has = self.sources.has
        target = base.joinpath(*module.split(".")) if module else base
        whole = [target / "__init__.py", *([target.with_suffix(".py")] if module else [])]
        own = [path for path in whole if has(path)][:1]
        below = [path for name in names for path in (target / f"{name}.py", target / name / "__init__.py") if has(path)]
        if not own and not below:
            return ()
        # Importing a.b.c runs a/__init__.py and a/b/__init__.py first.
        above = [folder / "__init__.py" for folder in target.parents if folder.is_relative_to(base) and folder != base]
        return (*filter(has, above), *own, *below)


def _sure(body: Sequence[ast.stmt], main_guard: ast.If | None, *, is_program: bool) -> Iterator[ast.stmt]:
    """The statements that run whatever happens: not those in branches, of an imported file not those in functions."""
    for statement in body:
        yield statement
        inner = isinstance(statement, ast.With) or (isinstance(statement, ast.Try) and not _may_be_missing(statement))
        if is_program:
            inner = inner or statement is main_guard or isinstance(statement, ast.FunctionDef)
        if inner:
            yield from _sure(getattr(statement, "body", []), main_guard, is_program=is_program)


def _may_be_missing(statement: ast.Try) -> bool:
    """`try: import x` with an `except` that takes nothing else instead."""
    caught = [node for handler in statement.handlers for node in handler.body]
    return bool(caught) and not any(isinstance(node, ast.Import | ast.ImportFrom) for node in caught)


def top_package(path: PurePosixPath, sources: Sources) -> PurePosixPath | None:
    """The outermost folder around a file that is a package in one piece with it."""
    top = None
    for folder in path.parents:
        if folder == HERE or not sources.has(folder / "__init__.py"):
            break
        top = folder
    return top


def is_relative(source: Source) -> bool:
    """Does it import by `from .`? Then it is no program by itself."""
    return any(isinstance(node, ast.ImportFrom) and node.level for node in source.imports)
