"""JUnit XML, for CI servers that show test results: a test suite a benchmark, a test case an environment.

A failure is a proven regression, an error what kept an environment from being judged. What is undecided is skipped: a
failure would claim a harm that nobody has proven, and a pass a safety; servers count skipped cases apart.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from xml.etree import ElementTree as ET

from rlops.judge.record import EnvironmentVerdict, Finding, Verdict, Word
from rlops.report import text

OUTCOMES = {
    Word.REGRESSED: "failure",
    Word.FAILED: "error",
    Word.NOT_COMPARABLE: "error",
    Word.INCONCLUSIVE: "skipped",
}
"""The element that says why a case is not passed; the other words pass."""
TOGETHER = "all environments together"


@dataclass(frozen=True)
class _Case:
    """One test case; `outcome`: the element that is put in it, None where it passes."""

    name: str
    seconds: float
    outcome: str | None
    kind: str
    message: str
    detail: str


def render_junit(verdict: Verdict) -> str:
    """The verdict as the text of a JUnit XML file: environments worst first, then all of them together."""
    cases = [*(_case(item, verdict) for item in verdict.environments), _together(verdict)]
    name = text.line(verdict.benchmark or "rlops compare")
    numbers = {
        "tests": str(len(cases)),
        "failures": str(sum(case.outcome == "failure" for case in cases)),
        "errors": str(sum(case.outcome == "error" for case in cases)),
        "skipped": str(sum(case.outcome == "skipped" for case in cases)),
        "time": f"{sum(case.seconds for case in cases):.3f}",
    }
    root = ET.Element("testsuites", {"name": "rlops", **numbers})
    moment = text.line(verdict.created_at)[:19]
    suite = ET.SubElement(root, "testsuite", {"name": name, **numbers, "timestamp": moment})
    properties = ET.SubElement(suite, "properties")
    for key, value in _properties(verdict):
        ET.SubElement(properties, "property", {"name": key, "value": text.line(value)})
    for case, unlike in zip(cases, _unlike([case.name for case in cases]), strict=True):
        _write(suite, f"rlops.{name}", replace(case, name=unlike))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _unlike(names: Sequence[str]) -> list[str]:
    """The names, numbered where they are alike once control characters are gone: servers show one case of a name."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def _write(suite: ET.Element, classname: str, case: _Case) -> None:
    about = {"classname": classname, "name": case.name, "time": f"{case.seconds:.3f}"}
    element = ET.SubElement(suite, "testcase", about)
    if case.outcome is not None:
        said = {"message": case.message} if case.outcome == "skipped" else {"message": case.message, "type": case.kind}
        ET.SubElement(element, case.outcome, said).text = case.detail
    else:
        ET.SubElement(element, "system-out").text = f"{case.kind}: {case.detail}"


def _properties(verdict: Verdict) -> Iterator[tuple[str, str]]:
    yield "verdict", verdict.verdict.value
    yield "exit_code", str(verdict.exit_code)
    yield "baseline", verdict.baseline.reference
    yield "candidate", verdict.candidate.reference
    yield "candidate.git_commit", verdict.candidate.git_commit or ""
    yield "data_sha256", verdict.data_sha256


def _case(item: EnvironmentVerdict, verdict: Verdict) -> _Case:
    change = f"change {text.change(item.change, item.interval)}, margin {text.percent(item.margin, signed=False)}"
    numbers = [
        f"{change}, p (worse) {text.p_value(item.p_harm)}",
        f"mean {text.score(item.mean_baseline)} → {text.score(item.mean_candidate)}",
        f"seeds {item.n_baseline} + {item.n_candidate}",
    ]
    here = [one for one in verdict.findings if one.env_id in {None, item.env_id}]
    why = [_said(one) for one in here if one.severity in {"failed", "not-comparable"}]
    said = [*why, *([text.line(item.note)] if item.note else [])]
    said += [_said(one) for one in here if one.severity == "warning"]
    minutes = [run.minutes for run in item.runs if run.side == "candidate" and run.minutes is not None]
    outcome = OUTCOMES.get(item.verdict)
    return _Case(
        name=text.line(item.env_id) or "(no name)",
        seconds=60 * sum(minutes),
        outcome=outcome,
        kind=item.verdict.value,
        message=f"{item.verdict.value}: {said[0] if outcome == 'error' and said else change}",
        detail="\n".join([*numbers, *said]),
    )


def _together(verdict: Verdict) -> _Case:
    """The benchmark's own verdict: it may be worse, or open, where no single environment is."""
    suite = verdict.suite
    change = "no mean change was computed"
    if suite is not None:
        margin = text.percent(suite.margin, signed=False)
        change = f"mean change {text.change(suite.change, suite.interval)}, margin {margin}"
    sentence = text.line(verdict.sentence)
    step = verdict.next_step
    command = [text.line(step.command)] if step.command else []
    return _Case(
        name=TOGETHER,
        seconds=0.0,
        outcome=OUTCOMES.get(verdict.verdict),
        kind=verdict.verdict.value,
        message=sentence,
        detail="\n".join([sentence, change, f"next: {text.line(step.text)}", *command]),
    )


def _said(finding: Finding) -> str:
    return f"{text.line(finding.kind)}: {text.line(finding.detail)}"
