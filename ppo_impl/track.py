"""One Weights & Biases run per seed."""

import math
import os
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import wandb
from wandb import Run

from ppo_impl.config import EXP_NAME, Config, ConfigError
from ppo_impl.ppo import Iteration

SECONDS_BETWEEN_WRITES = 2.0


class Tracker:
    """The wandb runs of a training, one per seed; a context that finishes them all, however it is left.

    Mode, directory, project, group and tags come from the environment (WANDB_MODE and so on), read by wandb itself;
    without WANDB_MODE the runs stay offline: no account, no network, no prompt.

    Args:
        config: of the training.
        run_ids: seed -> id of the run to go on with.
    """

    def __init__(self, config: Config, run_ids: Mapping[int, str] | None = None) -> None:
        self._config = config
        self._known_ids = run_ids or {}
        self._runs: dict[int, Run] = {}
        self._waiting: list[Iteration] = []
        self._written = time.monotonic()
        self.lost: list[int] = []  # seeds whose training became non-finite

    def __enter__(self) -> Self:
        """Starts the runs.

        Raises:
            ConfigError: wandb lacks something only the user can give, such as a key.
        """
        try:
            for seed in self._config.seeds:
                first = seed == self._config.seeds[0]
                self._runs[seed] = _start(self._config, seed, self._known_ids.get(seed), list_packages=first)
        except BaseException as error:
            self._finish(list(self._runs), exit_code=1)
            if isinstance(error, wandb.errors.UsageError):
                raise ConfigError(f"wandb: {error} Or set WANDB_MODE=offline") from error
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Finishes the runs: exit code 0, that of a SystemExit, or 1 after any other exception."""
        code = 1
        try:
            self.write()
            code = 0 if error is None else 1
            if isinstance(error, SystemExit) and isinstance(error.code, int):
                code = error.code
        finally:
            self._finish(list(self._runs), exit_code=code)

    @property
    def where(self) -> str:
        """In words: where the runs are recorded."""
        run = next(iter(self._runs.values()))
        if run.disabled:
            return "nowhere (WANDB_MODE=disabled)"
        return f"offline in {run.settings.wandb_dir}" if run.offline else str(run.project_url)

    def log(self, iteration: Iteration) -> None:
        """Takes in one row per seed. A seed found non-finite gets its last row and its run ends as failed."""
        self._waiting.append(iteration)
        lost = [place for place, seed in enumerate(self._config.seeds) if seed in self._runs]
        lost = [place for place in lost if not iteration.finite_S[place]]
        if lost or time.monotonic() - self._written > SECONDS_BETWEEN_WRITES:
            self.write()
        for place in lost:
            self.lost.append(self._config.seeds[place])
            self._finish([self._config.seeds[place]], exit_code=1)

    def write(self) -> None:
        """Hands wandb the rows that wait, seed by seed: in bulk they take half the time."""
        waiting, self._waiting = self._waiting, []  # never twice, even if wandb fails in the middle
        for place, seed in enumerate(self._config.seeds):
            if seed in self._runs:
                for iteration in waiting:
                    self._runs[seed].log(row(iteration, place, self._config.batch_size))
        self._written = time.monotonic()

    @property
    def run_ids(self) -> dict[int, str]:
        """Seed -> id of its run."""
        return {seed: run.id for seed, run in self._runs.items()}

    @property
    def running(self) -> bool:
        """Whether any seed is still worth training."""
        return bool(self._runs)

    def _finish(self, seeds: Sequence[int], exit_code: int) -> None:
        for seed in seeds:
            self._runs.pop(seed).finish(exit_code=exit_code)


def _start(config: Config, seed: int, run_id: str | None, *, list_packages: bool) -> Run:
    run = wandb.init(
        name=f"{config.env_id}__{EXP_NAME}__{seed}",
        config=config.of_seed(seed),
        id=run_id,
        resume="allow" if run_id else None,
        mode=None if os.environ.get("WANDB_MODE") else "offline",
        reinit="create_new",
        settings=wandb.Settings(
            x_disable_stats=True,
            console="off",
            silent=True,
            x_save_requirements=list_packages,  # the same for all seeds; listing them is half of a run's start
        ),
    )
    run.define_metric("*", step_metric="global_step")
    return run


def row(iteration: Iteration, place: int, batch_size: int) -> dict[str, float]:
    """What is logged for the seed at a place, under the names the field uses (CleanRL's).

    Losses are means over the iteration's minibatches. SPS is of this iteration, with the logging of the one before it,
    and this seed's own steps. The episodic numbers are means over the episodes that ended in this iteration, and absent
    if none did.
    """
    numbers = {
        "global_step": iteration.global_step,
        "charts/SPS": batch_size / sum(iteration.seconds.values()),
        "charts/learning_rate": iteration.learning_rate,
        **{f"losses/{name}": float(loss_S[place]) for name, loss_S in iteration.losses.items()},
    }
    if not math.isnan(iteration.episodic_length_S[place]):
        numbers["charts/episodic_return"] = float(iteration.episodic_return_S[place])
        numbers["charts/episodic_length"] = float(iteration.episodic_length_S[place])
    return numbers
