"""Options that a library makes of a dataclass or of parameters: tyro, typer, fire, pyrallis and the like."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rlops.plan.discover.options import CommandLine, Option
from rlops.plan.discover.source import UNKNOWN, Source, unparsed

DEEPEST_FIELD = 3
MOST_CLASSES = 500
"""Classes may nest and derive in ways that would take for ever to write out (arbitrary)."""
DASHES = "-"
UNDERSCORES = "_"


@dataclass(frozen=True)
class Style:
    """How a library writes a field: with dashes or underscores, and how a switch is turned on."""

    between: str
    on: tuple[str, ...] = ()
    positional: bool = False
    """Is a parameter without a default a positional argument?"""
    of_function: bool = False
    """Is the thing called the function's own parameter (a decorator), not an argument of the call?"""


STYLES = {
    "tyro.cli": Style(DASHES),
    "sensai.util.logging.run_cli": Style(UNDERSCORES, on=("true",), positional=True),
    "fire.Fire": Style(UNDERSCORES),
    "typer.run": Style(DASHES, positional=True),
    "jsonargparse.CLI": Style(UNDERSCORES, on=("true",), positional=True),
    "jsonargparse.auto_cli": Style(UNDERSCORES, on=("true",), positional=True),
    "pyrallis.parse": Style(UNDERSCORES, on=("true",)),
    "draccus.parse": Style(UNDERSCORES, on=("true",)),
    "simple_parsing.parse": Style(UNDERSCORES),
    "transformers.HfArgumentParser": Style(UNDERSCORES),
    "pyrallis.wrap": Style(UNDERSCORES, on=("true",), of_function=True),
    "draccus.wrap": Style(UNDERSCORES, on=("true",), of_function=True),
}
TYPER = Style(DASHES, positional=True)
NO_FIELDS = ("ClassVar",)


def typed_lines(sources: Sequence[Source]) -> Iterator[CommandLine]:
    """The command lines that libraries make of types, in the program or in a function of a file that it imports."""
    for i, source in enumerate(sources):
        calls = [(style, call) for name, style in STYLES.items() for call in source.called.get(name, ())]
        for style, call in calls:
            if style.of_function or (i > 0 and call in source.in_main_guard):
                continue
            options = [option for name in _called(call) for option in _options_of(name, source, sources, style)]
            if options:
                yield CommandLine(tuple(options))
        yield from _decorated(source, sources)


def class_options(
    name: str,
    sources: Sequence[Source],
    prefix: str = "",
    style: Style | None = None,
    seen: set[tuple[str, str]] | None = None,
) -> list[Option]:
    """The fields of the class called `name`, its bases' first, nested ones with dots. `seen`: classes and prefixes."""
    found = _class(name, sources)
    seen = set() if seen is None else seen
    if found is None or (name, prefix) in seen or len(seen) > MOST_CLASSES or prefix.count(".") > DEEPEST_FIELD:
        return []
    seen.add((name, prefix))
    source, node = found
    options: dict[str, Option] = {}
    for base in node.bases:
        if isinstance(base, ast.Name):
            inherited = class_options(base.id, sources, prefix, style, seen)
            options |= {option.name: option for option in inherited}
    for statement in node.body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        annotation = unparsed(statement.annotation)
        if annotation.startswith(NO_FIELDS) or _no_init(statement.value):
            continue
        dotted = f"{prefix}{statement.target.id}"
        nested = class_options(annotation, sources, f"{dotted}.", style, seen)
        own = _option(dotted, source, statement, annotation, _default(source, statement.value), style)
        options |= {option.name: option for option in nested or [own]}
    return list(options.values())


def _decorated(source: Source, sources: Sequence[Source]) -> Iterator[CommandLine]:
    """`@pyrallis.wrap()` and typer's `@app.command()`."""
    made = source.called.get("typer.Typer", ())
    apps = [node for node in source.assignments if node.value in made] if made else []
    typer_apps = {unparsed(target) for node in apps for target in node.targets}
    commands = []
    for function in source.functions:
        for decorator in function.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            style = STYLES.get(source.dotted(called))
            if style is not None and style.of_function:
                classes = [unparsed(argument.annotation) for argument in function.args.args if argument.annotation]
                yield CommandLine(tuple(o for name in classes for o in class_options(name, sources, "", style)))
            elif (
                isinstance(called, ast.Attribute) and called.attr == "command" and unparsed(called.value) in typer_apps
            ):
                commands.append(function)
    for function in commands:
        # Typer asks for the command's name only where there is a choice.
        name = (function.name.replace("_", "-"),) if len(commands) > 1 else ()
        yield CommandLine(tuple(_parameters(function, source, TYPER)), name)


def _called(call: ast.Call) -> list[str]:
    """Names of the classes or functions that a call makes a command line of."""
    given = [
        *call.args[:1],
        *(keyword.value for keyword in call.keywords if keyword.arg in {"config_class", "component"}),
    ]
    nodes = [item for node in given for item in (node.elts if isinstance(node, ast.Tuple | ast.List) else [node])]
    return [node.id for node in nodes if isinstance(node, ast.Name)]


def _options_of(name: str, source: Source, sources: Sequence[Source], style: Style) -> list[Option]:
    for place in (source, *sources):
        function = place.function(name)
        if function is not None:
            return _parameters(function, place, style)
    return class_options(name, sources, "", style)


def _class(name: str, sources: Sequence[Source]) -> tuple[Source, ast.ClassDef] | None:
    return next(((source, source.classes[name]) for source in sources if name in source.classes), None)


def _parameters(function: ast.FunctionDef, source: Source, style: Style) -> list[Option]:
    arguments = [*function.args.posonlyargs, *function.args.args]
    without = len(arguments) - len(function.args.defaults)
    pairs: list[tuple[ast.arg, ast.expr | None]] = [
        *((argument, None) for argument in arguments[:without]),
        *zip(arguments[without:], function.args.defaults, strict=True),
        *zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True),
    ]
    found = []
    for argument, given in pairs:
        annotation = unparsed(argument.annotation) if argument.annotation else ""
        option = _option(argument.arg, source, argument, annotation, _default(source, given), style)
        typer_call = _typer_call(source, given) or _typer_call(source, argument.annotation)
        found.append(_as_typer_says(option, source, typer_call) if typer_call else option)
    return found


def _option(
    name: str, source: Source, node: ast.AST, annotation: str, default: tuple[bool, object], style: Style | None
) -> Option:
    """A field as an option; without a style (Hydra's structured configs) as `key=value`."""
    there, value = default
    if style is None:
        on = (f"{name}=true",) if value is False else ()
        return Option(name, f"{name}=", source.where(node), value, required=not there, on=on)
    flag = f"--{name.replace('_', style.between)}"
    is_switch = value is False or (annotation == "bool" and not there)
    return Option(
        name=name,
        flag="" if style.positional and not there else flag,
        where=source.where(node),
        default=value,
        required=not there,
        on=(flag, *style.on) if is_switch else (),
        several=annotation.lower().startswith(("list", "tuple", "sequence")),
    )


def _typer_call(source: Source, node: ast.expr | None) -> ast.Call | None:
    """`typer.Option(...)` or `typer.Argument(...)`, as a default or in an annotation."""
    for call in ast.walk(node) if node is not None else ():
        if isinstance(call, ast.Call) and source.dotted(call.func) in {"typer.Option", "typer.Argument"}:
            return call
    return None


def _as_typer_says(option: Option, source: Source, call: ast.Call) -> Option:
    if source.dotted(call.func) == "typer.Argument":
        return replace(option, flag="", on=())
    names = [value for value in map(source.value, call.args) if isinstance(value, str) and value.startswith("--")]
    flag = names[0].partition("/")[0] if names else f"--{option.name.replace('_', '-')}"
    return replace(option, flag=flag, on=(flag,) if option.on else ())


def _default(source: Source, node: ast.expr | None) -> tuple[bool, object]:
    """Is there a default, and what is it? `field(default=1)` and `typer.Option(1)` are looked into."""
    if node is None:
        return False, UNKNOWN
    if not isinstance(node, ast.Call) or source.value(node) is not UNKNOWN:
        return True, source.value(node)
    named = next((keyword.value for keyword in node.keywords if keyword.arg == "default"), None)
    first = node.args[0] if node.args else None
    value = source.value(named or first)
    return value is not Ellipsis, UNKNOWN if value is Ellipsis else value


def _no_init(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Call) and any(
        keyword.arg == "init" and unparsed(keyword.value) == "False" for keyword in node.keywords
    )
