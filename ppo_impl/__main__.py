"""`python -m ppo_impl`: trains, and ends with an exit code that tells how it went."""

import gc
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from ppo_impl.checkpoint import Checkpoint, find, save
from ppo_impl.config import Config, ConfigError, flag, parse

if TYPE_CHECKING:
    from ppo_impl.ppo import Trainer
    from ppo_impl.track import Tracker

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

    @property
    def asked(self) -> bool:
        """Whether a signal came."""
        return self.code != OK

    def obey(self) -> None:
        """Leaves the program if a signal came."""
        if self.asked:
            print(f"ppo_impl: stopped by {signal.Signals(self.code - 128).name}", file=sys.stderr)
            sys.exit(self.code)


class Keeper:
    """Writes checkpoints of a training, if the configuration names a directory: now and then, and at its end."""

    SECONDS = 60.0

    def __init__(self, config: Config, trainer: "Trainer", tracker: "Tracker") -> None:
        self._config, self._trainer, self._tracker = config, trainer, tracker
        self._run_ids = tracker.run_ids
        self._last = time.monotonic()

    def keep(self, *, now: bool = False) -> None:
        """Writes one if it is time, or at once."""
        if self._config.checkpoint_dir and (now or time.monotonic() - self._last > self.SECONDS):
            self._tracker.write()  # a training that goes on from here does not log these rows again
            save(Checkpoint(self._config, self._run_ids, self._trainer.state()))
            self._last = time.monotonic()


def run(config: Config, found: Checkpoint | None, stop: StopRequest) -> int:
    """Trains every seed and records it; returns the exit code."""
    from ppo_impl.ppo import Trainer, train  # torch takes seconds to import: --help and usage errors do without
    from ppo_impl.profile import Profile
    from ppo_impl.progress import Progress
    from ppo_impl.track import Tracker

    trainer = Trainer(config)
    if found is not None:
        trainer.restore(found.state)
        print(
            f"{config.env_id}: going on after iteration {trainer.iteration:,} of {config.num_iterations:,}", flush=True
        )
    elif config.checkpoint_dir:
        trainer.state()  # an environment that cannot be saved is refused before it is trained
    with Tracker(config, found.run_ids if found else None) as tracker:
        print(f"{config.env_id}: recorded {tracker.where}", flush=True)
        progress = Progress(config, trainer.iteration * config.batch_size)
        profile = Profile(len(config.seeds) * config.batch_size)
        keeper = Keeper(config, trainer, tracker)
        gc.freeze()  # what is there now stays: the collector need not look at it again
        for iteration in train(trainer):
            tracker.log(iteration)
            progress.show(iteration)
            profile.note(iteration.seconds)
            if stop.asked:
                keeper.keep(now=True)
                stop.obey()
            keeper.keep()
            if not tracker.running:
                break
        keeper.keep(now=True)
    if config.profile:
        title = f"{config.env_id}, {len(config.seeds)} seeds: milliseconds an iteration"
        print(profile.table())
        profile.write(Path(config.profile), title)
        print(f"drawn into {config.profile}")
    return code_of(tracker.lost)


def code_of(lost: Sequence[int]) -> int:
    """The exit code of a training that came to its end; tells which seeds were lost."""
    if not lost:
        return OK
    seeds = ", ".join(map(str, lost))
    print(f"ppo_impl: seed {seeds}: losses or parameters became NaN or infinite; not trained", file=sys.stderr)
    return FAILED


def check_places(config: Config) -> None:
    """Finds out whether files can be written where they are wanted: better now than after the training.

    Raises:
        ConfigError: saying where not.
    """
    picture = Path(config.profile)
    for name, folder in (("checkpoint_dir", Path(config.checkpoint_dir)), ("profile", picture.parent)):
        if getattr(config, name):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                tempfile.TemporaryFile(dir=folder).close()
            except OSError as error:
                raise ConfigError(f"{flag(name)} {getattr(config, name)}: cannot write there: {error}") from error
    if config.profile and picture.is_dir():
        raise ConfigError(f"--profile {config.profile}: is a directory; name a file in it")


def check_surroundings(config: Config) -> None:
    """Finds out what would fail later: the environment's name, wandb's mode.

    Raises:
        ConfigError: saying what is wrong.
    """
    from ppo_impl.environments import inspect

    inspect(config.env_id)
    mode = os.environ.get("WANDB_MODE", "")
    if mode not in WANDB_MODES:
        raise ConfigError(f"WANDB_MODE={mode}: wandb knows no such mode; set it to online, offline or disabled")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code; SystemExit for `--help` and after a signal."""
    stop = StopRequest()
    try:
        config = parse(arguments)
        check_surroundings(config)
        check_places(config)
        found = find(config)
        if found is not None and found.done:
            print(f"{config.env_id}: trained already, to iteration {found.iteration:,}; nothing to do", flush=True)
            return code_of(found.lost)
        seeds = f"{len(config.seeds)} seeds" if len(config.seeds) > 1 else f"seed {config.seeds[0]}"
        print(f"{config.env_id}: training {seeds} with {Path(__file__).parent}", flush=True)
        return run(config, found, stop)
    except ConfigError as error:
        print(f"ppo_impl: {error}", file=sys.stderr)
        return USAGE


if __name__ == "__main__":
    sys.exit(main())
