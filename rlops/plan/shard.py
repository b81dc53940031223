"""A grid in parts, for machines that share no disk: `2/4` is the second of four."""

import re
from dataclasses import dataclass, replace

from rlops.errors import UsageError
from rlops.plan.grid import Grid


@dataclass(frozen=True)
class Shard:
    """Part `number` (from 1) of `count`. Together the parts are the whole, whatever is known where."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str, where: str = "--shard") -> "Shard":
        """The shard that people write as `i/n`; `where` says in an error what held the text."""
        match = re.fullmatch(r"\s*(\d{1,6})\s*/\s*(\d{1,6})\s*", text, flags=re.ASCII)
        if not match:
            raise UsageError(f"{where}: '{text}' is no shard; write 1/4 for the first of four")
        number, count = int(match[1]), int(match[2])
        if count < 1:
            raise UsageError(f"{where}: '{text}' divides the grid into no parts; write 1/4 for the first of four")
        if not 1 <= number <= count:
            raise UsageError(f"{where}: there is no shard {number} of {count}; they are 1/{count} to {count}/{count}")
        return cls(number, count)

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.number}/{self.count}"

    def of(self, grid: Grid) -> Grid:
        """The cells of this shard: as many as every other has, but for one.

        Stretches of the grid's cells, as many seeds of an environment in a row as one process takes: so every shard has
        all environments where there are seeds enough, and processes of many seeds are not cut into small ones.
        """
        size = grid.benchmark.most_seeds_a_process
        turn = {seed: position // size for position, seed in enumerate(grid.seeds)}
        place = {env_id: position for position, env_id in enumerate(dict.fromkeys(cell.env_id for cell in grid.cells))}
        cells = sorted(grid.cells, key=lambda cell: (turn[cell.seed], place[cell.env_id]))
        first, end = (len(cells) * part // self.count for part in (self.number - 1, self.number))
        mine = {cell.key for cell in cells[first:end]}
        return replace(grid, cells=tuple(cell for cell in grid.cells if cell.key in mine))
