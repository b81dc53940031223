"""Which word: the table of the specification, case by case."""

import itertools

import pytest

from rlops.errors import ExitCode
from rlops.judge.record import Word
from rlops.judge.verdict import EXIT_CODES, Evidence, benchmark_word, environment_word

E, W = Evidence, Word

ENVIRONMENT_CASES = {
    "nothing is shown": (E(), W.INCONCLUSIVE),
    "only the mirror rejects: better, but a loss of the margin is not ruled out": (E(better=True), W.INCONCLUSIVE),
    "harm is proven": (E(harm=True), W.REGRESSED),
    "harm is proven and shown to be inside the margin": (E(harm=True, inside=True), W.EQUIVALENT),
    "few seeds do not pass, and are not called worse for it": (
        E(harm=True, inside=True, may_pass=False),
        W.INCONCLUSIVE,
    ),
    "harm at this look, though an earlier one has passed": (E(harm=True, passed=True), W.REGRESSED),
    "harm inside the margin is no improvement": (E(harm=True, inside=True, passed=True, better=True), W.EQUIVALENT),
    "the pass test alone": (E(passed=True), W.EQUIVALENT),
    "the pass test and the mirror": (E(passed=True, better=True), W.IMPROVED),
    "bit-equal curves come before any statistics": (E(identical=True, harm=True), W.IDENTICAL),
    "a failed run comes before bit-equal ones": (E(failed=True, identical=True), W.FAILED),
    "a failed run comes before harm": (E(failed=True, harm=True), W.FAILED),
    "another definition comes before everything": (
        E(not_comparable=True, failed=True, identical=True, harm=True),
        W.NOT_COMPARABLE,
    ),
}


@pytest.mark.parametrize(("evidence", "word"), ENVIRONMENT_CASES.values(), ids=ENVIRONMENT_CASES)
def test_word_of_an_environment(evidence, word):
    assert environment_word(evidence) is word


BENCHMARK_CASES = {
    # words, suite passed, strict -> word
    "a regression hides behind nothing": ([W.FAILED, W.REGRESSED, W.NOT_COMPARABLE], True, True, W.REGRESSED),
    "a failed run comes next": ([W.NOT_COMPARABLE, W.FAILED, W.INCONCLUSIVE], True, True, W.FAILED),
    "then what cannot be compared": ([W.NOT_COMPARABLE, W.INCONCLUSIVE], True, True, W.NOT_COMPARABLE),
    "then what is open": ([W.EQUIVALENT, W.INCONCLUSIVE, W.IMPROVED], True, True, W.INCONCLUSIVE),
    "improved before equivalent": ([W.EQUIVALENT, W.IMPROVED, W.IDENTICAL], True, True, W.IMPROVED),
    "equivalent before identical": ([W.IDENTICAL, W.EQUIVALENT], True, True, W.EQUIVALENT),
    "identical everywhere needs no suite": ([W.IDENTICAL, W.IDENTICAL], False, True, W.IDENTICAL),
    "all pass, the suite does not": ([W.EQUIVALENT, W.EQUIVALENT], False, True, W.INCONCLUSIVE),
    "not strict: the suite decides": ([W.EQUIVALENT, W.INCONCLUSIVE], True, False, W.EQUIVALENT),
    "not strict, all open, the suite passes": ([W.INCONCLUSIVE], True, False, W.EQUIVALENT),
    "not strict, the suite does not pass": ([W.EQUIVALENT, W.INCONCLUSIVE], False, False, W.INCONCLUSIVE),
    "not strict, a failed run still fails": ([W.FAILED, W.INCONCLUSIVE], True, False, W.FAILED),
}


@pytest.mark.parametrize(("words", "suite", "strict", "word"), BENCHMARK_CASES.values(), ids=BENCHMARK_CASES)
def test_word_of_a_benchmark(words, suite, strict, word):
    for order in itertools.permutations(words):
        assert benchmark_word(order, suite_regressed=False, suite_passed=suite, strict=strict) is word


ALL_TOGETHER_WORSE = {
    "though every environment passes": ([W.EQUIVALENT, W.EQUIVALENT], W.REGRESSED),
    "though a run failed": ([W.FAILED, W.INCONCLUSIVE], W.REGRESSED),
    "not where the sides did other things": ([W.NOT_COMPARABLE, W.INCONCLUSIVE], W.NOT_COMPARABLE),
    "not where nothing has changed": ([W.IDENTICAL, W.IDENTICAL], W.IDENTICAL),
}


@pytest.mark.parametrize(("words", "word"), ALL_TOGETHER_WORSE.values(), ids=ALL_TOGETHER_WORSE)
def test_all_environments_together_may_be_worse(words, word):
    for order in itertools.permutations(words):
        assert benchmark_word(order, suite_regressed=True, suite_passed=False, strict=True) is word


def test_every_word_has_its_exit_code():
    assert {word: int(code) for word, code in EXIT_CODES.items()} == {
        W.IDENTICAL: 0,
        W.EQUIVALENT: 0,
        W.IMPROVED: 0,
        W.REGRESSED: 1,
        W.INCONCLUSIVE: 3,
        W.FAILED: 4,
        W.NOT_COMPARABLE: 5,
    }
    assert ExitCode.USAGE == 2
    assert ExitCode.BUG == 70
