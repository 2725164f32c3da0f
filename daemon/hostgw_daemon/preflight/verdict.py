"""What was found of one subject, and how it is said: values and words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hostgw_core.health import Kind, Severity
from hostgw_daemon.host.findings import Finding
from hostgw_daemon.told.conditions import KINDS

_KINDS = {kind.code: kind for kind in KINDS}
_WIDTH = 10  # columns of a subject


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a subject stands. `severity` is None where nothing is wrong; `cure` says what to do."""

    subject: str
    sentence: str
    severity: Severity | None = None
    cure: str = ""


def of_host(finding: Finding) -> Verdict:
    """Take a finding about the host: as severe as the condition that would stand."""
    kind: Kind = _KINDS[finding.code]
    return Verdict("host", f"{finding.code}: {finding.sentence}", kind.severity, finding.cure)


def lines(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """Say it to a person: a line each, and the cure below what is wrong."""
    for each in verdicts:
        yield f"{each.severity or 'ok':8} {each.subject:{_WIDTH}} {each.sentence}"
        if each.cure:
            yield f"{'':8} {'':{_WIDTH}} Cure: {each.cure}"


def wrong(verdicts: Iterable[Verdict]) -> bool:
    """Tell whether anything is wrong, and not merely worth a notice."""
    return any(each.severity in (Severity.WARNING, Severity.ERROR) for each in verdicts)
