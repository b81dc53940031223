"""The text of a benchmark file for a trainer that was found: every line explained, every guess marked."""

import json
from collections.abc import Iterator

from rlops.plan.discover.logged import Metric
from rlops.plan.discover.trainer import GUESS, NOT_FOUND, Trainer
from rlops.strangers import clean

WIDTH = 120
REQUIREMENTS = "requirements.txt"


def draft(trainer: Trainer) -> str:
    """The TOML text."""
    lines = [
        *_comment(
            f"What rlops trains and how it judges. `rlops init` wrote this after reading {trainer.script}, and ran "
            f"nothing. Look at every {GUESS} and {NOT_FOUND}, then: rlops doctor. "
            "Every key: docs/benchmarks.md of rlops."
        ),
        *(line for note in trainer.notes for line in ("#", *_comment(note))),
        "",
        *_comment("A line for people."),
        f"description = {_string(_description(trainer))}",
        "",
        *_comment(
            "The training command, an argument a string, run without a shell in this folder. rlops fills in {python} "
            "(the interpreter that it runs in itself), {env_id}, {seed} and {budget}."
        ),
        "command = [",
        *(_part(part.arguments, part.why) for part in trainer.parts),
        "]",
        "",
        *_comment(
            "Files and folders that decide what is trained: a change elsewhere trains nothing. They are the script, "
            "what it imports from here and what says which packages are installed; add what else it reads."
        ),
        f"code = {_strings(trainer.code)}",
        "",
        *_packages(trainer),
        "",
        *_comment(
            f"Environment ids, put in for {{env_id}}, each with all seeds. {_sentence(trainer.environments_why)}"
        ),
        f"environments = {_strings(trainer.environments)}",
        "",
        *_comment(
            "Steps of one training, put in for {budget}; curves are judged up to here. "
            f"{_sentence(trainer.budget_why)}"
        ),
        f"budget = {trainer.budget:_}",
        *_variables(trainer),
        "",
        "[seeds]",
        'baseline = "1-20"  # trained once, by `rlops baseline save`',
        'candidate = "101-110"  # trained for every answer; never the same as the baseline\'s',
        "",
        *_metric(trainer.metric),
        "",
        "[resources]",
        "cores = 1  # of one training; as many trainings run at once as the machine's cores allow",
        "",
        "[wandb]",
        'mode = "offline"  # or "online": then runs appear in W&B, and the trainer sees the API key',
        *_dependencies(trainer),
    ]
    return "\n".join(lines) + "\n"


def _description(trainer: Trainer) -> str:
    first, *more = trainer.environments
    return f"{trainer.script} on {first}{f' and {len(more)} more' if more else ''}, {trainer.budget:,} steps"


def _part(arguments: tuple[str, ...], why: str) -> str:
    comment = f"  # {_flat(why)}" if why else ""
    return f"  {', '.join(map(_string, arguments))},{comment}"


def _packages(trainer: Trainer) -> Iterator[str]:
    why = "Installed packages that decide the training, too: another version of one of them trains everything again."
    if not trainer.packages:
        why += f" {NOT_FOUND}: the script imports none that rlops knows to decide numbers; name what does."
    yield from _comment(why)
    yield f"packages = {_strings(trainer.packages)}"


def _dependencies(trainer: Trainer) -> Iterator[str]:
    """How a version gets packages of its own, switched off: a guess that would download gigabytes."""
    if REQUIREMENTS in trainer.code:
        install = ("{python}", "-m", "pip", "install", "-r", REQUIREMENTS)
        yield ""
        yield from _comment(
            "Where a pull request changes what is installed, each version can have it. Take away the # for that."
        )
        yield "# [dependencies]"
        yield f"# lock = {_strings((REQUIREMENTS,))}"
        yield f"# install = {_strings(install)}"


def _variables(trainer: Trainer) -> Iterator[str]:
    if trainer.variables:
        yield ""
        yield "[variables]"
        yield from _comment("Environment variables of the training: where Python finds what the script imports.")
        yield from (f"{name} = {_string(value)}" for name, value in trainer.variables)


def _metric(metric: Metric | None) -> Iterator[str]:
    yield "[metric]"
    yield from _comment("The logged value that is judged, and the step counter that is logged with it.")
    if metric is None:
        yield f'name = "charts/episodic_return"  # {NOT_FOUND}: no return is logged in plain sight; which key is it?'
        yield f'step = "global_step"  # {NOT_FOUND}: which key counts the steps? "_step" is W&B\'s own counter'
    else:
        yield f"name = {_string(metric.name)}  # {'' if metric.sure else f'{GUESS}: '}{_flat(metric.why)}"
        yield f"step = {_string(metric.step)}  # {'' if metric.sure_of_step else f'{GUESS}: '}{_flat(metric.step_why)}"
    yield 'direction = "higher-is-better"  # or "lower-is-better"'


def _comment(text: str) -> Iterator[str]:
    """The text as comment lines that fit the page."""
    line = "#"
    for word in _flat(text).split(" "):
        if len(line) + 1 + len(word) > WIDTH and line != "#":
            yield line
            line = "#"
        line += f" {word}"
    yield line


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _flat(text: str) -> str:
    """What a stranger's file may have put into a comment, on one line."""
    return " ".join(clean(text).split())


def _strings(values: tuple[str, ...]) -> str:
    one_line = f"[{', '.join(map(_string, values))}]"
    if len(one_line) < WIDTH - 20:
        return one_line
    return "\n".join(["[", *(f"  {_string(value)}," for value in values), "]"])


def _string(text: str) -> str:
    """A TOML string: JSON's, with the one character escaped that JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
