"""The filters of Open RL Benchmark's own scripts, which people have at hand, as references.

    '?we=openrlbenchmark&wpn=cleanrl&ceik=env_id&cen=exp_name&metric=charts/episodic_return' 'ppo?tag=pr-424&cl=PPO'

The first word says where the runs are and what they call things: entity (we), project (wpn), the config's keys of the
environment (ceik) and of the experiment (cen), the metric. Each word behind it is one run set: the experiment's name,
with the tags that it must all have, its user and its legend (cl).
"""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qs, quote

from rlops.errors import UsageError
from rlops.plan import did_you_mean

WHERE = ("we", "wpn", "ceik", "cen", "metric")
WHICH = ("tag", "user", "cl", "seed")


def as_references(words: Sequence[str]) -> tuple[str, ...]:
    """The words of a command line with every such filter written as a `wandb:` reference; others stay as they are."""
    return tuple(_translated(words))


def _translated(words: Sequence[str]) -> Iterator[str]:
    where: Mapping[str, Sequence[str]] | None = None
    before = ""
    for word in words:
        if word.startswith("?"):
            if before.startswith("?"):
                raise UsageError(f"'{before}': the name of an experiment is to follow, like 'ppo?tag=pr-12'")
            where = _query(word, word[1:], WHERE)
            for key in ("we", "wpn"):
                if key not in where:
                    raise UsageError(f"'{word}': {key} is missing (we: the W&B entity, wpn: its project)")
        else:
            yield word if where is None or ":" in word.partition("?")[0] else _reference(word, where)
        before = word
    if before.startswith("?"):
        raise UsageError(f"'{before}': the name of an experiment is to follow, like 'ppo?tag=pr-12'")


def _reference(word: str, where: Mapping[str, Sequence[str]]) -> str:
    name, _, text = word.partition("?")
    which = _query(word, text, WHICH)
    said = {
        where.get("cen", ["exp_name"])[0]: [name],
        "all_tags": which.get("tag", []),
        "user": which.get("user", []),
        "seed": which.get("seed", []),
        "metric": where.get("metric", []),
        "env_id_key": where.get("ceik", []),
        "label": which.get("cl", []),
    }
    query = "&".join(f"{key}={','.join(quote(one) for one in values)}" for key, values in said.items() if any(values))
    return f"wandb:{where['we'][0]}/{where['wpn'][0]}?{query}"


def _query(word: str, text: str, known: Sequence[str]) -> dict[str, list[str]]:
    found = parse_qs(text)
    for key in found:
        if key not in known:
            raise UsageError(f"'{word}': unknown key '{key}'{did_you_mean(key, known)}; known: {', '.join(known)}")
    return found
