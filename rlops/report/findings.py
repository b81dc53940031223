"""The view of the findings: grouped by kind, what is said twice said once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rlops.judge.record import FailureRecord, Finding
from rlops.report import text
from rlops.report.words import SEVERITIES, meaning


@dataclass(frozen=True)
class FindingView:
    """What one or more findings say: in which environments (name and anchor), of which side and seeds, and what."""

    environments: tuple[tuple[str, str | None], ...]
    where: str
    detail: str


@dataclass(frozen=True)
class FailureView:
    """A process that failed, with the last lines it printed."""

    label: str
    why: str
    log_tail: str


@dataclass(frozen=True)
class FindingGroup:
    """All findings of one kind and severity, with what they mean for the reader."""

    kind: str
    severity: str
    symbol: str
    tone: str
    meaning: str
    items: tuple[FindingView, ...]


def finding_groups(findings: Sequence[Finding], anchors: Mapping[str, str]) -> tuple[FindingGroup, ...]:
    """Worst severity first; within one, in the order of the record. `anchors`: shown environment id -> anchor."""
    order = list(SEVERITIES)
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in sorted(findings, key=lambda item: order.index(item.severity)):
        groups.setdefault((finding.severity, finding.kind), []).append(finding)
    return tuple(_group(kind, severity, group, anchors) for (severity, kind), group in groups.items())


def failure_views(failures: Sequence[FailureRecord]) -> tuple[FailureView, ...]:
    """The failures, cleaned of what a log may hold."""
    return tuple(
        FailureView(text.line(item.label), text.line(item.why), _end(text.clean(item.log_tail), text.LONGEST_DETAIL))
        for item in failures
    )


def said(item: FindingView, most: int) -> str:
    """What a finding says, on one line: where (at most so many environments), and what."""
    names = [name for name, _ in item.environments]
    shown = ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
    where = ", ".join(part for part in (shown, item.where) if part)
    return f"{where}: {item.detail}" if where else item.detail


def _end(log: str, longest: int) -> str:
    """The end of a log: there stands why the process died."""
    return log if len(log) <= longest else "…" + log[len(log) - longest + 1 :]


def _group(kind: str, severity: str, findings: Sequence[Finding], anchors: Mapping[str, str]) -> FindingGroup:
    symbol, tone = SEVERITIES[severity]
    said: dict[tuple[str, str], dict[str, str | None]] = {}
    for finding in findings:
        environments = said.setdefault((_where(finding), _detail(finding)), {})
        if finding.env_id is not None:
            env_id = text.line(finding.env_id)
            environments[text.cut(env_id, text.LONGEST_LABEL)] = anchors.get(env_id)
    return FindingGroup(
        kind=text.line(kind, text.LONGEST_LABEL),
        severity=severity,
        symbol=symbol,
        tone=tone,
        meaning=meaning(kind, severity),
        items=tuple(FindingView(tuple(names.items()), where, detail) for (where, detail), names in said.items()),
    )


def _where(finding: Finding) -> str:
    noun = "seed" if len(finding.seeds) == 1 else "seeds"
    seeds = f"{noun} {text.seed_list(finding.seeds)}" if finding.seeds else None
    who = text.line(finding.who, text.LONGEST_LABEL) if finding.who else None
    return ", ".join(part for part in (who, seeds) if part)


def _detail(finding: Finding) -> str:
    return text.cut(text.clean(finding.detail).strip(), text.LONGEST_DETAIL)
