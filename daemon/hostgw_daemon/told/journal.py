"""The journal: what changed, when, why and by whom, in the order in which it happened.

It is a record for people who ask afterwards, and nothing decides by it. Each event has a number,
one more than the last, so that who reads on from a number knows whether he has missed any. Of very
many events only the latest are kept. Numbers begin anew with each process, whose `instance` tells
one numbering from another.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from typing import Final

KEPT: Final = 4096
"""How many events are kept: some 2 MB."""

GIVEN: Final = 1000
"""How many are given at once; who wants more asks again."""


class Kind(StrEnum):
    """What an event is about: the values of `kind`."""

    STARTED = "started"
    ROUTE_CREATED = "route_created"
    ROUTE_DELETED = "route_deleted"
    ROUTE_LOST = "route_lost"  # somebody else deleted ours
    ROUTE_TAKEN = "route_taken"  # somebody else put his in the place of ours
    ROUTE_RESTORED = "route_restored"
    FOREIGN_CAME = "foreign_came"  # a route of another to a subnet that ours leads to
    FOREIGN_WENT = "foreign_went"
    UNHEARD = "unheard"  # the kernel dropped notifications
    CONDITION_RAISED = "condition_raised"
    CONDITION_OVER = "condition_over"
    PEER = "peer"
    LEASE_HELD = "lease_held"
    LEASE_LOST = "lease_lost"
    LEASE_LEFT = "lease_left"  # given back on purpose
    LEASE_MOVED = "lease_moved"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class By:
    """Who did it. `who` is `hostgwd` for this daemon, `kernel`, or `other`.

    Of another there is the port id of his netlink socket, mostly the number of his process, the
    name of the process if it was still there, and the protocol of his route, 0 for none.
    """

    who: str = "hostgwd"
    port: int = 0
    process: str = ""
    protocol: int = 0


OURSELVES: Final = By()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened; or `count` things of one kind, said together.

    `moment` is in seconds since the epoch, `stood` how many seconds had been so what is over now,
    None where nobody knows. `subject` is the prefix, node, condition or interface; of many, the
    first ones. `revision` is the store's revision that a pass brought the kernel to, or that of a
    record, 0 for none. `network` is "" for what concerns the host.
    """

    number: int = 0
    moment: float
    kind: Kind
    subject: str
    says: str
    by: By = OURSELVES
    cause: str = ""
    revision: int = 0
    stood: float | None = None
    count: int = 1
    network: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What a reader is given: how many events he has `missed` for good, and those that follow.

    He reads on from the number of the last of them; `last` is the number of the latest there is.
    """

    instance: str
    missed: int
    last: int
    events: tuple[Event, ...] = field(default=())


class Journal:
    """Keeps the last `kept` events of the process `instance`."""

    def __init__(self, instance: str, kept: int = KEPT) -> None:
        self._instance = instance
        self._events: deque[Event] = deque(maxlen=kept)
        self.last = 0

    def add(self, event: Event) -> None:
        """Record an event, and give it its number."""
        self.last += 1
        self._events.append(replace(event, number=self.last))

    def follows(self, since: int, instance: str = "") -> bool:
        """Tell whether there is anything after an event, as its reader knew the numbering."""
        return self._begin(since, instance) < self.last

    def page(self, since: int, instance: str = "") -> Page:
        """Give what follows the event with the number `since`: 0 for all.

        A number of another process, or one that was not given out yet, means nothing here: then
        everything follows.
        """
        begin = self._begin(since, instance)
        oldest = self.last - len(self._events)  # the number before the first that is kept
        events = islice(self._events, max(0, begin - oldest), max(0, begin - oldest) + GIVEN)
        return Page(self._instance, max(0, oldest - begin), self.last, tuple(events))

    def _begin(self, since: int, instance: str) -> int:
        return 0 if since > self.last or instance not in ("", self._instance) else since
