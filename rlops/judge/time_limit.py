"""What is said when the time is over before the answer is found: nothing that is not proven, and how to go on."""

from dataclasses import replace

from rlops.judge.case import Case
from rlops.judge.record import Finding, Word, make_finding

OPEN = "worse, as it seems; the time was over before it was asked again with fresh baseline seeds"


def out_of_time(case: Case, cells_left: int) -> Case:
    """The case of the last whole look as an open question; `cells_left`: still to be trained.

    What a look has not seen whole counts for nothing: which runs end first may depend on how well they learn.
    """
    course = case.decision.course
    words = {
        env_id: (Word.INCONCLUSIVE, OPEN) if word is Word.REGRESSED else (word, note)
        for env_id, (word, note) in case.decision.environments.items()
    }
    decision = replace(case.decision, word=Word.INCONCLUSIVE, environments=words)
    seen = f"look {course.look + 1} of {case.plan.num_looks}"
    return replace(case, decision=decision, findings=[*case.findings, time_finding(cells_left, seen)])


def time_finding(cells_left: int, seen: str | None = None) -> Finding:
    """Says how far it came."""
    detail = f"the time limit came before the answer: {cells_left} cells were still to be trained"
    detail += f"; this is what {seen} has shown" if seen else "; nothing was judged"
    return make_finding("out-of-time", "warning", detail, None)
