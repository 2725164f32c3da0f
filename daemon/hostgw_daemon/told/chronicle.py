"""Writes the journal: hears what happens, has it put into words, and wakes who waits for more.

What is about routes is gathered for a `MOMENT`, so that what happens at one time is told together;
it is told before anything else is, so that the order of events is that of their moments. With no
reader nothing is done beyond that: an event is turned into JSON when somebody asks for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from hostgw_core.health import Condition
from hostgw_daemon.kernel import KernelEvent
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.routes.report import Report
from hostgw_daemon.routes.targets import Targets
from hostgw_daemon.told.journal import Event, Journal, Kind, Page
from hostgw_daemon.told.nodelog import LeaseLog, LinkLog
from hostgw_daemon.told.overview import Parts
from hostgw_daemon.told.peerlog import PeerLog
from hostgw_daemon.told.peerstates import troubled_peers
from hostgw_daemon.told.routelog import RouteLog

MOMENT: Final = 0.1
"""Seconds for which what happens to routes is gathered."""


class Chronicle:
    """One for the daemon. `counted` is told the kind of each event; `clock` is time.time.

    `name_of` gives the name of the process behind a port id of netlink.
    """

    def __init__(
        self,
        instance: str,
        *,
        counted: Callable[[Kind], None],
        clock: Callable[[], float],
        name_of: Callable[[int], str] = lambda _port: "",
    ) -> None:
        self._journal = Journal(instance)
        self._counted = counted
        self._clock = clock
        self._routes = RouteLog(name_of)
        self._link = LinkLog()
        self._leases: dict[str, LeaseLog] = {}
        self._peers: dict[str, PeerLog] = {}
        self._news: asyncio.Future[None] | None = None

    # -- for who reads ------------------------------------------------------------------------

    def page(self, since: int, instance: str) -> Page:
        """Give what follows an event, as `Journal.page` does."""
        return self._journal.page(since, instance)

    def follows(self, since: int, instance: str) -> bool:
        """Tell whether there is anything after an event."""
        return self._journal.follows(since, instance)

    @property
    def news(self) -> asyncio.Future[None]:
        """What is done when the next event is there; all who wait have the same one."""
        if self._news is None:
            self._news = asyncio.get_running_loop().create_future()
        return self._news

    # -- for who tells ------------------------------------------------------------------------

    def started(self, version: str) -> None:
        """Begin."""
        words = f"hostgwd {version} has started"
        started = Event(moment=self._clock(), kind=Kind.STARTED, subject="hostgwd", says=words)
        self._tell([started])

    def passed(self, report: Report, targets: Targets) -> None:
        """Take note of a pass over the routes."""
        if report.changed:
            begins = not self._routes.gathering
            self._routes.passed(report, targets.wanted, self._clock())
            self._soon(begins=begins)

    def heard(self, events: Iterable[KernelEvent], targets: Targets) -> None:
        """Take note of what the kernel said."""
        begins = not self._routes.gathering
        self._routes.heard(events, targets, self._clock())
        self._soon(begins=begins)

    def stands(self, uplink: Uplink | NoUplink, cause: str) -> None:
        """Take note of the link to the others."""
        self._tell(self._link.news(uplink, cause, self._clock()))

    def conditions(
        self, raised: Iterable[Condition], over: Iterable[Condition], *, network: str = ""
    ) -> None:
        """Take note of conditions that are new, and of those that are over."""
        now = self._clock()
        events = [
            Event(
                moment=now,
                kind=Kind.CONDITION_RAISED,
                subject=each.kind.code,
                says=f"{each.kind.title.rstrip('.')}: {each.detail}",
                network=network,
            )
            for each in raised
        ]
        events += [
            Event(
                moment=now,
                kind=Kind.CONDITION_OVER,
                subject=each.kind.code,
                says=f"over: {each.kind.title}",
                stood=max(0.0, now - each.since),
                network=network,
            )
            for each in over
        ]
        self._tell(events)

    def look(self, parts: Mapping[str, Parts], *, at_peers: bool) -> None:
        """Compare the leases of all networks, and the peers if asked to, with what they were."""
        several = len(parts) > 1
        for name, each in parts.items():
            network = name if several else ""
            now = self._clock()
            leases = self._leases.setdefault(name, LeaseLog(network))
            self._tell(leases.news(each.claim, now))
            if at_peers:
                peers = self._peers.setdefault(name, PeerLog(network))
                self._tell(peers.news(troubled_peers(each), now))

    def _soon(self, *, begins: bool) -> None:
        if begins and self._routes.gathering:
            asyncio.get_running_loop().call_later(MOMENT, self._gathered)

    def _gathered(self) -> None:
        self._write(self._routes.news())

    def _tell(self, events: Sequence[Event]) -> None:
        if events:
            self._write([*self._routes.news(), *events])

    def _write(self, events: Iterable[Event]) -> None:
        for event in events:
            self._journal.add(event)
            self._counted(event.kind)
        if self._news is not None:
            self._news.set_result(None)
            self._news = None
