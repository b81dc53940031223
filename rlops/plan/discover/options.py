"""Options of a command line, whatever library reads it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rlops.plan.discover.source import UNKNOWN
from rlops.plan.discover.words import (
    ENVIRONMENT,
    LIKELY_STEPS,
    PERHAPS_STEPS,
    SEED,
    SMALLEST_BUDGET,
    STEPS,
    WANDB_MODES,
    WANDB_SWITCHES,
    plain,
)

CHANGE_ME = "CHANGE-ME"
"""Stands in a command where the option must be given and nobody can guess what."""


@dataclass(frozen=True, eq=False)
class Option:
    """One option. `flag`: as it is typed: `--env-id`, `env=` (key=value), or nothing for a positional argument.

    `on`: the arguments that switch it on, where it is a switch that is off.
    """

    name: str
    flag: str
    where: str
    default: object = UNKNOWN
    required: bool = False
    choices: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    several: bool = False

    def given(self, value: str) -> tuple[str, ...]:
        """The arguments that set it."""
        if not self.flag:
            return (value,)
        return (f"{self.flag}{value}",) if self.flag.endswith("=") else (self.flag, value)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What it may be known by: `env.name` is `env_name` and `name`."""
        parts = self.name.split(".")
        return tuple(dict.fromkeys(plain("_".join(parts[i:])) for i in range(len(parts))))

    @property
    def shown(self) -> str:
        """How people call it."""
        return self.flag.rstrip("=") or self.name


@dataclass(frozen=True, eq=False)
class CommandLine:
    """What one program takes; `subcommand` comes before the options.

    `reads`: files and folders beside the sources that it takes settings from; `left_open`: settings without a value.
    """

    options: tuple[Option, ...]
    subcommand: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    left_open: tuple[str, ...] = ()

    def among(self, names: Sequence[str]) -> Option | None:
        """The option with the first of `names` that there is."""
        ranked = [
            (names.index(name), i) for i, option in enumerate(self.options) for name in option.names if name in names
        ]
        return self.options[min(ranked)[1]] if ranked else None

    @cached_property
    def environment(self) -> Option | None:
        """The one for the environment's id."""
        return self.among(ENVIRONMENT)

    @cached_property
    def seed(self) -> Option | None:
        """The one for the seed. `--seeds 5` may mean how many."""
        option = self.among(SEED)
        return None if option and option.names[-1] == "seeds" and isinstance(option.default, int) else option

    @cached_property
    def steps(self) -> Option | None:
        """The one for how long it trains."""
        perhaps = [
            option
            for option in self.options
            if as_steps(option.default) >= SMALLEST_BUDGET
            or (option.default in (None, UNKNOWN) and set(option.names) & set(LIKELY_STEPS))
        ]
        return self.among(STEPS) or replace(self, options=tuple(perhaps)).among(PERHAPS_STEPS)

    @cached_property
    def wandb_mode(self) -> Option | None:
        """The one that says how W&B logs."""
        return next((option for option in self.options if WANDB_MODES & {option.name, *option.names}), None)

    def switches(self, guards: Iterable[tuple[str, str]]) -> list[tuple[Option, tuple[str, ...]]]:
        """Options, each with the arguments, that must be given for W&B to log.

        `guards`: (name, value) of what the code asks before it does; an empty value means: is it true?
        """
        wanted = dict(guards)
        found = []
        for option in self.options:
            asked = [wanted[name] for name in option.names if name in wanted]
            if option.on and (any(value == "" for value in asked) or WANDB_SWITCHES & set(option.names)):
                found.append((option, option.on))
            elif not option.on and any(value and option.default != value for value in asked):
                found.append((option, option.given(next(value for value in asked if value))))
            elif not option.on and "wandb" in option.choices and option.default != "wandb":
                found.append((option, option.given("wandb")))
        return found


def as_steps(value: object) -> int:
    """A default as a number of steps, 0 where it is none."""
    if isinstance(value, str):
        try:
            value = float(value.replace("_", ""))
        except ValueError:
            return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e15:
        return 0
    return int(value)
