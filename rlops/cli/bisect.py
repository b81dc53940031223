"""`rlops bisect`: the commit that made it worse."""

import json
from typing import TYPE_CHECKING, Any

import click

from rlops.cli.options import executor_option, json_option, quiet_option, workspace_option
from rlops.workspace import Workspace

if TYPE_CHECKING:
    from rlops.bisect import Answer, Question
    from rlops.plan import Commit

SCHEMA = 1
MOST_SHOWN = 5


@click.command("bisect", short_help="Which commit between a good and a bad one made it worse?")
@click.argument("good")
@click.argument("bad")
@click.option("--benchmark", required=True, help="What is trained, by the checkout's benchmark file.")
@click.option("--env-id", help="The environment to test on; default: the one that tells the ends apart best.")
@click.option(
    "--confidence",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="How probable the culprit must be.",
)
@click.option(
    "--runs", type=click.IntRange(min=1), default=60, show_default=True, help="At most so many, without the ends'."
)
@executor_option
@json_option
@quiet_option
@workspace_option
def command(
    good: str,
    bad: str,
    benchmark: str,
    env_id: str | None,
    confidence: float,
    runs: int,
    executor: str,
    as_json: bool,
    quiet: bool,
    workspace: Workspace,
) -> None:
    """Find the commit after GOOD, up to BAD, from which on the scores are lower.

    Runs are noisy, so a commit is not good or bad: each batch of fresh seeds shifts the probabilities, and the commit
    that is expected to tell most is trained next. Commits that do not touch the benchmark's code are left out, those
    that cannot be trained are skipped, known cells are not trained again: the same command goes on after an
    interruption. First both ends get the runs that they lack.

    Exits with 0 when the culprit is found, 3 when it is not within --runs or nothing was lost, 4 when every commit
    between failed.
    """
    from rlops.bisect import Question, bisect
    from rlops.cli.progress import watching
    from rlops.plan import find_benchmark, read_benchmark
    from rlops.training import Launching

    definition = read_benchmark(find_benchmark(benchmark, workspace.root))
    question = Question(env_id, confidence, runs)
    with watching(quiet=quiet) as watchers:
        answer = bisect(workspace, definition, good, bad, question, watchers, Launching(executor))
    click.echo(json.dumps(_record(answer, question), indent=1) if as_json else _text(answer, question))
    click.get_current_context().exit(answer.exit_code)


def _record(answer: "Answer", question: "Question") -> dict[str, Any]:
    """What --json prints; docs/bisect.md explains every key."""
    ends, standing = answer.ends, answer.suspects
    return {
        "schema": SCHEMA,
        "exit_code": int(answer.exit_code),
        "found": _found(answer),
        "why": answer.why or None,
        "culprits": [_commit(commit) for commit in answer.culprits],
        "probability": standing.probability if standing else None,
        "none": standing.none if standing else None,
        "confidence": question.confidence,
        "likely": [{**_commit(commit), "probability": share} for commit, share in answer.likely],
        "env_id": ends.env_id if ends else None,
        "score": ends.statistic if ends else None,
        "good": {"commit": answer.path.commits[0], "scores": ends.good.tolist() if ends else []},
        "bad": {"commit": answer.path.commits[-1], "scores": ends.bad.tolist() if ends else []},
        "drop": {"mean": answer.drop[0], "interval": answer.drop[1:]} if answer.drop else None,
        "commits": answer.path.total,
        "left_out": answer.path.left_out,
        "broken": [_commit(commit) for commit in answer.broken],
        "tests": [{"commit": test.commit, "seeds": test.seeds, "scores": test.scores} for test in answer.tests],
        "runs": answer.runs,
        "cells_trained": answer.trained,
        "next_command": answer.next_command,
    }


def _commit(commit: "Commit") -> dict[str, str]:
    return {"commit": commit.id, "author": commit.author, "date": commit.date, "subject": commit.subject}


def _found(answer: "Answer") -> str:
    """The word for how it ended."""
    if answer.all_failed:
        return "failed"
    return str(answer.suspects.found) if answer.suspects else "none"


def _text(answer: "Answer", question: "Question") -> str:
    lines = [*_sentences(answer, question)]
    if answer.drop and answer.ends:
        mean, low, high = answer.drop
        ends = answer.ends
        lines.append(
            f"loss     {ends.env_id}, {ends.statistic}: {mean:.4g} of {ends.good.mean():.4g} [{low:.4g}, {high:.4g}]"
        )
    skipped = f", {len(answer.broken)} skipped: no sound run" if answer.broken else ""
    lines.append(
        f"commits  {answer.path.total}, {answer.path.left_out} of them leave what is trained as it was{skipped}"
    )
    lines.append(f"runs     {answer.runs} in {len(answer.tests)} tests; {answer.trained} cells trained by this call")
    return "\n".join([*lines, *([f"next     {answer.next_command}"] if answer.next_command else [])])


def _sentences(answer: "Answer", question: "Question") -> list[str]:
    standing = answer.suspects
    if answer.all_failed:
        return ["Every commit between the two failed, so none can be told from the others; see what failed above."]
    if standing is None:
        return [f"No commit is to blame: {answer.why}."]
    if answer.culprits:
        many = "One of these" if standing.many else "This"
        blame = f"{many} made it worse, with probability {standing.probability:.3f}:"
        return [blame, *(f"  {_line(commit)}" for commit in answer.culprits)]
    if _found(answer) == "none":
        return [f"No commit is to blame, with probability {standing.none:.3f}: nothing that matters was lost."]
    told = [f"  {share:5.1%}  {_line(commit)}" for commit, share in answer.likely[:MOST_SHOWN]]
    limit = f"Not decided after {answer.runs} runs (--runs {question.runs}); more go on from here. The most likely:"
    return [limit, *told, f"  {standing.none:5.1%}  none: nothing that matters was lost"]


def _line(commit: "Commit") -> str:
    return f"{commit.id[:12]}  {commit.date}  {commit.author}: {commit.subject}"
