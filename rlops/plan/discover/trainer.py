"""A script as a trainer: its command, and what is known of what it trains."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from rlops.plan.discover.code import code_of, how_to_start, packages_of
from rlops.plan.discover.declared import absl_lines, argparse_lines, click_lines
from rlops.plan.discover.hydra import hydra_lines
from rlops.plan.discover.imports import Closure, Imports
from rlops.plan.discover.logged import Logging, Metric
from rlops.plan.discover.options import CHANGE_ME, CommandLine, Option, as_steps
from rlops.plan.discover.source import Source
from rlops.plan.discover.sources import Sources
from rlops.plan.discover.typed import typed_lines
from rlops.plan.discover.words import DOES_NOT_TRAIN, LEARNING, RUNS, TRAINS, words_of

ANY_ENVIRONMENT = "CartPole-v1"
ANY_BUDGET = 100_000
FEWEST_STEPS = 100
"""What a benchmark may be at least."""
PLAYS = {"gymnasium", "gym", "gymnax", "envpool", "brax", "dm_control", "pettingzoo", "dmc2gym", "procgen"}
LACKS_BOTH = "has no option for the environment and none for the seed"
GUESS = "GUESS"
NOT_FOUND = "NOT FOUND"


@dataclass(frozen=True)
class Part:
    """Arguments of the command that belong together, and why they are there."""

    arguments: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True)
class Trainer:
    """A training command with everything a benchmark needs.

    The `..._why` say where a value was read, or begin with GUESS or NOT FOUND. `notes`: what its user must know.
    """

    script: str
    parts: tuple[Part, ...]
    code: tuple[str, ...]
    packages: tuple[str, ...]
    environments: tuple[str, ...]
    environments_why: str
    budget: int
    budget_why: str
    metric: Metric | None
    variables: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    score: int = field(default=0, compare=False)

    @property
    def command(self) -> tuple[str, ...]:
        """The argument list."""
        return tuple(argument for part in self.parts for argument in part.arguments)


@dataclass(frozen=True, eq=False)
class Script:
    """A file that may train, with all that it imports from its repository."""

    closure: Closure
    line: CommandLine
    logging: Logging
    sources: Sources

    @classmethod
    def read(cls, source: Source, imports: Imports) -> "Script":
        """The file, with the best of its command lines (an empty one where it has none)."""
        closure = imports.follow(source)
        lines = list(_command_lines(closure, imports.sources))
        line = max(lines, key=_completeness, default=CommandLine(()))
        return cls(closure, line, Logging(closure.sources), imports.sources)

    @property
    def path(self) -> str:
        """Where it is."""
        return str(self.closure.script.path)

    @property
    def learns(self) -> bool:
        """Does it import anything that learns?"""
        return not self.closure.modules.isdisjoint(LEARNING)

    @property
    def is_near(self) -> bool:
        """Does it look like a trainer, whatever options it has?"""
        plays = not self.closure.modules.isdisjoint(PLAYS)
        return self.learns or plays or self.logging.uses_wandb

    @property
    def lacks(self) -> str | None:
        """What it has not got that a trainer needs, None for a trainer."""
        environment, seed = self.line.environment, self.line.seed
        if environment and seed:
            return None if self.line.steps or self.is_near else "imports nothing that learns"
        if not environment and not seed:
            return LACKS_BOTH
        has, lacks = (environment, "seed") if environment else (seed, "environment")
        return f"has {has.shown if has else ''}, but no option for the {lacks}"

    def trainer(self) -> Trainer:
        """All of it, for a script that lacks nothing."""
        start, search_path = how_to_start(self.closure, self.sources)
        parts = [Part(("{python}", *start, *self.line.subcommand)), *self._own_parts()]
        return self.trainer_with(tuple(parts), search_path)

    def trainer_with(self, parts: tuple[Part, ...], search_path: tuple[str, ...] = ()) -> Trainer:
        """What is known of a trainer that is started by the command `parts`."""
        environments, environments_why = self._environments()
        budget, budget_why = self._budget()
        return Trainer(
            script=self.path,
            parts=parts,
            code=code_of(self.closure, self.line.reads, self.sources),
            packages=packages_of(self.closure, environments),
            environments=environments,
            environments_why=environments_why,
            budget=budget,
            budget_why=budget_why,
            metric=self.logging.metric(),
            variables=(("PYTHONPATH", ":".join(search_path)),) if search_path else (),
            notes=tuple(self._notes()),
            score=self._score(),
        )

    def _own_parts(self) -> Iterator[Part]:
        filled = {self.line.environment: "{env_id}", self.line.seed: "{seed}", self.line.steps: "{budget}"}
        options: list[Part] = []
        positional: list[Part] = []
        switches = dict(self.line.switches(self.logging.guards)) if self.logging.uses_wandb else {}
        for option in (*(o for o in filled if o), *(o for o in self.line.options if o not in filled)):
            part = self._part(option, filled.get(option), switches)
            if part:
                (options if option.flag else positional).append(part)
        yield from options
        yield from sorted(positional, key=lambda part: _position(part, self.line, filled))

    def _part(self, option: Option, value: str | None, switches: dict[Option, tuple[str, ...]]) -> Part | None:
        if value == "{seed}" and option.names[-1] == "seeds" and not option.several:
            return Part(option.given("{seeds}"), f"{GUESS}: it takes 1-10; write {{seed}} where it takes one seed")
        if value:
            return Part(option.given(value), option.where)
        if option is self.line.wandb_mode:
            said = option.default in (None, "offline")
            why = f"{option.where}: goes before WANDB_MODE; keep it equal to [wandb] mode"
            return None if said else Part(option.given("offline"), why)
        if option in switches:
            return Part(switches[option], f"{option.where}: it logs to Weights & Biases only with this")
        if option.required and option.choices:
            return Part(option.given(option.choices[0]), f"{GUESS}: required; the first of {', '.join(option.choices)}")
        if option.required:
            return Part(option.given(CHANGE_ME), f"{NOT_FOUND}: {option.where} requires it; what should it be?")
        return None

    def _environments(self) -> tuple[tuple[str, ...], str]:
        option = self.line.environment
        default = option.default if option else None
        if option and isinstance(default, str) and default:
            return (default,), f"the default of {option.shown}, {option.where}"
        if option and isinstance(default, list) and default and all(isinstance(item, str) for item in default):
            return tuple(dict.fromkeys(default)), f"the default of {option.shown}, {option.where}"
        if option and option.choices:
            return option.choices[:1], f"{GUESS}: the first of {', '.join(option.choices)}, {option.where}"
        for source in self.closure.sources:
            for call in source.calls:
                made = source.value(call.args[0]) if call.args and _makes_environment(source, call) else None
                if isinstance(made, str):
                    return (made,), f"{GUESS}: {source.where(call)} makes it; {_no_default(option)}"
        return (ANY_ENVIRONMENT,), f"{NOT_FOUND}: {_no_default(option)}; name those that you care for"

    def _budget(self) -> tuple[int, str]:
        option = self.line.steps
        if option is None:
            return ANY_BUDGET, f"{NOT_FOUND}: there is no option for it; write down how many steps the script trains"
        steps = as_steps(option.default)
        if steps >= FEWEST_STEPS:
            return steps, f"the default of {option.shown}, {option.where}"
        return ANY_BUDGET, f"{NOT_FOUND}: {_no_default(option)}; long enough to learn, short enough to wait for"

    def _notes(self) -> Iterator[str]:
        if not self.logging.uses_wandb:
            yield (
                f"{NOT_FOUND}: {self.path} does not log to Weights & Biases, and rlops reads nothing else; two lines "
                'do: run = wandb.init(), and run.log({"charts/episodic_return": r, "global_step": n}) now and then'
            )
        for where, argument in self.logging.overrides:
            if argument == "dir":
                yield f"{where}: wandb.init(dir=...) puts the run where rlops does not look; leave it out"
            elif self.line.wandb_mode is None:
                yield f"{where}: wandb.init(mode=...) goes before the mode that rlops sets; leave it out"
        given = {option.name for option in (self.line.environment, self.line.seed, self.line.steps) if option}
        left_open = [name for name in self.line.left_open if name not in given]
        if left_open:
            names = ", ".join(left_open)
            yield f"{GUESS}: the configuration has ??? for {names}: give those that the script does not fill in"
        if self.closure.dynamic:
            first, *more = self.closure.dynamic
            others = f" (and in {len(more)} more places)" if more else ""
            yield f"{first}{others}: imports what only running it would tell; see that `code` names all of it"

    def _score(self) -> int:
        """How much it looks like the trainer of its repository (the weights are arbitrary)."""
        script, environment, metric = self.closure.script, self.line.environment, self.logging.metric()
        stem, folders = words_of(script.path.stem), words_of(" ".join(script.path.parts[:-1]))
        points = {
            3: (self.line.steps, self.logging.uses_wandb, stem & TRAINS),
            2: (self.learns, metric and metric.sure),
            1: (
                stem & RUNS,
                environment and environment.where.startswith(f"{script.path}:"),
                any(source is script for source, _ in self.logging.inits),
            ),
            -6: (stem & DOES_NOT_TRAIN,),
            -3: (folders & DOES_NOT_TRAIN, any(option.required for option in self.line.options)),
        }
        return sum(weight for weight, facts in points.items() for fact in facts if fact)


def _command_lines(closure: Closure, sources: Sources) -> Iterator[CommandLine]:
    yield from hydra_lines(closure.script, closure.sources, sources)
    yield from typed_lines(closure.sources)
    yield from absl_lines(closure.sources)
    for source in closure.sources:
        yield from click_lines(source)
    yield from argparse_lines(closure.sources)


def _completeness(line: CommandLine) -> int:
    return 4 * bool(line.environment) + 4 * bool(line.seed) + 2 * bool(line.steps)


def _position(part: Part, line: CommandLine, filled: dict[Option | None, str]) -> int:
    """Where a positional argument stands among the options as they were declared."""
    given = [(filled.get(option), option.choices[:1], i) for i, option in enumerate(line.options) if not option.flag]
    return next((i for value, first, i in given if part.arguments[0] in {value, *first}), len(line.options))


def _makes_environment(source: Source, call: ast.Call) -> bool:
    return source.dotted(call.func) in {
        "gymnasium.make",
        "gym.make",
        "gymnax.make",
        "envpool.make",
        "gymnasium.make_vec",
    }


def _no_default(option: Option | None) -> str:
    return f"{option.shown} has no default to go by, {option.where}" if option else "there is no option for it"
