"""Every setting of a training: the configuration, its `--help` and its documentation are this one dataclass."""

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NoReturn

EXP_NAME = "ppo"


class ConfigError(ValueError):
    """A setting with which no training can start; the text says what, where and what to do next."""


def option(
    default: Any,
    text: str,
    *,
    kind: Callable[[str], Any] | None = None,
    shown: str | None = None,
    recorded: bool = True,
) -> Any:
    """A dataclass field with a default and one line of help.

    Args:
        default: its value if nothing is said.
        text: the help.
        kind: how the command line reads it, if the default does not tell.
        shown: what the help calls the default, if not by its value.
        recorded: whether it belongs to the run's config: it may change the curve.
    """
    kind = kind or type(default)
    shown = str(default) if shown is None else shown
    return field(default=default, metadata={"help": text, "kind": kind, "shown": shown, "recorded": recorded})


def parse_seeds(text: str) -> tuple[int, ...]:
    """`"1,4,7-9"` -> `(1, 4, 7, 8, 9)`, in the order given.

    Raises:
        argparse.ArgumentTypeError: for anything else.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise argparse.ArgumentTypeError(f"{text!r} is not a list of seeds; write 3, 1-10 or 1,4,7-9")
        low, high = int(first), int(last or first)
        if high < low or high - low > 10_000:
            raise argparse.ArgumentTypeError(f"{part!r} is not a range of seeds; write the smaller one first")
        seeds.extend(range(low, high + 1))
    return tuple(seeds)


@dataclass(frozen=True, kw_only=True)
class Config:
    """One training. The defaults are those of the PPO paper's details for classic control (Huang et al., 2022).

    Raises:
        ConfigError: naming every setting that is out of range.
    """

    env_id: str = option("CartPole-v1", "gymnasium environment with flat observations")
    seeds: tuple[int, ...] = option(
        (1,), "seeds trained side by side in this process: 3, 1-10 or 1,4,7-9", kind=parse_seeds, shown="1",
        recorded=False,
    )  # fmt: skip
    total_timesteps: int = option(500_000, "environment steps of each seed, cut to whole iterations")
    num_envs: int = option(4, "environments stepped in parallel, per seed")
    num_steps: int = option(128, "steps of each environment between two updates")
    update_epochs: int = option(4, "passes over the collected batch per update")
    num_minibatches: int = option(4, "minibatches per pass")
    learning_rate: float = option(2.5e-4, "learning rate of Adam at the start; falls linearly to 0")
    gamma: float = option(0.99, "discount factor")
    gae_lambda: float = option(0.95, "lambda of generalised advantage estimation")
    clip_coef: float = option(0.2, "clip range of the probability ratio and of the value")
    clip_vloss: bool = option(
        True, "clip the value loss, too; unclipped, fewer seeds collapse on quick.toml (docs/evidence.md)"
    )
    anneal_clip: bool = option(False, "let the clip range fall linearly to 0, too")
    ent_coef: float = option(0.01, "weight of the entropy bonus")
    vf_coef: float = option(0.5, "weight of the value loss")
    max_grad_norm: float = option(0.5, "largest norm of a seed's whole gradient")
    target_kl: float | None = option(
        None, "a seed stops an update after the pass whose last minibatch has a larger approx_kl", kind=float,
        shown="never",
    )  # fmt: skip
    norm_obs: bool | None = option(
        None, "running normalisation of observations", kind=bool, shown="for continuous actions"
    )
    norm_reward: bool | None = option(
        None, "rewards divided by the running deviation of the return", kind=bool, shown="for continuous actions"
    )
    kernel: bool = option(
        True, "compute the networks in numpy: the same up to rounding, and quicker (docs/performance.md)"
    )
    checkpoint_dir: str = option(
        "", "keep the state of the training there, and go on from it; evaluate reads it, too", shown="nowhere",
        recorded=False,
    )  # fmt: skip
    profile: str = option("", "print where the time went, and draw it into this SVG file", shown="no", recorded=False)

    def __post_init__(self) -> None:
        """Refuses what cannot be trained, all problems in one message."""
        problems = [*_out_of_range(self), *_bad_seeds(self.seeds)] or _bad_sizes(self)
        if problems:
            raise ConfigError("\n".join(problems))

    @property
    def batch_size(self) -> int:
        """Samples of one seed per iteration."""
        return self.num_envs * self.num_steps

    @property
    def num_iterations(self) -> int:
        """Whole iterations that fit into `total_timesteps`."""
        return self.total_timesteps // self.batch_size

    def of_seed(self, seed: int) -> dict[str, Any]:
        """What the run of one seed is recorded with: everything that may change its curve."""
        settings = asdict(self)
        recorded = {one.name: settings[one.name] for one in fields(self) if one.metadata["recorded"]}
        return {"exp_name": EXP_NAME, "seed": seed, **recorded}


_POSITIVE_INTEGERS = ("total_timesteps", "num_envs", "num_steps", "update_epochs", "num_minibatches")
_POSITIVE = ("learning_rate", "clip_coef", "max_grad_norm", "target_kl")
_NOT_NEGATIVE = ("ent_coef", "vf_coef")
_FRACTIONS = ("gamma", "gae_lambda")


def _out_of_range(config: Config) -> list[str]:
    rules: list[tuple[Sequence[str], Any, str]] = [
        (_POSITIVE_INTEGERS, lambda value: value >= 1, "must be at least 1"),
        (_POSITIVE, lambda value: 0 < value < math.inf, "must be above 0"),
        (_NOT_NEGATIVE, lambda value: 0 <= value < math.inf, "must be 0 or more"),
        (_FRACTIONS, lambda value: 0 <= value <= 1, "must be between 0 and 1"),
    ]
    return [
        f"{flag(name)} {getattr(config, name)}: {text}"
        for names, fine, text in rules
        for name in names
        if getattr(config, name) is not None and not fine(getattr(config, name))
    ]


def _bad_seeds(seeds: Sequence[int]) -> list[str]:
    repeated = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if repeated:
        return [f"--seeds: {', '.join(map(str, repeated))} given more than once; each seed is one run, name it once"]
    if not seeds or min(seeds) < 0 or max(seeds) >= 2**32:
        return ["--seeds: needs at least one seed, each from 0 to 4294967295"]
    return []


def _bad_sizes(config: Config) -> list[str]:
    problems = []
    batch = f"--num-envs {config.num_envs} x --num-steps {config.num_steps} = {config.batch_size} samples"
    if config.batch_size % config.num_minibatches:
        problems.append(f"--num-minibatches {config.num_minibatches}: does not divide {batch}; choose a divisor")
    elif config.batch_size == config.num_minibatches:
        problems.append(
            f"--num-minibatches {config.num_minibatches}: {batch}, so one per minibatch, "
            "and advantages cannot be normalised; choose fewer minibatches"
        )
    if config.num_iterations < 1:
        problems.append(
            f"--total-timesteps {config.total_timesteps}: less than one iteration of {batch}; "
            f"give at least {config.batch_size}"
        )
    return problems


def flag(name: str) -> str:
    """The command line's name of a field."""
    return "--" + name.replace("_", "-")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; see python -m ppo_impl --help")


def parser() -> argparse.ArgumentParser:
    """The command line: one option per field of `Config`."""
    command = _Parser(
        prog="python -m ppo_impl",
        description="Train PPO on an environment, many seeds at once; one Weights & Biases run per seed.",
        epilog="WANDB_MODE, WANDB_DIR, WANDB_PROJECT, WANDB_RUN_GROUP and WANDB_TAGS are obeyed; without WANDB_MODE "
        "runs are kept offline. Exit codes: 0 trained, 1 failed, 2 wrong usage, 130 and 143 interrupted.",
        allow_abbrev=False,
    )
    for one in fields(Config):
        told = one.metadata
        text = f"{told['help']} (default: {told['shown']})"
        if told["kind"] is bool:
            command.add_argument(flag(one.name), action=argparse.BooleanOptionalAction, default=one.default, help=text)
            continue
        metavar = one.name.upper() if told["kind"] is parse_seeds else told["kind"].__name__
        command.add_argument(flag(one.name), type=told["kind"], default=one.default, metavar=metavar, help=text)
    return command


def parse(arguments: Sequence[str] | None = None) -> Config:
    """The configuration a command line asks for (`None`: that of this process).

    Raises:
        ConfigError: unknown options, unreadable values, settings out of range.
        SystemExit: `--help`.
    """
    return Config(**vars(parser().parse_args(arguments)))
