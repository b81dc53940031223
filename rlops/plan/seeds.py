"""Seed lists as people write them: `1-10`, `3`, `1,4,7-9`."""

import itertools
import re
from collections import Counter
from collections.abc import Iterable

from rlops.errors import UsageError

MOST_SEEDS = 100_000
"""More is a typing error (arbitrary)."""


def parse_seeds(text: str, where: str = "seeds") -> tuple[int, ...]:
    """The seeds in `text`, in the order written; `where` says in an error what held the text."""
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if not match:
            raise UsageError(f"{where}: '{text}' is not a list of seeds; write it like 1-10 or 1,4,7-9")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise UsageError(f"{where}: the range {first}-{last} runs backwards; write {last}-{first}")
        if last - first >= MOST_SEEDS:
            raise UsageError(f"{where}: {first}-{last} are {last - first + 1} seeds; at most {MOST_SEEDS}")
        seeds.extend(range(first, last + 1))
    twice = sorted(seed for seed, count in Counter(seeds).items() if count > 1)
    if twice:
        raise UsageError(f"{where}: seed {twice[0]} is named twice in '{text}'")
    return tuple(seeds)


def fresh_seeds(seeds: Iterable[int], count: int) -> str:
    """`count` seeds that come after all of `seeds`, as people write them."""
    first = max(seeds) + 1
    return format_seeds(range(first, first + count))


def format_seeds(seeds: Iterable[int]) -> str:
    """The shortest way to write `seeds`, sorted: (1, 2, 3, 7) -> '1-3,7'."""
    parts = []
    for _, group in itertools.groupby(enumerate(sorted(seeds)), key=lambda pair: pair[1] - pair[0]):
        run = [seed for _, seed in group]
        parts.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
    return ",".join(parts)
