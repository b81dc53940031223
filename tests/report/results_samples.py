"""Published results for tests: made by the judge from run sets whose truth is known, and poisoned ones."""

import functools

from rlops.curves import Freezing
from rlops.judge import Entry, Results, ResultsTerms, results
from rlops.judge.results_record import ResultsFinding
from rlops.plan import Margins, Metric
from tests.curve_sets import BUDGET, OCCASION, run_set, swap

TRAIN = ("python", "train.py", "--env", "A-v1", "--seed", "1")


def published(entries: list[Entry], benchmark: str | None = None, direction: str = "higher-is-better") -> Results:
    """The record of the entries, random-policy score 0 everywhere."""
    metric = Metric(direction=direction)
    names = dict.fromkeys(env_id for entry in entries for env_id in entry.runs.env_ids)
    budgets = dict.fromkeys(names, BUDGET)
    frozen = Freezing(metric, Margins(), budgets, dict.fromkeys(budgets, 0.0)).freeze("first", entries[0].runs)
    return results(entries, ResultsTerms(metric, budgets, frozen.yardsticks(), benchmark), OCCASION)


@functools.cache
def sample(seeds: int = 4, environments: int = 3) -> Results:
    """Three run sets: of the second a run has crashed, the third lacks the last environment."""
    levels = {f"Env{i}-v1": 100.0 + 10 * i for i in range(environments)}
    names = list(levels)
    steady = run_set(levels, range(1, seeds + 1))
    better = run_set({name: 1.2 * level for name, level in levels.items()}, range(1, seeds + 1), draw=1)
    better = swap(better, names[0], 2, state="crashed", fault="killed by SIGKILL", url="https://wandb.ai/a/b/runs/c")
    fewer = run_set({name: 0.5 * levels[name] for name in names[:-1]}, range(1, seeds + 1), draw=2, minutes=1.5)
    return published(
        [
            Entry("steady", steady, "charts/episodic_return", TRAIN),
            Entry("better", better, "charts/episodic_return"),
            Entry("fewer", fewer, "charts/episodic_return"),
        ]
    )


def poisoned(text: str) -> Results:
    """A record with the text wherever text can come from outside."""
    record = sample(seeds=3, environments=2)
    item = record.environments[0]
    run = {"state": text, "why_not": text, "url": f"javascript:alert(1)//{text}"}
    scores = tuple(
        one.model_copy(update={"runs": tuple(r.model_copy(update=run) for r in one.runs)}) for one in item.scores
    )
    item = item.model_copy(update={"env_id": text, "no_shares": text, "random_score_from": text, "scores": scores})
    sources = {"reference": text, "git_commit": text, "machine": text, "python": text, "packages": {text: text}}
    run_sets = tuple(
        one.model_copy(
            update={
                "label": text,
                "metric": text,
                "command": ("python", text),
                "source": one.source.model_copy(update=sources),
            }
        )
        for one in record.run_sets
    )
    texts = ("title", "benchmark", "metric", "step", "data_sha256", "command", "rlops_version", "created_at")
    return record.model_copy(
        update={
            **dict.fromkeys(texts, text),
            "run_sets": run_sets,
            "environments": (item, *record.environments[1:]),
            "aggregates": tuple(one.model_copy(update={"name": text}) for one in record.aggregates),
            "findings": tuple(
                ResultsFinding(kind=text, severity="warning", detail=text, env_id=env_id, run_set=text, seeds=(1,))
                for env_id in (text, None, "another")
            ),
            "method": (text,),
        }
    )
