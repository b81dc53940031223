"""Run-set references: the same words everywhere for "these runs".

quick, baseline:quick                  baselines/quick.json
git:REF                                a version of this repository, as far as it was trained here
A..B                                   short for the two git:mergebase(A,B) and git:B
wandb:ENTITY/PROJECT?tag=pr-12&seed=1-5  runs of a W&B project
dir:PATH                               a folder of rlops cells, of offline wandb runs, or of other logs
dir:PATH?path={algo}/{env_id}_{seed}   such logs rarely say it all: what the parts of their paths mean; they filter too
dir:PATH?format=tensorboard            which logs, where a folder holds several kinds
file:PATH?algo=PPO&env_id=Hopper-v3    a long table, CSV or parquet
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote

from rlops.curves.libraries import USUAL, Keys, keys_of
from rlops.errors import UsageError
from rlops.plan import Metric, did_you_mean, parse_seeds

TABLE_METRIC = "episodic_return"
"""What tables call the metric that trainers log as charts/episodic_return."""
HOW_TO_READ = frozenset({"metric", "step", "keys", "env_id_key", "seed_key", "label"})
"""What a reference says of the runs as a whole; all other keys choose among them."""
HOW_TO_READ_FOLDERS = frozenset({"path", "format"})
"""The same, said of folders only."""
KINDS = ("baseline", "wandb", "dir", "file", "git")


@dataclass(frozen=True)
class Reference:
    """A parsed reference. `filters`: key -> the values allowed, in the order written."""

    text: str
    kind: str
    target: str
    filters: Mapping[str, tuple[str, ...]]

    @property
    def seeds(self) -> frozenset[int] | None:
        """The seeds asked for, None for all; `seed=0-9` and `seed=1,4` are both allowed."""
        if "seed" not in self.filters:
            return None
        return frozenset(parse_seeds(",".join(self.filters["seed"]), f"{self.text}: seed"))

    @property
    def env_ids(self) -> frozenset[str] | None:
        """The environments asked for, None for all."""
        return frozenset(self.filters["env_id"]) if "env_id" in self.filters else None

    @property
    def keys(self) -> Keys:
        """What the runs call the environment and the seed: `keys=LIBRARY`, or one by one `env_id_key`, `seed_key`."""
        usual = keys_of(self.one("keys", "")) if "keys" in self.filters else USUAL
        return replace(usual, env_id=self.one("env_id_key", usual.env_id), seed=self.one("seed_key", usual.seed))

    @property
    def label(self) -> str:
        """How people call the run set."""
        return self.one("label", self.text)

    def run_filters(self) -> dict[str, tuple[str, ...]]:
        """What runs are asked for, by the names that they use; seeds one by one."""
        names = {"env_id": self.keys.env_id, "seed": self.keys.seed}
        seeds = tuple(str(seed) for seed in sorted(self.seeds or ()))
        return {
            names.get(key, key): seeds if key == "seed" else values
            for key, values in self.filters.items()
            if key not in HOW_TO_READ and not (self.kind == "dir" and key in HOW_TO_READ_FOLDERS)
        }

    def other_filters(self) -> dict[str, tuple[str, ...]]:
        """Those of them that are neither seed nor environment."""
        chosen = {self.keys.env_id, self.keys.seed}
        return {key: values for key, values in self.run_filters().items() if key not in chosen}

    def one(self, key: str, default: str) -> str:
        """The single value of a filter."""
        values = self.filters.get(key, (default,))
        if len(values) != 1:
            raise UsageError(f"{self.text}: {key} takes one value, not {len(values)}")
        return values[0]


def metric_name(reference: Reference, metric: str) -> str:
    """What the runs of `reference` call `metric`: the reference may say it, and in tables the default is shorter."""
    usual = metric
    if metric == Metric().name:
        usual = reference.keys.metric or (TABLE_METRIC if reference.kind == "file" else metric)
    return reference.one("metric", usual)


def step_name(reference: Reference, step: str) -> str:
    """What the runs of `reference` call the step counter."""
    usual = reference.keys.step if step == Metric().step and reference.keys.step else step
    return reference.one("step", usual)


def both_of_range(text: str) -> tuple[str, str] | None:
    """The two references that `A..B` is short for, None where `text` is no range. An empty side is HEAD, as in git."""
    range_, mark, query = text.partition("?")
    if ":" in range_ or ".." not in range_ or re.match(r"\.{0,2}/", range_):
        return None
    if "..." in range_:
        raise UsageError(f"'{text}': write A..B with two dots; A is taken at the merge base")
    a, b = (side or "HEAD" for side in range_.split("..", maxsplit=1))
    return f"git:mergebase({a},{b}){mark}{query}", f"git:{b}{mark}{query}"


def parse_reference(text: str) -> Reference:
    """The reference in `text`; a bare word is always a baseline, never a branch."""
    head, _, query = text.partition("?")
    kind, colon, target = head.partition(":")
    if not colon:
        if not re.fullmatch(r"[\w.-]+", head):
            raise UsageError(
                f"'{text}' names no run set; a bare word is a baseline, files are file:{head}, folders dir:{head}"
            )
        kind, target = "baseline", head
    if kind not in KINDS:
        raise UsageError(
            f"'{text}': unknown kind of run set '{kind}'{did_you_mean(kind, KINDS)}; known: {', '.join(KINDS)}"
        )
    if not target:
        raise UsageError(f"'{text}': nothing stands behind '{kind}:'")
    return Reference(text, kind, target, _parse_query(text, query))


def _parse_query(text: str, query: str) -> dict[str, tuple[str, ...]]:
    filters: dict[str, tuple[str, ...]] = {}
    for part in filter(None, query.split("&")):
        key, equals, value = part.partition("=")
        if not equals or not key or not value:
            raise UsageError(f"'{text}': '{part}' is not of the form key=value")
        if key in filters:
            raise UsageError(f"'{text}': {key} is given twice; write {key}=a,b for several values")
        filters[unquote(key)] = tuple(unquote(item) for item in value.split(","))
    return filters
