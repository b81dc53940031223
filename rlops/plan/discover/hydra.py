"""Options of Hydra programs: the keys of their YAML configuration, or of a structured one. `key=value` sets them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from rlops.plan.discover.options import CommandLine, Option
from rlops.plan.discover.source import UNKNOWN, Source, unparsed
from rlops.plan.discover.sources import Sources
from rlops.plan.discover.typed import class_options

MANDATORY = "???"
KEY = re.compile(r"^(\s*)([\w.-]+|\"[^\"]*\"|'[^']*')\s*:(?:\s+(.*))?$")
BLOCK = re.compile(r"^\s*-(\s|$)|:\s+[|>][\d+-]*\s*(#.*)?$")
GROUP = re.compile(r"^\s*-\s*(?:override\s+)?([\w/@.-]+)\s*:\s*([\w./-]+)\s*$")


def hydra_lines(script: Source, closure: Sequence[Source], sources: Sources) -> Iterator[CommandLine]:
    """The keys of the configuration that `@hydra.main` names, with those of the groups in its defaults."""
    for call in script.called.get("hydra.main", ()):
        given = {keyword.arg: script.value(keyword.value) for keyword in call.keywords}
        given |= dict(zip(("config_path", "config_name"), map(script.value, call.args), strict=False))
        folder, name = given.get("config_path"), given.get("config_name")
        path = str(folder if name is None else name)
        if name is not None and isinstance(folder, str):
            path = f"{folder}/{name}"
        config = _inside(script.path.parent, path if path.endswith((".yaml", ".yml")) else f"{path}.yaml")
        options = list(_keys(config, sources)) if config else []
        options = options or _structured(str(name), closure)
        if options:
            place = str(config.parent) if config and len(config.parts) > 1 else str(config)
            reads = (place,) if config and sources.has(config) else ()
            text = (sources.read(config) or b"").decode(errors="replace") if config else ""
            left_open = tuple(name for _, name, value in scalars(text) if value == MANDATORY)
            yield CommandLine(tuple(options), reads=reads, left_open=left_open)


def _keys(config: PurePosixPath, sources: Sources) -> Iterator[Option]:
    text = (sources.read(config) or b"").decode(errors="replace")
    for group, choice in _defaults(text):
        below = config.parent / group / f"{choice.removesuffix('.yaml')}.yaml"
        chosen = (sources.read(below) or b"").decode(errors="replace")
        prefix = "" if "@package _global_" in chosen else f"{group.replace('/', '.')}."
        yield from _options(chosen, below, prefix)
    yield from _options(text, config, "")


def _options(text: str, path: PurePosixPath, prefix: str) -> Iterator[Option]:
    for line, name, value in scalars(text):
        if not name.startswith(("hydra.", "defaults")):
            dotted = f"{prefix}{name}"
            yield Option(
                name=dotted,
                flag=f"{dotted}=",
                where=f"{path}:{line}",
                default=UNKNOWN if value == MANDATORY else value,
                on=(f"{dotted}=true",) if value is False else (),
            )


def scalars(text: str) -> Iterator[tuple[int, str, object]]:
    """Line, dotted name and value of the plain values in a YAML text. Lists, blocks and anchors are passed over."""
    above: list[tuple[int, str]] = []
    inside: int | None = None  # the indent of the list or block that the line may belong to
    for number, line in enumerate(text.splitlines(), start=1):
        indent = len(line) - len(line.lstrip())
        if not line.strip() or (inside is not None and indent > inside):
            continue
        match = KEY.match(line)
        inside = indent if BLOCK.search(line) else None
        if not match:
            continue
        key = match[2].strip("\"'")
        while above and above[-1][0] >= indent:
            above.pop()
        value = re.sub(r"(^|\s)#.*$", "", match[3] or "").strip()
        if value == "":
            above.append((indent, key))
        elif value[0] not in "[{&*|>!":
            yield number, ".".join([*(name for _, name in above), key]), _scalar(value)


def _defaults(text: str) -> Iterator[tuple[str, str]]:
    """Group and choice of every line below `defaults:`."""
    inside = False
    for line in text.splitlines():
        if not line.startswith((" ", "-", "#")) and line.strip():
            inside = line.startswith("defaults:")
        match = GROUP.match(line) if inside else None
        if match and "@" not in match[1] and "hydra/" not in match[1]:
            yield match[1], match[2]


def _structured(name: str, closure: Sequence[Source]) -> list[Option]:
    """Fields of the dataclass that `cs.store(name=..., node=...)` registers under `name`."""
    for source in closure:
        for call in source.methods.get("store", ()):
            given = {keyword.arg: keyword.value for keyword in call.keywords}
            if {"name", "node"} <= given.keys() and source.value(given["name"]) == name:
                return class_options(unparsed(given["node"]).removesuffix("()"), closure)
    return []


def _scalar(text: str) -> object:
    if text[0] in "\"'" and text[-1] == text[0] and len(text) > 1:
        return text[1:-1]
    constants: Mapping[str, object] = {"true": True, "false": False, "null": None, "~": None}
    if text.lower() in constants:
        return constants[text.lower()]
    if "${" in text:
        return UNKNOWN
    if re.fullmatch(r"[+-]?\d[\d_]*", text):
        return int(text.replace("_", ""))
    if re.fullmatch(r"[+-]?(\d[\d_]*)?\.?\d*([eE][+-]?\d{1,3})?", text) and re.search(r"\d", text):
        return float(text.replace("_", ""))
    return text


def _inside(folder: PurePosixPath, name: str) -> PurePosixPath | None:
    """`folder`/`name` without `..`, None where it leaves the repository."""
    parts: list[str] = []
    for part in (folder / name).parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        else:
            parts.append(part)
    path = PurePosixPath(*parts)
    return None if path.is_absolute() else path
