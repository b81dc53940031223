"""What the paths of runs say: `{algo}/{env_id}_{seed}`."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from rlops.errors import UsageError


@dataclass(frozen=True)
class PathPattern:
    """A pattern for relative paths. A {field} is one or more characters of one folder's name, {seed} is digits."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The pattern in `text`. Raises UsageError for one without fields."""
        pattern = cls(text.strip("/"))
        names = pattern._parts[1::2]
        if not names or any("{" in part or "}" in part for part in pattern._parts[::2]):
            raise UsageError(f"path={text}: name the parts of the path in braces, like {{algo}}/{{env_id}}_{{seed}}")
        for name in names:
            if not re.fullmatch(r"[A-Za-z_]\w*", name) or names.count(name) > 1:
                raise UsageError(f"path={text}: {{{name}}} is to be one word of letters, and there once")
        return pattern

    @property
    def names_files(self) -> bool:
        """Does it end in the name of a file?"""
        return self.text.endswith((".csv", ".json"))

    def is_as_deep_as(self, path: str) -> bool:
        """Has the path as many folders?"""
        return path.count("/") == self.text.count("/")

    def fields(self, path: str) -> dict[str, object] | None:
        """What the path says, None where it does not fit. Raises UsageError where it can be read in two ways."""
        # One takes as little as it can for the fields from left to right, the other as much: equal means unique.
        shortest, longest = (expression.fullmatch(path) for expression in self._expressions)
        if shortest is None or longest is None:
            return None
        if shortest.groups() != longest.groups():
            ways = " or ".join(str(match.groupdict()) for match in (shortest, longest))
            raise UsageError(f"path={self.text}: the path {path} can be read in two ways, {ways}; write more of it out")
        return {name: int(value) if name == "seed" else value for name, value in shortest.groupdict().items()}

    @cached_property
    def _parts(self) -> list[str]:
        """Plain texts and names of fields in turns."""
        return re.split(r"\{([^{}]*)\}", self.text)

    @cached_property
    def _expressions(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        def expression(as_little_as_possible: str) -> re.Pattern[str]:
            parts = [
                f"(?P<{part}>{'[0-9]' if part == 'seed' else '[^/]'}+{as_little_as_possible})"
                if i % 2
                else re.escape(part)
                for i, part in enumerate(self._parts)
            ]
            return re.compile("".join(parts))

        return expression("?"), expression("")
