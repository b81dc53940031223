"""Findings about what was asked, seen before any run is: the definition, the gate's own files, the dependencies."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rlops.curves import Acceptance, Baseline
from rlops.judge.record import Finding, make_finding
from rlops.plan import Benchmark

NAMED = 4
NOT_TRAINED = re.compile(
    r"^(tests?|docs?|examples|benchmarks|scripts|tools)/|(^|/)(test_[^/]*|[^/]*_test|conftest|setup)\.py$"
)
"""Python files that no trainer imports, by their names (a guess that only keeps a note away)."""


def definition_findings(baseline: Baseline, benchmark: Benchmark | None) -> list[Finding]:
    """What makes a stored baseline not comparable with the benchmark as it is now, and what was accepted in it."""
    found = [_accepted(item, holds=baseline.holds(item)) for item in baseline.accepted]
    if benchmark is None:
        return found
    metric = benchmark.metric
    pairs: list[tuple[str, object, object, str | None]] = [
        ("metric", baseline.metric, metric.name, None),
        ("step counter", baseline.step, metric.step, None),
        ("direction", baseline.direction, metric.direction, None),
    ]
    if baseline.benchmark_command:
        pairs.append(("command", " ".join(baseline.benchmark_command), " ".join(benchmark.command), None))
    if baseline.margins != benchmark.margins:
        detail = "the benchmark's [margins] were changed after the baseline was frozen; the frozen ones hold"
        found.append(make_finding("other-margins", "warning", detail, None))
    pairs += [("budget", item.budget, benchmark.budget, item.env_id) for item in baseline.environments]
    return found + [
        make_finding(
            "other-definition",
            "not-comparable",
            f"the {what} of the baseline is {before}, the benchmark's is {now}",
            env_id,
        )
        for what, before, now, env_id in pairs
        if before != now
    ]


def _accepted(item: Acceptance, *, holds: bool) -> Finding:
    who = f"accepted by {item.author} on {item.accepted_on} until {item.until}: {item.reason}"
    env_id = item.environment.env_id
    if holds:
        detail = f"{who}; compared with the accepted runs ({item.run_set})"
        return make_finding("accepted-regression", "note", detail, env_id, "baseline")
    detail = f"{who}; this has lapsed, and the runs from before count again"
    return make_finding("acceptance-lapsed", "warning", detail, env_id, "baseline")


def metric_findings(baseline: str, candidate: str) -> list[Finding]:
    """Sides whose metrics have other names: `charts/episodic_return` and `episodic_return` are the same."""
    if baseline.rpartition("/")[2] == candidate.rpartition("/")[2]:
        return []
    detail = f"the baseline's metric is {baseline}, the candidate's {candidate}"
    return [make_finding("other-definition", "not-comparable", detail, None)]


def gate_findings(base: Benchmark, head: Benchmark | str, changed_files: Sequence[str]) -> list[Finding]:
    """What a change does to the gate that judges it; `head` is a text where the change's benchmark file is none.

    The gate goes by the base's files; the reviewer must see that the change would have others.
    """
    said = []
    if isinstance(head, str):
        said.append(head)
    else:
        before, now = _flat(base.model_dump(exclude={"name"})), _flat(head.model_dump(exclude={"name"}))
        said += [
            f"{key}: {before.get(key)} → {now.get(key)}" for key in before | now if before.get(key) != now.get(key)
        ]
    said += [f"{name} is changed" for name in changed_files]
    return [make_finding("changed-gate", "warning", text, None) for text in said]


def dependency_findings(changed_files: Sequence[str]) -> list[Finding]:
    """Both versions run with what is installed, although the change edits files that say what is to be installed."""
    if not changed_files:
        return []
    detail = f"{', '.join(changed_files)} changed, but both versions run with the packages that are installed here"
    return [make_finding("dependencies", "warning", detail, None)]


def outside_findings(changed_files: Sequence[str], code: Sequence[str]) -> list[Finding]:
    """Python files that a change edits and that are not below the benchmark's `code`: nobody trains for their sake.

    A warning where nothing below `code` is changed: then nothing is trained. Tests and the like are passed over.
    """
    places = [Path(item) for item in code]
    inside = [name for name in changed_files if any(Path(name).is_relative_to(place) for place in places)]
    outside = [name for name in changed_files if name not in inside and not NOT_TRAINED.search(name)]
    if not outside:
        return []
    names = ", ".join(outside[:NAMED]) + (f" and {len(outside) - NAMED} more" if len(outside) > NAMED else "")
    verb = "is" if len(outside) == 1 else "are"
    detail = (
        f"{names} {verb} changed and not below `code` ({', '.join(code)}); if the trainer imports it, name it there"
    )
    return [make_finding("outside-code", "note" if inside else "warning", detail, None)]


def missing_baseline_findings(baseline: Baseline, planned: Mapping[str, Sequence[int]]) -> list[Finding]:
    """Planned seeds of a baseline trained for this answer that have no sound run."""
    there = {item.env_id: {run.seed for run in item.runs} for item in baseline.environments}
    found = []
    for env_id, seeds in planned.items():
        missing = set(seeds) - there.get(env_id, set())
        if missing:
            found.append(
                make_finding("missing-seeds", "warning", "planned, but no sound run", env_id, "baseline", missing)
            )
    return found


def _flat(content: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    return dict(_leaves(content, prefix))


def _leaves(content: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
