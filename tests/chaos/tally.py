"""The table: what every fault has cost, over all episodes it was in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from chaos.fault import Fault
from chaos.runner import Outcome

BEGIN: Final = "<!-- written by make chaos: from here -->"
END: Final = "<!-- written by make chaos: to here -->"


@dataclass(slots=True)
class Row:
    """One fault: how often, among how many packets, with what loss, how soon all was right."""

    alone: int = 0
    paired: int = 0
    sent: int = 0
    excused: int = 0
    unexcused: int = 0
    failed: int = 0
    converged: list[float] = field(default_factory=list)


def tally(outcomes: Iterable[Outcome]) -> dict[str, Row]:
    """Add up the outcomes by fault; those of a pair count for both of its faults."""
    rows: dict[str, Row] = {}
    for outcome in outcomes:
        names = outcome.episode.names
        for name in names:
            row = rows.setdefault(name, Row())
            row.alone += len(names) == 1
            row.paired += len(names) > 1
            row.sent += outcome.sent
            row.excused += outcome.excused
            row.unexcused += outcome.lost - outcome.excused
            row.failed += not outcome.well
            row.converged.append(outcome.converged)
    return rows


def render(
    outcomes: Sequence[Outcome], faults: Mapping[str, Fault], *, machine: str, seed: int
) -> str:
    """Write the report."""
    sent = sum(each.sent for each in outcomes)
    lost = sum(each.lost for each in outcomes)
    excused = sum(each.excused for each in outcomes)
    failed = [each for each in outcomes if not each.well]
    tried = sum(len(each.episode.names) for each in outcomes)
    told = f"{len(failed)} episodes failed." if failed else "Every invariant held."
    lines = [
        f"Seed {seed}: {tried} faults in {len(outcomes)} episodes, {sent:,} packets, on {machine}.",
        f"{lost - excused:,} packets were lost between healthy hosts.",
        f"{excused:,} were lost where a fault allows it. {told}",
        "",
        *_table(_rows(outcomes, faults)),
    ]
    if failed:
        lines += ["", "Failed:", ""]
        for outcome in failed:
            lines.append(f"* {outcome.episode}: `{outcome.episode.command}`")
            lines += [f"    * {violation}" for violation in outcome.violations]
    return "\n".join(lines) + "\n"


def _rows(outcomes: Sequence[Outcome], faults: Mapping[str, Fault]) -> Iterator[Sequence[str]]:
    yield (
        *("fault", "alone", "in pairs", "packets sent", "lost between healthy hosts"),
        *("lost where allowed", "tables right: median", "longest", "what is allowed, and why"),
    )
    rows = tally(outcomes)
    for name, fault in faults.items():
        if (row := rows.get(name)) is None:
            continue
        yield (
            *(name, str(row.alone), str(row.paired), f"{row.sent:,}", f"{row.unexcused:,}"),
            *(f"{row.excused:,}", f"{median(row.converged):.2f} s", f"{max(row.converged):.2f} s"),
            fault.allowance.why or "nothing",
        )


def place(page: str, report: str) -> str:
    """Put a report between the marks of a page. Raise ValueError when the marks are not there."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page lacks {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{report}\n{END}{after}"


def _table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield f"|{'---|' * len(row)}"
