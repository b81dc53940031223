"""Where the time of a training goes."""

import time
from collections import defaultdict

PARTS = ("environment", "inference", "advantage", "update", "logging")


class Clock:
    """Adds up the seconds of each part of an iteration: what passed since the last call belongs to the part named."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)
        self._last = time.perf_counter()

    def begin(self) -> None:
        """Starts counting from zero."""
        self._seconds.clear()
        self._last = time.perf_counter()

    def lap(self, part: str) -> None:
        """Ends a part of the work."""
        now = time.perf_counter()
        self._seconds[part] += now - self._last
        self._last = now

    def take(self) -> dict[str, float]:
        """The seconds of each part since the last call; counting starts from zero."""
        taken = dict(self._seconds)
        self._seconds.clear()
        return taken
