"""Findings about the definition: each difference is named, and nothing that is the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from rlops.curves import Baseline, Freezing
from rlops.judge import (
    definition_findings,
    dependency_findings,
    gate_findings,
    missing_baseline_findings,
    outside_findings,
)
from rlops.plan import Benchmark, Margins, Metric
from tests.curve_sets import BUDGET, run_set

COMMAND = ("{python}", "train.py", "{env_id}", "{seed}")
LEVELS = {"A-v0": 100.0, "B-v0": 50.0}


def benchmark(**more: Any) -> Benchmark:
    content = {"name": "own", "command": COMMAND, "code": ["train.py"], "environments": list(LEVELS), "budget": BUDGET}
    return Benchmark.model_validate(content | more)


def baseline(**more: Any) -> Baseline:
    freezing = Freezing(
        Metric(), Margins(), dict.fromkeys(LEVELS, BUDGET), {}, benchmark="own", benchmark_command=COMMAND
    )
    return freezing.freeze("own", run_set(LEVELS, range(1, 4))).model_copy(update=more)


class TestAStoredBaseline:
    def test_of_the_same_definition_is_no_news(self) -> None:
        assert definition_findings(baseline(), benchmark()) == []
        assert definition_findings(baseline(), None) == []

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"metric": "loss"}, "the metric of the baseline is loss, the benchmark's is charts/episodic_return"),
            ({"step": "epoch"}, "the step counter of the baseline is epoch, the benchmark's is global_step"),
            (
                {"direction": "lower-is-better"},
                "the direction of the baseline is lower-is-better, the benchmark's is higher-is-better",
            ),
            (
                {"benchmark_command": ("other",)},
                "the command of the baseline is other, the benchmark's is {python} train.py {env_id} {seed}",
            ),
        ],
    )
    def test_of_another_definition_is_not_comparable(self, changed: dict[str, Any], said: str) -> None:
        (finding,) = definition_findings(baseline(**changed), benchmark())
        assert (finding.kind, finding.severity, finding.env_id) == ("other-definition", "not-comparable", None)
        assert finding.detail == said

    def test_of_another_budget_is_not_comparable_environment_by_environment(self) -> None:
        found = definition_findings(baseline(), benchmark(budget=2 * BUDGET))
        assert [(item.severity, item.env_id) for item in found] == [("not-comparable", env_id) for env_id in LEVELS]

    def test_whose_command_nobody_knows_is_taken_as_it_is(self) -> None:
        assert definition_findings(baseline(benchmark_command=()), benchmark()) == []

    def test_of_other_margins_is_shown_and_holds(self) -> None:
        (finding,) = definition_findings(baseline(), benchmark(margins={"scale_fraction": 0.9}))
        assert (finding.kind, finding.severity) == ("other-margins", "warning")
        assert "the frozen ones hold" in finding.detail


FIELDS: dict[str, tuple[Any, Any, str]] = {
    "budget": (1000, 2000, "budget: 1000 → 2000"),
    "description": ("a", "b", "description: a → b"),
    "environments": (["A"], ["A", "B"], "environments: ('A',) → ('A', 'B')"),
    "policy": ({"alpha": 0.05}, {"alpha": 0.5}, "policy.alpha: 0.05 → 0.5"),
    "margins": ({}, {"spreads": 9}, "margins.spreads: 1.5 → 9.0"),
    "seeds": ({"candidate": "1-2"}, {"candidate": "1-3"}, "seeds.candidate: (1, 2) → (1, 2, 3)"),
    "variables": ({"X": "1"}, {"X": "2"}, "variables.X: 1 → 2"),
    "wandb": ({}, {"mode": "online"}, "wandb.mode: offline → online"),
    "resources": ({}, {"cores": 8}, "resources.cores: 1 → 8"),
    "dependencies": (
        {"lock": ["a"], "install": ["x"]},
        {"lock": ["a"], "install": ["y"]},
        "dependencies.install: ('x',) → ('y',)",
    ),
}


class TestTheGateSOwnFiles:
    @given(st.sets(st.sampled_from(sorted(FIELDS))))
    def test_just_what_differs_is_said_each_for_itself(self, changed: set[str]) -> None:
        before = benchmark(**{name: value for name, (value, _, _) in FIELDS.items()})
        now = benchmark(**{name: (other if name in changed else value) for name, (value, other, _) in FIELDS.items()})
        found = gate_findings(before, now, ())
        assert sorted(item.detail for item in found) == sorted(FIELDS[name][2] for name in changed)
        assert {(item.kind, item.severity, item.env_id) for item in found} <= {("changed-gate", "warning", None)}

    @pytest.mark.parametrize("name", sorted(Benchmark.model_fields.keys() - {"name"}))
    @pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # one odd value for keys of every type
    def test_no_key_of_the_file_is_left_out(self, name: str) -> None:
        """A key that is added to the model one day is seen, too."""
        before = benchmark()
        value = getattr(before, name)
        keys = list(type(value).model_fields) if isinstance(value, BaseModel) else []
        changed = {f"{name}.{key}": value.model_copy(update={key: "odd"}) for key in keys}
        for where, now in (changed or {name: {"new": "odd"} if name == "variables" else "odd"}).items():
            (finding,) = gate_findings(before, before.model_copy(update={name: now}), ())
            assert finding.detail.startswith(where)
            assert finding.detail.endswith(" → odd")

    def test_the_name_is_the_file_s(self) -> None:
        assert gate_findings(benchmark(), benchmark(name="renamed"), ()) == []

    def test_files_and_a_file_that_is_none_are_said(self) -> None:
        found = gate_findings(benchmark(), "there is none", ["baselines/own.json"])
        assert [item.detail for item in found] == ["there is none", "baselines/own.json is changed"]

    def test_dependencies_are_said_once_for_all_files(self) -> None:
        assert dependency_findings(()) == []
        (finding,) = dependency_findings(("a.txt", "b.lock"))
        assert (finding.kind, finding.severity) == ("dependencies", "warning")
        assert finding.detail.startswith("a.txt, b.lock changed, but both versions")


@given(st.dictionaries(st.sampled_from(sorted(LEVELS)), st.sets(st.integers(1, 5), max_size=5), min_size=1))
def test_planned_seeds_of_the_base_without_a_sound_run_are_shown(planned: dict[str, set[int]]) -> None:
    found = missing_baseline_findings(baseline(), {env_id: sorted(seeds) for env_id, seeds in planned.items()})
    expected = {env_id: tuple(sorted(seeds - {1, 2, 3})) for env_id, seeds in planned.items() if seeds - {1, 2, 3}}
    assert {item.env_id: item.seeds for item in found} == expected
    assert {(item.kind, item.severity, item.side) for item in found} <= {("missing-seeds", "warning", "baseline")}


@pytest.mark.parametrize(
    ("changed", "severity"),
    [
        (["helper.py"], "warning"),
        (["train.py", "helper.py"], "note"),
        (["agent/net.py", "agent2/net.py"], "note"),
        (["train.py", "agent/net.py"], None),
        (["tests/test_x.py", "docs/conf.py", "lib/test_x.py", "conftest.py", "setup.py", "benchmarks/plot.py"], None),
        ([], None),
    ],
)
def test_python_files_that_are_no_code_of_the_benchmark(changed, severity):
    found = outside_findings(changed, ("train.py", "agent"))
    assert [item.severity for item in found] == ([severity] if severity else [])
    if found:
        assert found[0].kind == "outside-code"
        assert [name for name in ("helper.py", "agent2/net.py") if name in found[0].detail]


def test_many_of_them_are_counted():
    (finding,) = outside_findings([f"lib/m{i}.py" for i in range(9)], ("train.py",))
    assert finding.detail.startswith("lib/m0.py, lib/m1.py, lib/m2.py, lib/m3.py and 5 more are changed")
