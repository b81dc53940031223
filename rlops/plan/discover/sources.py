"""Python files of a repository, read and never run."""

import ast
import os
import stat
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from rlops.plan.repository import ask_git

MOST_BYTES = 500_000
"""Larger files are data or were generated (arbitrary)."""
MOST_FILES = 5_000
MOST_FOLDERS = 10_000
"""So many are looked at where there is no git, which may be somebody's home (arbitrary)."""
DEEPEST_CONSTANT = 20
LARGEST_EXPONENT = 64
NOT_TRAINERS = {"test", "tests", "testing", "docs", "doc", "third_party", "vendor", "site-packages", "node_modules"}
"""Folders whose scripts train nothing of the user's."""
NOT_PARSED = {"setup.py", "noxfile.py", "conftest.py", "conf.py"}


class _Unknown:
    """A value that only running the code would tell."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = _Unknown()


@dataclass(frozen=True, eq=False)
class Source:
    """One parsed file; `path` is relative to the repository and has forward slashes."""

    path: PurePosixPath
    tree: ast.Module

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node, outer ones first."""
        return list(ast.walk(self.tree))

    @cached_property
    def calls(self) -> list[ast.Call]:
        """Every call, from the top of the file to its end."""
        found = [node for node in self.nodes if isinstance(node, ast.Call)]
        return sorted(found, key=lambda call: (call.lineno, call.col_offset))

    @cached_property
    def called(self) -> dict[str, list[ast.Call]]:
        """Calls by the name of what is called, spelled out: `wandb.init`."""
        found: dict[str, list[ast.Call]] = {}
        for call in self.calls:
            found.setdefault(self.dotted(call.func), []).append(call)
        return found

    @cached_property
    def methods(self) -> dict[str, list[ast.Call]]:
        """Calls by the last part of the name alone, whatever it is called on."""
        found: dict[str, list[ast.Call]] = {}
        for call in self.calls:
            if isinstance(call.func, ast.Attribute):
                found.setdefault(call.func.attr, []).append(call)
        return found

    @cached_property
    def imports(self) -> list[ast.Import | ast.ImportFrom]:
        """Every import, wherever it stands."""
        return [node for node in self.nodes if isinstance(node, ast.Import | ast.ImportFrom)]

    @cached_property
    def assignments(self) -> list[ast.Assign]:
        """Every `name = ...`."""
        return [node for node in self.nodes if isinstance(node, ast.Assign)]

    @cached_property
    def assigned(self) -> dict[str, list[ast.expr]]:
        """Whatever is assigned to a name, anywhere in the file."""
        found: dict[str, list[ast.expr]] = {}
        for node in self.assignments:
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
        return found

    @cached_property
    def items_set(self) -> dict[str, list[ast.expr]]:
        """The keys of every `name[key] = ...`."""
        found: dict[str, list[ast.expr]] = {}
        for node in self.assignments:
            for target in node.targets:
                if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                    found.setdefault(target.value.id, []).append(target.slice)
        return found

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """Classes by name."""
        return {node.name: node for node in self.nodes if isinstance(node, ast.ClassDef)}

    @cached_property
    def functions(self) -> list[ast.FunctionDef]:
        """Every function and method, outer ones first."""
        return [node for node in self.nodes if isinstance(node, ast.FunctionDef)]

    def function(self, name: str) -> ast.FunctionDef | None:
        """The outermost function of that name."""
        return next((node for node in self.functions if node.name == name), None)

    @cached_property
    def origins(self) -> dict[str, str]:
        """Imported names, and what they stand for: `wb` for `import wandb as wb` -> `wandb`."""
        found = {}
        for node in self.imports:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.asname or alias.name.partition(".")[0]
                    found[name] = alias.name if alias.asname else name
            elif not node.level:
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return found

    @cached_property
    def constants(self) -> dict[str, ast.expr]:
        """Names that the file sets at its top level, with what they are set to."""
        return {
            target.id: node.value
            for node in self.tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    @cached_property
    def strings(self) -> list[str]:
        """Every string in the file."""
        return [node.value for node in self.nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]

    @cached_property
    def main_guard(self) -> ast.If | None:
        """`if __name__ == "__main__":`."""
        for node in self.tree.body:
            if isinstance(node, ast.If) and "__name__" in (text := unparsed(node.test)) and "__main__" in text:
                return node
        return None

    @cached_property
    def in_main_guard(self) -> set[ast.AST]:
        """What runs only when the file is the program."""
        return set(ast.walk(self.main_guard)) if self.main_guard else set()

    def dotted(self, node: ast.expr) -> str:
        """`a.b.c` with its first name spelled out as it was imported, nothing for what is no plain name."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self.origins.get(node.id, node.id), *reversed(parts)])

    def value(self, node: ast.expr | None, depth: int = 0) -> object:
        """What a constant expression is, else UNKNOWN. Names of the file's own constants are followed."""
        if node is None or depth > DEEPEST_CONSTANT:
            return UNKNOWN
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name) and node.id in self.constants:
            return self.value(self.constants[node.id], depth + 1)
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            items = [self.value(item, depth + 1) for item in node.elts]
            return UNKNOWN if UNKNOWN in items else items
        return self._number(node, depth)

    def _number(self, node: ast.expr, depth: int) -> object:
        if isinstance(node, ast.Call) and unparsed(node.func) in {"int", "float"} and len(node.args) == 1:
            kind = int if unparsed(node.func) == "int" else float
            return _converted(kind, self.value(node.args[0], depth + 1))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            number = self.value(node.operand, depth + 1)
            return -number if isinstance(number, int | float) else UNKNOWN
        if isinstance(node, ast.BinOp):
            return _computed(self.value(node.left, depth + 1), node.op, self.value(node.right, depth + 1))
        return UNKNOWN

    def where(self, node: ast.AST) -> str:
        """`train.py:12`."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


def unparsed(node: ast.AST) -> str:
    """The source of a node, nothing where it is too deep for Python to write down."""
    try:
        return ast.unparse(node)
    except RecursionError:
        return ""


@dataclass(frozen=True, eq=False)
class Sources:
    """The Python files below `root` that git does not ignore, without tests."""

    root: Path

    @cached_property
    def files(self) -> list[PurePosixPath]:
        """All of them, sorted, relative to the root."""
        listed = ask_git(self.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.py")
        names = listed.split("\0") if listed else _walk(self.root)
        found = {PurePosixPath(name) for name in names if name}
        return sorted((path for path in found if _may_train(path)), key=lambda path: (len(path.parts), path))[
            :MOST_FILES
        ]

    @cached_property
    def packages(self) -> dict[str, tuple[PurePosixPath, ...]]:
        """Packages by name, with the folders that hold them; packages in packages are left out."""
        folders = {path.parent for path in self.files if path.name == "__init__.py" and path.parent.name}
        found: dict[str, tuple[PurePosixPath, ...]] = {}
        for folder in sorted(folders):
            if folder.parent not in folders:
                found[folder.name] = (*found.get(folder.name, ()), folder.parent)
        return found

    def names_in(self, folder: PurePosixPath) -> set[str]:
        """The names of what lies in a folder, without their ends."""
        if folder not in self._names:
            try:
                self._names[folder] = {name.partition(".")[0] for name in os.listdir(self.root / folder)}
            except OSError:
                self._names[folder] = set()
        return self._names[folder]

    @cached_property
    def _names(self) -> dict[PurePosixPath, set[str]]:
        return {}

    @cached_property
    def _cache(self) -> dict[PurePosixPath, Source | None]:
        return {}

    @cached_property
    def _there(self) -> dict[PurePosixPath, bool]:
        return {}

    def source(self, path: PurePosixPath) -> Source | None:
        """The file, parsed; None where it is missing, no regular file, too large or not Python."""
        if path not in self._cache:
            content = self.read(path)
            self._cache[path] = None if content is None else _parsed(path, content)
        return self._cache[path]

    def read(self, path: PurePosixPath) -> bytes | None:
        """The content of a file of the repository. Links are not followed: they may lead anywhere, even nowhere."""
        try:
            facts = (self.root / path).lstat()
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > MOST_BYTES:
                return None
            return (self.root / path).read_bytes()
        except (OSError, ValueError):
            return None

    def has(self, path: PurePosixPath) -> bool:
        """Is it a regular file?"""
        if path not in self._there:
            try:
                self._there[path] = stat.S_ISREG((self.root / path).lstat().st_mode)
            except (OSError, ValueError):
                self._there[path] = False
        return self._there[path]


def _parsed(path: PurePosixPath, content: bytes) -> Source | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Source(path, ast.parse(content))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _may_train(path: PurePosixPath) -> bool:
    name = path.name
    if name in NOT_PARSED or name.startswith("test_") or name.endswith("_test.py"):
        return False
    # What has braces or control characters in its name could not stand in a command.
    return not NOT_TRAINERS.intersection(path.parts) and str(path).isprintable() and not set("{}") & set(str(path))


def _walk(root: Path) -> Iterator[str]:
    found = 0
    for folders, (place, below, names) in enumerate(os.walk(root)):
        if folders > MOST_FOLDERS or found > MOST_FILES:
            return
        below[:] = sorted(name for name in below if _is_ours(Path(place) / name))
        for name in sorted(names):
            if name.endswith(".py"):
                found += 1
                yield (Path(place) / name).relative_to(root).as_posix()


def _is_ours(folder: Path) -> bool:
    """No hidden folder, no virtual environment, nothing that was built or logged."""
    if folder.name.startswith(".") or folder.name in {"__pycache__", "build", "dist", "wandb", *NOT_TRAINERS}:
        return False
    return not (folder / "pyvenv.cfg").exists()


def _converted(kind: type[int] | type[float], number: object) -> object:
    try:
        return kind(number) if isinstance(number, int | float | str) else UNKNOWN
    except (ValueError, OverflowError):
        return UNKNOWN


def _computed(left: object, operator: ast.operator, right: object) -> object:
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return UNKNOWN
    try:
        if isinstance(operator, ast.Mult):
            return left * right
        if isinstance(operator, ast.Add):
            return left + right
        if isinstance(operator, ast.Pow) and 0 <= right <= LARGEST_EXPONENT and abs(left) <= LARGEST_EXPONENT:
            return left**right
    except (OverflowError, ValueError):
        pass
    return UNKNOWN
