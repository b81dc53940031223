"""GitHub's expressions, as far as our files use them: what stands in `if:` and between `${{` and `}}`."""

import json
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>\d+)|(?P<name>[A-Za-z_][\w-]*)|(?P<sign>&&|\|\||[=!]=|[<>]=?|[!().*,]))"
)
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
WORDS = {"true": True, "false": False, "null": None}
STATUS = ("always", "cancelled", "failure", "success")


def evaluate(expression: str, contexts: Mapping[str, Any]) -> Any:
    """The value of an expression; `contexts` has github, inputs and so on, and what the job's status is."""
    parser = _Parser(expression, contexts)
    value = parser.either()
    assert (parser.sign, parser.rest.strip()) == (None, ""), f"not understood: {expression}"
    return value


def condition(text: str | None, contexts: Mapping[str, Any]) -> bool:
    """Does a job or step with this `if:` run? Without a word on the status only while all is well."""
    expression = "success()" if text is None else text.strip().removeprefix("${{").removesuffix("}}")
    if not re.search(rf"\b({'|'.join(STATUS)})\(\)", expression):
        expression = f"success() && ({expression})"
    return _truth(evaluate(expression, contexts))


def filled(text: Any, contexts: Mapping[str, Any]) -> str:
    """A text with the values of its expressions."""
    shown = _text(text) if not isinstance(text, str) else text
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: _text(evaluate(found[1], contexts)), shown)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _truth(value: Any) -> bool:
    return value not in (None, False, 0, "") if not isinstance(value, dict | list) else True


def _number(value: Any) -> float:
    try:
        return float(value or 0)
    except (TypeError, ValueError):
        return float("nan")


def _compared(sign: str, left: Any, right: Any) -> bool:
    """Texts without regard to case; other pairs as numbers."""
    if isinstance(left, str) and isinstance(right, str):
        return COMPARISONS[sign](left.lower(), right.lower())
    return COMPARISONS[sign](_number(left), _number(right))


def _contains(where: Any, what: Any) -> bool:
    if isinstance(where, list):
        return any(_compared("==", item, what) for item in where)
    return _text(what).lower() in _text(where).lower()


class _Parser:
    def __init__(self, text: str, contexts: Mapping[str, Any]) -> None:
        self.rest, self.contexts = text, contexts
        self.sign: str | None = None
        self.kind: str | None = None
        self.step()

    def step(self) -> str | None:
        """The next word; returns the last."""
        last, match = self.sign, TOKEN.match(self.rest)
        self.kind = match.lastgroup if match else None
        self.sign = match[self.kind] if match and self.kind else None
        self.rest = self.rest[match.end() :] if match else self.rest
        return last

    def took(self, *signs: str) -> str | None:
        return self.step() if self.kind == "sign" and self.sign in signs else None

    def either(self) -> Any:
        value = self.both()
        while self.took("||"):
            other = self.both()
            value = value if _truth(value) else other
        return value

    def both(self) -> Any:
        value = self.compared()
        while self.took("&&"):
            other = self.compared()
            value = other if _truth(value) else value
        return value

    def compared(self) -> Any:
        value = self.single()
        while sign := self.took(*COMPARISONS):
            value = _compared(sign, value, self.single())
        return value

    def single(self) -> Any:
        if self.took("!"):
            return not _truth(self.single())
        if self.took("("):
            value = self.either()
            assert self.took(")")
            return value
        if self.kind == "text":
            return str(self.step())[1:-1].replace("''", "'")
        if self.kind == "number":
            return int(str(self.step()))
        assert self.kind == "name", f"not understood: {self.sign}{self.rest}"
        name = str(self.step())
        if self.took("("):
            return self.called(name)
        return WORDS[name] if name in WORDS else self.path(self.contexts[name])

    def called(self, name: str) -> Any:
        arguments = []
        while not self.took(")"):
            arguments.append(self.either())
            self.took(",")
        if name in STATUS:
            return name == "always" or self.contexts["status"] == name
        functions: Mapping[str, Callable[..., Any]] = {
            "contains": _contains,
            "fromJSON": json.loads,
            "startsWith": lambda text, start: _text(text).lower().startswith(_text(start).lower()),
        }
        return functions[name](*arguments)

    def path(self, value: Any) -> Any:
        """Properties; what is not there is null."""
        while self.took("."):
            if self.took("*"):
                assert self.took(".")
                name = self.step()
                value = [item.get(name) for item in value or []]
                continue
            name = self.step()
            value = value.get(name) if isinstance(value, Mapping) else None
        return value
