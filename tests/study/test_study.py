"""The study in small: mutants as commits, gates on pools made by hand, and the page that is made from the figures."""

import subprocess
from dataclasses import asdict, replace
from itertools import pairwise
from json import dumps

import numpy as np
import pytest

from benchmarks.mutant_table import ROOT, read
from benchmarks.study import fixed
from benchmarks.study import judged as judging
from benchmarks.study.figures import BY_NAME, Study, caught, passed, read_figures
from benchmarks.study.gates import Draw, Gated, draw, gate, measured
from benchmarks.study.judged import Answers, Judged
from benchmarks.study.page import BLOCK, BLOCKS, PAGES, page
from benchmarks.study.pools import BASELINES, CANDIDATES, Pool, benchmark
from benchmarks.study.publish import groups
from benchmarks.study.text import percent
from benchmarks.study.truth import Loss, broken, losses, yardsticks
from benchmarks.study.versions import BENCHMARK_FILES, MUTANTS, UNCHANGED, commit_of
from rlops.plan import Provenance, Variant, expand
from rlops.results import MOST_RUN_SETS
from tests.curve_sets import BUDGET, run_set

ZEROS = {"CartPole-v1": 20.0, "Acrobot-v1": 0.0}
LEVELS = {"CartPole-v1": 480.0, "Acrobot-v1": 90.0}
MUTANT = read()[0]
MARGINS = benchmark("quick").margins


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_a_mutant_is_a_commit_with_just_its_patch_and_the_checkout_is_not_touched() -> None:
    before = git("status", "--porcelain"), git("rev-parse", "HEAD")
    for mutant in (read()[0], read()[-1]):
        found = git("diff", commit_of(UNCHANGED), commit_of(mutant), "--no-color")
        lines = {line for line in found.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"}}
        patch = mutant.patch.read_text().splitlines()
        assert lines == {line for line in patch if line[:1] in "+-" and line[:3] not in {"+++", "---"}}
        assert commit_of(mutant) == commit_of.__wrapped__(mutant)
    assert (git("status", "--porcelain"), git("rev-parse", "HEAD")) == before
    assert git("diff", commit_of(UNCHANGED), "HEAD", "--stat", "--", "ppo_impl", *BENCHMARK_FILES.values()) == ""


def test_no_seed_is_on_both_sides() -> None:
    assert not set(CANDIDATES) & set(BASELINES)
    for name in BENCHMARK_FILES:
        asked = benchmark(name)
        assert len(CANDIDATES) >= 4 * len(asked.seeds.candidate)  # else draws are too alike
        assert len(BASELINES) >= 4 * (len(asked.seeds.baseline) + asked.policy.confirm)
        assert asked.name == name


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch):
    """A pool of runs whose level is known, of both sides' seeds."""
    for module in ("gates", "truth", "judged"):
        monkeypatch.setattr(f"benchmarks.study.{module}.measured", lambda env_ids: {e: ZEROS[e] for e in env_ids})

    def make(mutant, share: float = 1.0, draw: int = 0) -> Pool:
        asked = benchmark("quick").model_copy(update={"budget": BUDGET})
        seeds = (*CANDIDATES, *BASELINES)
        known = Provenance(mutant.name, None, False, {}, "3", "a machine", "a fingerprint")
        levels = {env_id: ZEROS[env_id] + share * (level - ZEROS[env_id]) for env_id, level in LEVELS.items()}
        runs = run_set(levels, range(1001, 2101), spread=4.0, draw=draw, minutes=0.1)
        return Pool(
            mutant, expand(asked, Variant(mutant.name, ROOT, known), seeds), runs.select(None, frozenset(seeds))
        )

    return make


def test_draws_share_no_seed_and_are_those_of_the_benchmark(by_hand) -> None:
    rng = np.random.default_rng(0)
    first, second = draw(by_hand(UNCHANGED), rng), draw(by_hand(UNCHANGED), rng)
    for drawn in (first, second):
        assert [len(one) for one in (drawn.baseline, drawn.fresh, drawn.candidate)] == [20, 10, 20]
        assert len({*drawn.baseline, *drawn.fresh, *drawn.candidate}) == 50
        assert {*drawn.baseline, *drawn.fresh} <= set(BASELINES)
        assert set(drawn.candidate) <= set(CANDIDATES)
    assert set(first.baseline) != set(second.baseline)
    assert set(first.candidate) != set(second.candidate)


def test_the_gate_passes_what_is_alike_and_names_what_is_worse(by_hand) -> None:
    unchanged = by_hand(UNCHANGED)
    drawn = draw(unchanged, np.random.default_rng(1))
    alike = gate(unchanged, by_hand(MUTANT, draw=1), drawn, MARGINS)
    assert (alike.word, alike.fresh, alike.twins) == ("equivalent", 0, 4)
    worse = gate(unchanged, by_hand(MUTANT, 0.7, draw=1), drawn, MARGINS)
    assert worse.word == "regressed"
    assert worse.environments == dict.fromkeys(LEVELS, "regressed")
    assert worse.seeds == dict.fromkeys(LEVELS, 5)
    assert worse.fresh == 2
    assert gate(unchanged, by_hand(MUTANT, 0.95, draw=1), drawn, MARGINS).word == "equivalent"
    assert gate(unchanged, by_hand(MUTANT, 0.95, draw=1), drawn, judging.FINER).word == "regressed"
    assert (
        gate(unchanged, unchanged, drawn, MARGINS).word == "equivalent"
    )  # other seeds on either side, so not identical


def test_the_gate_looks_at_two_seeds_first_and_what_spares_them_is_identical_to_it(by_hand) -> None:
    """As `rlops gate --base` does: a bug that leaves both seeds as they were bit for bit is not seen."""
    unchanged, broken = by_hand(UNCHANGED), by_hand(MUTANT, 0.2)
    spared = [run for run in unchanged.runs.runs if run.seed % 5]
    runs = replace(broken.runs, runs=(*spared, *(run for run in broken.runs.runs if not run.seed % 5)))
    mutant = replace(broken, runs=runs)
    drawn = draw(unchanged, np.random.default_rng(1))
    first = next(seed for seed in drawn.candidate if not seed % 5)
    others = tuple(seed for seed in drawn.candidate if seed % 5)
    not_seen = gate(unchanged, mutant, replace(drawn, candidate=(*others, first)), MARGINS)
    assert (not_seen.word, not_seen.twins, set(not_seen.seeds.values())) == ("identical", 4, {2})
    assert gate(unchanged, mutant, replace(drawn, candidate=(first, *others)), MARGINS).word != "identical"


def test_the_truth_is_the_loss_that_was_put_in(by_hand) -> None:
    found = losses(yardsticks(by_hand(UNCHANGED)), by_hand(MUTANT, 0.7, draw=1))
    for end, course, worst in found.values():
        assert end.low < -0.3 < end.high
        assert end.change == pytest.approx(-0.3, abs=0.02)
        assert end.margins == pytest.approx(1.5, abs=0.1)  # the margin is a fifth of the scale
        assert end.margins_low < 1.5 < end.margins_high
        assert end.p < 1e-9
        assert (end.where, course.where) == ("final", "auc")
        assert worst.margins >= max(end.margins, course.margins) - 0.1
    all_seeds, none = frozenset(CANDIDATES), frozenset[int]()
    assert broken(yardsticks(by_hand(UNCHANGED)), by_hand(MUTANT, 0.7, draw=1)) == dict.fromkeys(LEVELS, all_seeds)
    assert broken(yardsticks(by_hand(UNCHANGED)), by_hand(MUTANT, 0.95, draw=1)) == dict.fromkeys(LEVELS, none)


def test_a_mutant_is_judged_once_and_told_again(by_hand, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    pools = {UNCHANGED: by_hand(UNCHANGED), MUTANT: by_hand(MUTANT, 0.7, draw=1)}
    monkeypatch.setattr(judging, "pool", lambda mutant, _name: pools[mutant])
    monkeypatch.setattr(judging, "pool_grid", lambda mutant, _asked: pools[mutant].grid if mutant in pools else None)
    monkeypatch.setattr(judging, "is_trained", lambda grid: grid is not None)
    monkeypatch.setattr(judging, "FIXED_REPEATS", 5)
    store = replace(judging.workspace(), store=tmp_path)
    monkeypatch.setattr(judging, "workspace", lambda: store)
    found = judging.judged(MUTANT, "quick", repeats=6)
    assert found is not None
    assert found.gate.words == {"regressed": 1.0}
    assert found.finer.words == {"regressed": 1.0}
    assert found.gate.by_look == {"5": 1.0, "8": 1.0, "12": 1.0, "20": 1.0}
    assert (found.gate.seeds, found.gate.cells, found.gate.fresh_cells) == (5.0, 34.0, 20.0)
    assert found.practice["mean < 95 %, n = 3"] == 1.0
    assert found.broken == dict.fromkeys(LEVELS, 1.0)
    assert (found.spared, found.hit) == ([0, 0], [6, 0])  # every seed is broken, and no draw passes
    assert all(words == {"regressed": 1.0} for words in found.fixed.values())
    assert list(map(int, found.fixed)) == sorted(fixed.SEEDS)
    assert (found.looked, found.looked_seeds) == ({"regressed": 1.0}, 5.0)
    monkeypatch.setattr(judging, "_judge", None)
    assert judging.judged(MUTANT, "quick", repeats=6) == found  # from the store
    assert Judged.from_json(dumps(asdict(found))) == found
    assert judging.judged(read()[1], "quick", repeats=6) is None  # not trained
    monkeypatch.setattr(judging, "JUDGING", "other rules")
    with pytest.raises(TypeError):  # so it judges again
        judging.judged(MUTANT, "quick", repeats=6)


def test_gates_are_put_together() -> None:
    said = [
        Gated("regressed", {"A": "regressed", "B": "equivalent"}, {"A": 5, "B": 5}, fresh=1, twins=4),
        Gated("regressed", {"A": "regressed", "B": "regressed"}, {"A": 12, "B": 8}, fresh=2, twins=4),
        Gated("equivalent", {"A": "equivalent", "B": "equivalent"}, {"A": 5, "B": 8}, fresh=0, twins=4),
        Gated("identical", {"A": "identical", "B": "identical"}, {"A": 2, "B": 2}, fresh=0, twins=4),
    ]
    found = judging.answers(said, benchmark("quick").policy)
    assert found.words == {"regressed": 0.5, "equivalent": 0.25, "identical": 0.25}
    assert found.named == {"A": 0.5, "B": 0.25}
    assert found.by_look == {"5": 0.25, "8": 0.25, "12": 0.5, "20": 0.5}
    assert (found.seeds, found.fresh_cells) == (47 / 8, 7.5)
    assert found.cells == (14 + 10 + 20 + 20 + 4 + 13 + 4 + 4 + 4) / 4


def test_draws_are_told_apart_by_what_their_first_look_holds() -> None:
    draws = [Draw((), (), candidate) for candidate in ((1, 2, 9), (3, 4, 9), (1, 3, 4), (5, 6, 7))]
    gates = [Gated(word, {}, {}, 0, 0) for word in ("equivalent", "improved", "inconclusive", "regressed")]
    assert judging._by_broken_seeds(draws, gates, frozenset({1, 9}), 2) == ([2, 1], [2, 1])
    assert judging._by_broken_seeds(draws, gates, frozenset({1, 9}), 3) == ([1, 0], [3, 2])


def judged_as(name: str, caught: float, fixed: dict[str, dict[str, float]], margins: float) -> Judged:
    end = Loss("final", -0.2 * margins, 0.0, 0.0, 0.01, margins, margins - 0.1, margins + 0.1)
    words = {"regressed": caught, "equivalent": 1 - caught}
    return Judged(name, 100, {"A": [end, end, end]}, {"A": 0.0}, 0.1, repeats=400, gate=Answers(words), fixed=fixed)


def test_the_fixed_number_of_seeds_keeps_what_the_gate_keeps() -> None:
    harmful = [one.name for one in read() if one.harmful][:2]
    harmless = [one.name for one in read() if not one.harmful and not one.bits][:2]
    few, many = {"regressed": 0.5, "equivalent": 0.1}, {"regressed": 0.96}
    good, alarm = {"equivalent": 0.97, "regressed": 0.03}, {"equivalent": 0.9, "regressed": 0.1}
    mutants = [
        judged_as(harmful[0], 0.99, {"3": few, "5": many, "8": many}, 2.0),
        judged_as(harmful[1], 1.0, {"3": many, "5": many, "8": many}, 3.0),
        judged_as(harmless[0], 0.01, {"3": good, "5": alarm, "8": good}, 0.0),
        judged_as(harmless[1], 0.03, {"3": good, "5": alarm, "8": good}, 0.0),
    ]
    study = Study({"alpha": 0.05, "mutants": [asdict(one) for one in mutants]})
    assert study.same_rates() == 8  # three seeds miss one, five raise too many alarms
    assert study.to_catch_alone() == 5
    assert study.accused == pytest.approx((0.02, 0.01))
    assert [one.mutant for one in study.strong] == harmful
    assert (study.between, study.slight) == ([], [])
    mutants[0].fixed["8"] = few
    study = Study({"alpha": 0.05, "mutants": [asdict(one) for one in mutants]})
    assert study.same_rates() is None
    assert study.to_catch_alone() == 5


def test_seeds_are_held_against_half_of_what_welch_needs() -> None:
    """With the same error rates eight, to catch alone five; harmless ones are held against the eight only."""
    names = [one.name for one in read() if one.harmful][:1], [one.name for one in read() if not one.bits][-2:]
    many, alarm = {"regressed": 0.96}, {"equivalent": 0.9, "regressed": 0.1}
    good = {"equivalent": 0.97, "regressed": 0.03}
    mutants = [
        *(judged_as(name, 0.99, {"5": many, "8": many}, 2.0) for name in names[0]),
        *(judged_as(name, 0.02, {"5": alarm, "8": good}, 0.0) for name in names[1]),
    ]
    for one, seeds, cells in zip(mutants, (3.0, 4.0, 4.0), (9.0, 4.5, 4.5), strict=True):
        one.gate.seeds, one.gate.cells = seeds, cells
    identical = [{"mutant": "same", "word": "identical", "cells": 4, "runs": 20, "equal": 20}]
    study = Study({"alpha": 0.05, "identical": identical, "mutants": [asdict(one) for one in mutants]})
    rows = [line.split(" | ") for line in BLOCKS["numbers"](study).splitlines()[2:]]
    assert [(row[1], row[2], "yes" in row[3]) for row in rows if "ones: " in row[0]] == [
        ("half of 8, what Welch needs for the same error rates", "3.0", True),
        ("half of 8, what Welch needs for the same error rates", "9.0", False),
        ("half of 5, what Welch needs to catch alone", "3.0", False),
        ("half of 5, what Welch needs to catch alone", "9.0", False),
        ("half of 8, what Welch needs for the same error rates", "4.0", True),
        ("half of 8, what Welch needs for the same error rates", "4.5", False),
    ]


def test_rates_never_look_like_all_or_nothing_unless_they_are() -> None:
    assert [percent(x) for x in (0, 1, 0.0004, 0.9996, 0.034)] == ["0 %", "100 %", "< 0.1 %", "> 99.9 %", "3.4 %"]
    assert percent(0.996, 0) == "> 99 %"


def test_the_pages_are_made_from_the_figures() -> None:
    """Renew them with: python -m benchmarks.study.page."""
    texts = [path.read_text(encoding="utf-8") for path in PAGES]
    assert [page(text) for text in texts] == texts
    blocks = {found["name"] for text in texts for found in BLOCK.finditer(text)}
    assert {f"quick-{name}" for name in BLOCKS} - blocks == set()
    assert {name.partition("-")[0] for name in blocks} == read_figures().keys()


def test_the_figures_are_of_these_mutants_and_of_a_trainer_of_this_project() -> None:
    figures = read_figures()
    assert "quick" in figures
    assert figures.keys() <= BENCHMARK_FILES.keys()
    for data in figures.values():
        study = Study(data)
        git("merge-base", "--is-ancestor", data["unchanged"], "HEAD")  # a later trainer does not make them wrong
        judged = [*study.control, *study.harmful, *study.others]
        assert [one.mutant for one in judged if one.mutant in BY_NAME] == [one.name for one in read()]
        assert {one.mutant for one in judged} == {one.name for one in MUTANTS}
        for one in judged:
            for answers in (one.gate, one.finer):
                assert sum(answers.words.values()) == pytest.approx(1 if one.repeats else 0)
            assert caught(one) + passed(one) <= 1 + 1e-9


def test_the_gate_was_tried_often_enough_on_both_benchmarks() -> None:
    figures = read_figures()
    assert figures.keys() == BENCHMARK_FILES.keys()
    for data in figures.values():
        study = Study(data)
        assert {one["mutant"] for one in study.data["identical"]} == {one.name for one in read() if one.bits}
        assert {one.repeats for one in (*study.control, *study.harmful, *study.harmless)} == {judging.REPEATS}
        assert min(one.seeds_trained for one in (*study.harmful, *study.harmless)) >= 100


def test_every_mutant_that_changes_bits_is_on_one_page_of_results_that_can_hold_it() -> None:
    pages = dict(groups())
    named = [mutant.name for mutants in pages.values() for mutant in mutants]
    assert sorted(named) == sorted(mutant.name for mutant in read() if not mutant.bits)
    assert max(len(mutants) for mutants in pages.values()) < MOST_RUN_SETS
    for page_name, mutants in pages.items():
        for benchmark_name in BENCHMARK_FILES:
            text = (PAGES[0].parent / "study" / f"{benchmark_name}-{page_name}.md").read_text(encoding="utf-8")
            command = text.split("```")[1].split()
            assert [name for option, name in pairwise(command) if option == "--label"] == [
                mutant.name for mutant in (UNCHANGED, *mutants)
            ]


def test_random_policies_are_measured_once() -> None:
    assert measured(("CartPole-v1",)) is measured(("CartPole-v1",))
