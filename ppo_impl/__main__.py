"""`python -m ppo_impl`: trains, and ends with an exit code that tells how it went."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from ppo_impl.config import Config, ConfigError, parse

OK, FAILED, USAGE = 0, 1, 2  # and 128 + n after signal n: 130 SIGINT, 143 SIGTERM
WANDB_MODES = ("", "online", "offline", "shared", "disabled", "dryrun", "run")


class StopRequest:
    """Turns SIGINT and SIGTERM into an orderly end: the first is obeyed between two iterations, the second at once."""

    def __init__(self) -> None:
        self.code = OK
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._remember)

    def _remember(self, number: int, _: FrameType | None) -> None:
        if self.code:
            sys.exit(self.code)
        self.code = 128 + number

    def obey(self) -> None:
        """Leaves the program if a signal came."""
        if self.code:
            print(f"ppo_impl: stopped by {signal.Signals(self.code - 128).name}", file=sys.stderr)
            sys.exit(self.code)


def run(config: Config, stop: StopRequest) -> int:
    """Trains every seed and records it; returns the exit code."""
    from ppo_impl.ppo import train  # torch takes seconds to import: --help and usage errors do without
    from ppo_impl.progress import Progress
    from ppo_impl.track import Tracker

    with Tracker(config) as tracker:
        print(f"{config.env_id}: recorded {tracker.where}", flush=True)
        progress = Progress(config)
        stop.obey()
        for iteration in train(config):
            tracker.log(iteration)
            progress.show(iteration)
            stop.obey()
            if not tracker.running:
                break
    if tracker.lost:
        seeds = ", ".join(map(str, tracker.lost))
        print(f"ppo_impl: seed {seeds}: losses or parameters became NaN or infinite; not trained", file=sys.stderr)
        return FAILED
    return OK


def check_surroundings(config: Config) -> None:
    """Finds out what would fail later: the environment's name, wandb's mode.

    Raises:
        ConfigError: saying what is wrong.
    """
    from ppo_impl.environments import make

    make(config.env_id).close()
    mode = os.environ.get("WANDB_MODE", "")
    if mode not in WANDB_MODES:
        raise ConfigError(f"WANDB_MODE={mode}: wandb knows no such mode; set it to online, offline or disabled")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code; SystemExit for `--help` and after a signal."""
    stop = StopRequest()
    try:
        config = parse(arguments)
        check_surroundings(config)
        seeds = f"{len(config.seeds)} seeds" if len(config.seeds) > 1 else f"seed {config.seeds[0]}"
        print(f"{config.env_id}: training {seeds} with {Path(__file__).parent}", flush=True)
        return run(config, stop)
    except ConfigError as error:
        print(f"ppo_impl: {error}", file=sys.stderr)
        return USAGE


if __name__ == "__main__":
    sys.exit(main())
