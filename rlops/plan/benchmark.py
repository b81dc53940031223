"""A benchmark: the TOML file that says what is trained and how it is judged. Every key: docs/benchmarks.md."""

import difflib
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from rlops.errors import UsageError
from rlops.plan.seeds import format_seeds, parse_seeds

PLACEHOLDERS = ("python", "env_id", "seed", "seeds", "budget")
HIGHER: Final = "higher-is-better"


def _seeds(value: object) -> object:
    if isinstance(value, str):
        try:
            return parse_seeds(value)
        except UsageError as error:
            raise ValueError(str(error).removeprefix("seeds: ")) from None
    return value


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise ValueError(f"{twice[0]} is named twice")
    return values


def _rising(values: tuple[int, ...]) -> tuple[int, ...]:
    if list(values) != sorted(set(values)):
        raise ValueError("each look has more seeds than the one before")
    return values


Seed = Annotated[int, Field(ge=0)]
Look = Annotated[int, Field(ge=2)]
Seeds = Annotated[tuple[Seed, ...], BeforeValidator(_seeds), AfterValidator(_distinct), Field(min_length=2)]
_Model = TypeVar("_Model", bound=BaseModel)
Fraction = Annotated[float, Field(gt=0, lt=1)]


# They become comment lines of a shell script: none may bring a line of its own.
SbatchOption = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
SbatchValue = bool | int | Annotated[str, Field(pattern=r"^[^\x00-\x1f]*$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SeedPlan(_Section):
    """Which seeds each side trains. They differ, so that every machine takes the statistical way."""

    baseline: Seeds = parse_seeds("1-20")
    candidate: Seeds = parse_seeds("101-120")


class Metric(_Section):
    """What is judged: a logged value against a step counter."""

    name: str = "charts/episodic_return"
    step: str = "global_step"
    direction: Literal["higher-is-better", "lower-is-better"] = HIGHER
    random_score: Literal["measured", "curves"] | None = None

    @property
    def is_episodic_return(self) -> bool:
        """Is it what a random policy's episodes can be measured in: the environment's own, unwrapped return?"""
        if self.random_score is not None:
            return self.random_score == "measured"
        return self.name.rpartition("/")[2] == "episodic_return"


class Margins(_Section):
    """The smallest loss that matters: per environment the larger of the first two, for the mean of all the others."""

    scale_fraction: Annotated[float, Field(gt=0)] = 0.20
    spreads: Annotated[float, Field(ge=0)] = 1.5
    suite_fraction: Annotated[float, Field(gt=0)] = 0.10
    suite_spreads: Annotated[float, Field(ge=0)] = 1.5


class Policy(_Section):
    """The error rates, after how many candidate seeds a gate looks, what must pass, the exit code of an open question.

    `confirm`: fresh baseline seeds that a gate trains before it says `regressed`.
    """

    alpha: Fraction = 0.05
    beta: Fraction = 0.05
    looks: Annotated[tuple[Look, ...], AfterValidator(_rising)] = (3, 5, 8, 12, 20)
    confirm: Annotated[int, Field(ge=0)] = 10
    strict: bool = True
    inconclusive: Literal[0, 3] = 3


class Rules(_Section):
    """What a file given with --policy holds."""

    policy: Policy = Policy()
    margins: Margins = Margins()


class Resources(_Section):
    """What one process takes, at most. `retries`: how often one that others have killed is started again."""

    cores: Annotated[int, Field(ge=1)] = 1
    memory_gb: Annotated[float, Field(gt=0)] | None = None
    seeds_per_process: Annotated[int, Field(ge=1)] = 10
    minutes: Annotated[float, Field(gt=0)] = 24 * 60
    grace_seconds: Annotated[float, Field(ge=0)] = 30
    retries: Annotated[int, Field(ge=0)] = 2
    slurm: Mapping[SbatchOption, SbatchValue] = {}


class Wandb(_Section):
    """How the trainer logs. Only `online` hands it the API key."""

    mode: Literal["offline", "online"] = "offline"
    project: str = "rlops"
    entity: str | None = None


class Dependencies(_Section):
    """How a version whose dependencies differ gets an environment of its own."""

    lock: tuple[str, ...] = ()
    install: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _both_or_none(self) -> "Dependencies":
        if bool(self.lock) != bool(self.install):
            raise ValueError("`lock` (files) and `install` (a command) belong together: give both or none")
        return self


class Benchmark(_Section):
    """A validated benchmark file. `name` is the file's stem."""

    name: str
    description: str = ""
    command: Annotated[tuple[str, ...], Field(min_length=1)]
    code: Annotated[tuple[str, ...], Field(min_length=1)]
    environments: Annotated[tuple[str, ...], AfterValidator(_distinct), Field(min_length=1)]
    budget: Annotated[int, Field(ge=100)]
    packages: tuple[str, ...] = ("torch", "numpy", "gymnasium")
    variables: Mapping[str, str] = {}
    baseline: str | None = None
    seeds: SeedPlan = SeedPlan()
    metric: Metric = Metric()
    margins: Margins = Margins()
    policy: Policy = Policy()
    resources: Resources = Resources()
    wandb: Wandb = Wandb()
    dependencies: Dependencies = Dependencies()

    @field_validator("command")
    @classmethod
    def _known_placeholders(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        used = set(re.findall(r"{(\w*)}", " ".join(command)))
        wrong = [
            f"unknown placeholder {{{name}}}{did_you_mean(name, PLACEHOLDERS)}"
            for name in sorted(used.difference(PLACEHOLDERS))
        ]
        if "env_id" not in used:
            wrong.append("the placeholder {env_id} is missing: every environment would train the same")
        if len(used & {"seed", "seeds"}) != 1:
            wrong.append("it needs {seed}, or {seeds} where one process trains several: one of the two")
        if wrong:
            raise ValueError("\n".join(wrong))
        return command

    @property
    def many_seeds_a_process(self) -> bool:
        """Does the command take a list of seeds?"""
        return any("{seeds}" in part for part in self.command)

    @property
    def most_seeds_a_process(self) -> int:
        """How many seeds one process is given at most."""
        return self.resources.seeds_per_process if self.many_seeds_a_process else 1

    @property
    def higher_is_better(self) -> bool:
        """The metric's direction."""
        return self.metric.direction == HIGHER

    def argv(self, env_id: str, seeds: tuple[int, ...], python: str) -> tuple[str, ...]:
        """The command line that trains `seeds` on `env_id`, placeholders filled argument by argument."""
        values = {
            "{python}": python,
            "{env_id}": env_id,
            "{seed}": str(seeds[0]),
            "{seeds}": format_seeds(seeds),
            "{budget}": str(self.budget),
        }
        return tuple(re.sub(r"{\w+}", lambda match: values[match[0]], part) for part in self.command)


def find_benchmark(reference: str, root: Path) -> Path:
    """The file of `reference`: a path that ends in .toml, or the name of a file in `root`/benchmarks."""
    path = Path(reference) if reference.endswith(".toml") else root / "benchmarks" / f"{reference}.toml"
    if path.is_file():
        return path
    known = sorted(file.stem for file in (root / "benchmarks").glob("*.toml"))
    there = f"benchmarks/ has: {', '.join(known)}" if known else "there is no file in benchmarks/"
    raise UsageError(f"no benchmark at {path}; {there}{did_you_mean(reference, known)}")


def read_benchmark(path: Path) -> Benchmark:
    """The benchmark in the file at `path`; all errors of the file at once, each with its line."""
    text, document = _read_toml(path)
    wrong = []
    if "name" in document:
        what = "name: a benchmark is named by its file; remove this line or rename the file"
        wrong.append((_line_of(text, ("name",)), what))
    return _validated(Benchmark, {**document, "name": path.stem}, path, text, wrong)


def read_rules(path: Path) -> Rules:
    """The [policy] and [margins] of the file at `path`; errors as for a benchmark."""
    text, document = _read_toml(path)
    return _validated(Rules, document, path, text)


def _read_toml(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: is not valid TOML: {error}") from None


def _validated(
    model: type[_Model], document: dict[str, Any], path: Path, text: str, wrong: Iterable[tuple[int, str]] = ()
) -> _Model:
    """The document as a `model`; `wrong`: (line, message) of errors that the model does not see."""
    found, validated = list(wrong), None
    try:
        validated = model.model_validate(document)
    except ValidationError as error:
        found += _errors(model, error, text)
    if validated is None or found:
        raise UsageError("\n".join(f"{path}:{line}: {message}" for line, message in sorted(found)))
    return validated


def did_you_mean(word: str, known: Any) -> str:
    """', did you mean ...?' where one of `known` is near to `word`, else nothing."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _errors(model: type[BaseModel], error: ValidationError, text: str) -> list[tuple[int, str]]:
    found = []
    for detail in error.errors():
        keys = tuple(part for part in detail["loc"] if isinstance(part, str))
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            message = f"unknown key{did_you_mean(keys[-1], _keys_of(model, keys[:-1]))}"
        elif detail["type"] == "missing":
            message = "this key is missing"
        elif detail["type"] == "tuple_type":
            message = "Input should be a list"
        found += [(_line_of(text, keys), f"{'.'.join(keys)}: {line}") for line in message.splitlines()]
    return found


def _keys_of(model: type[BaseModel], section: tuple[str, ...]) -> list[str]:
    for key in section:
        annotation = model.model_fields[key].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return [key for key in model.model_fields if key != "name"]


def _line_of(text: str, keys: tuple[str, ...]) -> int:
    """The line that sets `keys` (a section and a key, or a top-level key), else that of its section, else 1."""
    section, nearest = "", 1
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line)
        name = re.match(r"""\s*(["'\w.-]+)\s*=""", line)
        if header:
            section = header[1]
        elif not name:
            continue
        dotted = section if header or not name else f"{section}.{name[1]}"
        here = tuple(part.strip("\"'") for part in dotted.split(".") if part)
        if here == keys:
            return number
        if nearest == 1 and here == keys[: len(here)]:
            nearest = number
    return nearest
