"""What would change on this host now, and why: `/v1/plan`."""

from __future__ import annotations

from dataclasses import dataclass

from hostgw_daemon.routes.forecast import Change


@dataclass(frozen=True, slots=True)
class ChangeStatus:
    """One thing that would change. `what`: route, rules, link, file or neighbours.

    `cause` is one word for programs, `why` the sentence; `node` is whose it is, "" for nobody's;
    `before` is what a move is from.
    """

    what: str
    action: str
    thing: str
    cause: str
    why: str
    node: str = ""
    before: str = ""

    @classmethod
    def of(cls, change: Change) -> ChangeStatus:
        """Write out what becomes of a route."""
        before = str(change.before) if change.before is not None else ""
        words = (str(change.route), change.cause, change.why, change.owner, before)
        return cls("route", change.action, *words)


@dataclass(frozen=True, slots=True)
class PlanStatus:
    """`changes` are what would be written, `held_back` what is kept, or left alone for now.

    `waits` says why none of it is written at present, "" where nothing is in the way.
    """

    waits: str = ""
    changes: tuple[ChangeStatus, ...] = ()
    held_back: tuple[ChangeStatus, ...] = ()
