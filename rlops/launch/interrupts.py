"""Ctrl-C once: let running cells end. Twice, or SIGTERM: stop them. Nothing finished depends on either."""

import signal
from types import FrameType, TracebackType

from rlops.errors import ExitCode


class Interrupts:
    """While entered, signals are counted here and do not raise; `leave()` afterwards ends the process as they asked."""

    def __init__(self) -> None:
        self.keyboard = 0
        self.terminated = False
        self._before: dict[signal.Signals, object] = {}

    @property
    def no_more(self) -> bool:
        """Nothing new may be started."""
        return self.keyboard > 0 or self.terminated

    @property
    def stop_now(self) -> bool:
        """What runs must be stopped."""
        return self.keyboard > 1 or self.terminated

    def leave(self) -> None:
        """Raise what the signals would have raised, if there were any."""
        if self.terminated:
            raise SystemExit(ExitCode.SIGTERM)
        if self.keyboard:
            raise KeyboardInterrupt

    def __enter__(self) -> "Interrupts":
        """Take the signals over."""
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            self.keyboard += 1
        else:
            self.terminated = True
