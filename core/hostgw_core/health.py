"""Conditions: what is wrong, declared as data, reported as a level.

A program declares every `Kind` of condition it can be in, once, with the sentence that says what to
do. Each part of it then *reports* the whole set of conditions that it sees now; what it no longer
names is over. Nobody raises or clears: there is no edge to miss.

One cause must not show five symptoms: a kind names the kinds that explain it (`explained_by`), and
while one of those stands, it is not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How loudly to say it."""

    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that can be wrong. `unready`: while it stands, `/readyz` says no."""

    code: str
    severity: Severity
    title: str
    cure: str
    unready: bool = False
    explained_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """A kind that stands, since when (seconds since the epoch), and the particulars."""

    kind: Kind
    detail: str
    since: float


class Board:
    """All conditions that stand now, by who reported them. `now` gives seconds since the epoch.

    What one reporter sees is explained by what any sees. Where there is one `shared`, which tells
    of what all others stand on, it is explained by what that one sees, and by what it sees itself.
    """

    def __init__(
        self, kinds: Iterable[Kind], now: Callable[[], float], *, shared: str = ""
    ) -> None:
        self._kinds = {kind.code: kind for kind in kinds}
        self._now = now
        self._shared = shared
        self._reported: dict[str, dict[str, Condition]] = {}

    def report(
        self, reporter: str, found: Mapping[str, str]
    ) -> tuple[list[Condition], list[Condition]]:
        """Take the whole set of conditions a part sees: code to particulars.

        Give those that are new and those that are over. A code that was never declared is a
        KeyError: a mistake of the program.
        """
        before = self._reported.get(reporter, {})
        moment = self._now()
        standing = {
            code: Condition(
                self._kinds[code], detail, before[code].since if code in before else moment
            )
            for code, detail in found.items()
        }
        self._reported[reporter] = standing
        raised = [condition for code, condition in standing.items() if code not in before]
        over = [condition for code, condition in before.items() if code not in standing]
        return raised, over

    def standing(self, *reporters: str) -> tuple[Condition, ...]:
        """Give the conditions to show, worst first: those that no other one explains.

        Those that `reporters` see, by default all.
        """
        shared = [self._shared] if self._shared else [*self._reported]
        below = {code for reporter in shared for code in self._reported.get(reporter, ())}
        shown = [
            condition
            for reporter, found in self._reported.items()
            if not reporters or reporter in reporters
            for condition in found.values()
            if not (below | found.keys()).intersection(condition.kind.explained_by)
        ]
        worst = list(Severity)[::-1]
        return tuple(sorted(shown, key=lambda c: (worst.index(c.kind.severity), c.kind.code)))

    def blocking(self, *reporters: str) -> tuple[Condition, ...]:
        """Give the conditions that stand in the way of being ready, explained or not.

        Those that `reporters` see, by default all.
        """
        return tuple(
            condition
            for reporter, found in self._reported.items()
            if not reporters or reporter in reporters
            for condition in found.values()
            if condition.kind.unready
        )
