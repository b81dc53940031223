"""Whether a reviewer must read on, and whether there is anything to say at all."""

from dataclasses import dataclass

from rlops.judge.record import Verdict, Word
from rlops.report import text
from rlops.report.words import READ_ON, WORDS


@dataclass(frozen=True)
class ReadOn:
    """Must the reader read on, and why (not)."""

    needed: bool
    why: str


def something_to_say(verdict: Verdict) -> bool:
    """Is a comment worth its readers' time: not a pass, better than before, or something to know."""
    return not WORDS[verdict.verdict].passes or verdict.verdict is Word.IMPROVED or bool(_remarks(verdict))


def nothing_to_compare(verdict: Verdict) -> bool:
    """Is there no baseline yet: a verdict that is no fault of the candidate."""
    kinds = {finding.kind for finding in verdict.findings}
    return verdict.verdict is Word.NOT_COMPARABLE and "no-baseline-yet" in kinds


def read_on(verdict: Verdict) -> ReadOn:
    """What the line under the verdict says."""
    remarks = _remarks(verdict)
    if nothing_to_compare(verdict):
        remarks.discard("no-baseline-yet")
        if remarks:
            return ReadOn(True, f"nothing could be judged yet, but there {_is(remarks)} below.")
        return ReadOn(False, "nothing could be judged yet.")
    if not WORDS[verdict.verdict].passes:
        return ReadOn(True, READ_ON[verdict.verdict])
    if remarks:
        return ReadOn(True, f"it passes, but there {_is(remarks)} below.")
    return ReadOn(False, READ_ON[verdict.verdict])


def _remarks(verdict: Verdict) -> set[str]:
    """The kinds of findings that are more than notes."""
    return {finding.kind for finding in verdict.findings if finding.severity != "note"}


def _is(remarks: set[str]) -> str:
    return f"{'is' if len(remarks) == 1 else 'are'} {text.counted(len(remarks), 'warning')}"
