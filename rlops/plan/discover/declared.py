"""Options that a script declares one by one: argparse, click, absl."""

import ast
import re
from collections.abc import Iterator, Sequence

from rlops.plan.discover.options import CommandLine, Option
from rlops.plan.discover.source import UNKNOWN, Source, unparsed

TURNED_ON = {"store_true", "argparse.BooleanOptionalAction", "BooleanOptionalAction"}
ABSL = re.compile(r"(?:absl\.)?flags\.DEFINE_(string|integer|float|bool|boolean|enum)")


def argparse_lines(sources: Sequence[Source]) -> Iterator[CommandLine]:
    """The program's own line, then one for each of its subcommands. Parsers of imported files count as its own."""
    shared: list[Option] = []
    below: dict[str, list[Option]] = {}
    for i, source in enumerate(sources):
        subparsers = _subparsers(source)
        for call in source.methods.get("add_argument", ()):
            if i > 0 and call in source.in_main_guard:
                continue  # the imported file's own program
            option = _argparse_option(source, call)
            if option is not None and isinstance(call.func, ast.Attribute):
                name = subparsers.get(unparsed(call.func.value)) if subparsers else None
                (shared if name is None else below.setdefault(name, [])).append(option)
    if shared or below:
        yield CommandLine(tuple(shared))
    for name, options in below.items():
        yield CommandLine((*shared, *options), (name,))


def click_lines(source: Source) -> Iterator[CommandLine]:
    """A line for every function that click calls."""
    for function in source.functions:
        options = []
        subcommand: tuple[str, ...] = ()
        is_command = False
        for decorator in function.decorator_list:
            if not isinstance(decorator, ast.Call):
                continue
            name = source.dotted(decorator.func)
            if name in {"click.option", "click.argument"}:
                option = _click_option(source, decorator, positional=name == "click.argument")
                options += [option] if option else []
            elif name.endswith(".command"):
                is_command = True
                subcommand = () if name == "click.command" else (_command_name(source, decorator, function),)
        if is_command and options:
            yield CommandLine(tuple(options), subcommand)


def absl_lines(sources: Sequence[Source]) -> Iterator[CommandLine]:
    """One line of all flags: absl knows them all, wherever they are defined."""
    options = []
    for source in sources:
        defined = [
            (kind, call) for name in source.called if (kind := ABSL.fullmatch(name)) for call in source.called[name]
        ]
        for kind, call in sorted(defined, key=lambda pair: pair[1].lineno):
            name = source.value(call.args[0]) if call.args else None
            if not isinstance(name, str):
                continue
            default = _argument(source, call, 1, "default")
            choices = source.value(call.args[2]) if len(call.args) > 2 else []
            is_switch = kind[1].startswith("bool") and not default
            options.append(
                Option(
                    name=name,
                    flag=f"--{name}",
                    where=source.where(call),
                    default=default,
                    required=_keyword(source, call, "required") is True,
                    choices=_strings(choices),
                    on=(f"--{name}",) if is_switch else (),
                )
            )
    if options:
        yield CommandLine(tuple(options))


def _subparsers(source: Source) -> dict[str, str]:
    """Variables that hold the parser of a subcommand."""
    made = set(source.methods.get("add_parser", ()))
    found: dict[str, str] = {}
    for node in source.assignments if made else ():
        if isinstance(node.value, ast.Call) and node.value in made and node.value.args:
            name = source.value(node.value.args[0])
            found |= {unparsed(target): name for target in node.targets if isinstance(name, str)}
    return found


def _argparse_option(source: Source, call: ast.Call) -> Option | None:
    names = [name for name in map(source.value, call.args) if isinstance(name, str)]
    if not names:
        return None
    long = [name for name in names if name.startswith("--")]
    flag = next(iter(long), names[0])
    action = _keyword(source, call, "action")
    action = unparsed(_node(call, "action") or ast.Constant("")) if action is UNKNOWN else action
    default = _keyword(source, call, "default")
    if default is UNKNOWN and _node(call, "default") is None:
        default = False if action == "store_true" else None
    positional = not flag.startswith("-")
    nargs = _keyword(source, call, "nargs")
    return Option(
        name=flag.lstrip("-"),
        flag="" if positional else flag,
        where=source.where(call),
        default=default,
        required=(positional and nargs not in {"?", "*"}) or _keyword(source, call, "required") is True,
        choices=_strings(_keyword(source, call, "choices")),
        on=_argparse_on(source, call, flag, str(action), nargs) if not default else (),
        several=nargs in {"+", "*"} or isinstance(nargs, int),
    )


def _argparse_on(source: Source, call: ast.Call, flag: str, action: str, nargs: object) -> tuple[str, ...]:
    """How a switch is turned on; nothing where it is no switch. CleanRL's older scripts write strtobool."""
    if action in TURNED_ON:
        return (flag,)
    kind = unparsed(_node(call, "type") or ast.Constant(""))
    if "bool" not in kind.lower():
        return ()
    return (flag,) if nargs == "?" and _keyword(source, call, "const") is True else (flag, "True")


def _click_option(source: Source, call: ast.Call, *, positional: bool) -> Option | None:
    names = [name for name in map(source.value, call.args) if isinstance(name, str)]
    if not names:
        return None
    flag = next((name for name in names if name.startswith("--")), names[0])
    on_flag = flag.partition("/")[0]
    is_switch = (
        "/" in flag
        or _keyword(source, call, "is_flag") is True
        or unparsed(_node(call, "type") or ast.Constant("")) == "bool"
    )
    default = _keyword(source, call, "default") if _node(call, "default") else None
    takes_a_value = "/" not in flag and _keyword(source, call, "is_flag") is not True
    kind = _node(call, "type")
    choices = source.value(kind.args[0]) if isinstance(kind, ast.Call) and kind.args else []
    return Option(
        name=on_flag.lstrip("-"),
        flag="" if positional else on_flag,
        where=source.where(call),
        default=default,
        required=(positional and default is None) or _keyword(source, call, "required") is True,
        choices=_strings(choices),
        on=((on_flag, "true") if takes_a_value else (on_flag,)) if is_switch and not default else (),
        several=_keyword(source, call, "multiple") is True or _keyword(source, call, "nargs") not in {UNKNOWN, 1},
    )


def _command_name(source: Source, decorator: ast.Call, function: ast.FunctionDef) -> str:
    given = source.value(decorator.args[0]) if decorator.args else _keyword(source, decorator, "name")
    return given if isinstance(given, str) else function.name.replace("_", "-")


def _argument(source: Source, call: ast.Call, position: int, name: str) -> object:
    if len(call.args) > position:
        return source.value(call.args[position])
    return _keyword(source, call, name)


def _node(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _keyword(source: Source, call: ast.Call, name: str) -> object:
    return source.value(_node(call, name))


def _strings(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
