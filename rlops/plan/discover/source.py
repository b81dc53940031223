"""One Python file, parsed and never run, and the questions that are asked about it."""

import ast
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

DEEPEST_CONSTANT = 20
LARGEST_EXPONENT = 64


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


def parse_source(path: PurePosixPath, content: bytes) -> Source | None:
    """The file at `path` with that content, None where it is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Source(path, ast.parse(content))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


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
