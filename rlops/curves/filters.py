"""Does a run pass the filters of a reference? The same answer here as by W&B's own server."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FIELDS = {"tag": "tags", "group": "group", "state": "state", "user": "username"}
"""What W&B calls the run's own; every other filter is a key of its config."""


@dataclass(frozen=True)
class Labels:
    """What can be edited of a run after it was logged, in the browser for instance: none of it is in its history."""

    config: Mapping[str, object] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    group: str | None = None
    user: str | None = None


Filters = Mapping[str, tuple[str, ...]]
"""Key -> the values allowed, as `Reference.run_filters` gives them."""


def passes(labels: Labels, state: str, filters: Filters) -> bool:
    """Do all filters hold? tag, all_tags, group, user and state are the run's own, every other key is of its config."""
    own = {"group": labels.group, "user": labels.user, "state": state}
    for key, allowed in filters.items():
        if key == "all_tags":
            if not set(allowed) <= set(labels.tags):
                return False
        elif key == "tag":
            if set(allowed).isdisjoint(labels.tags):
                return False
        elif key in own:
            if own[key] not in allowed:
                return False
        elif not any(is_value(text, setting(labels.config, key)) for text in allowed):
            return False
    return True


def setting(config: Mapping[str, object], key: str) -> object:
    """A config's value; `a.b` is also what stands under b in a group a. None where there is none."""
    if key in config:
        return config[key]
    head, dot, rest = key.partition(".")
    inner = config.get(head)
    return setting(inner, rest) if dot and isinstance(inner, Mapping) else None


def is_value(text: str, value: object) -> bool:
    """Does a reference that says `text` mean this value? 4 is the number and the text."""
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    if isinstance(value, int | float):
        return number(text) == value
    return text == value


def number(text: str) -> float | int | None:
    """The finite number that a text spells, None where it spells none."""
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def as_mongo(filters: Filters) -> dict[str, Any]:
    """The same as W&B's API takes it."""
    conditions: list[dict[str, Any]] = []
    for key, values in filters.items():
        if key == "all_tags":
            conditions += [{"tags": {"$in": [value]}} for value in values]
        elif key in FIELDS:
            conditions.append({FIELDS[key]: {"$in": list(values)}})
        else:
            conditions.append(_config_is_any(key, values))
    return {"$and": conditions} if conditions else {}


def _config_is_any(key: str, texts: Sequence[str]) -> dict[str, Any]:
    """One list for each kind of value, as databases like them."""
    numbers = [found for found in map(number, texts) if found is not None]
    truths = [text.lower() == "true" for text in texts if text.lower() in {"true", "false"}]
    kinds: list[Sequence[object]] = [kind for kind in (numbers, truths, list(texts)) if kind]
    head, *rest = key.split(".")
    path = ".".join([f"config.{head}.value", *rest])
    parts = [{path: {"$in": kind}} for kind in kinds]
    return parts[0] if len(parts) == 1 else {"$or": parts}
