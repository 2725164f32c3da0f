"""The loop that has the kernel keep the gateways of other nodes resolved.

Level, not edge: each look reads the entries of the link and writes what is not as `resolved` wants
it. The kernel forgets all entries with the link's carrier and tells of neighbours too often to be
listened to, so a look is made when the link, or the cluster, has changed, and every minute.

Entries are bounded by `SHARE` of gc_thresh1. When the daemon ends they are left to the kernel, as
ordinary ones; those of a daemon that was killed are there for the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from hostgw_core.backoff import around
from hostgw_core.model import IPAddress
from hostgw_core.wake import Wake
from hostgw_daemon.host.resolved import wanted
from hostgw_daemon.kernel import HostChanged, KernelEvent, Overrun
from hostgw_daemon.switches import Neighbour

AUDIT: Final = 60.0  # seconds between two looks that nobody asked for
SETTLE: Final = 2.0  # seconds between two looks that somebody asked for
REST: Final = 300.0  # seconds that a gateway is let alone which did not answer
SHARE: Final = 0.5  # of gc_thresh1, below which the kernel throws no entry out


class Table(Protocol):
    """The neighbour table. OSError from any method."""

    def table(self, link: int) -> Mapping[IPAddress, Neighbour]:
        """Read the entries of a link."""
        ...

    def create(self, link: int, addresses: Iterable[IPAddress]) -> None:
        """Make managed entries where there are none."""
        ...

    def adopt(self, link: int, addresses: Iterable[IPAddress]) -> None:
        """Have the kernel keep entries resolved that nobody wrote."""
        ...

    def release(self, link: int, addresses: Iterable[IPAddress]) -> None:
        """Leave entries of ours to the kernel."""
        ...

    def drop(self, link: int, addresses: Iterable[IPAddress]) -> None:
        """Delete entries of ours."""
        ...


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The link's index (0: there is none, or it is down), the gateways on it, and gc_thresh1."""

    link: int = 0
    gateways: Collection[IPAddress] = ()
    thresh1: int = 0


class Resolver:
    """Keeps gateways resolved while it runs. `told` gets the reason for which it cannot, once."""

    def __init__(
        self,
        entries: Table,
        *,
        about: Callable[[], Neighbourhood],
        told: Callable[[str], None],
        enabled: bool = True,
    ) -> None:
        self._entries = entries
        self._about = about
        self._told = told
        self._wake = Wake()
        self._able = enabled
        self._resting: dict[IPAddress, float] = {}
        self._link = 0
        self.count = 0
        """How many entries are kept resolved."""

    def hear(self, events: Iterable[KernelEvent]) -> None:
        """Take what the kernel said about links."""
        for event in events:
            match event:
                case HostChanged(link) if link == self._link:
                    self._wake.ring()
                case Overrun():
                    self._wake.ring()
                case _:
                    pass

    def again(self) -> None:
        """Look again: the cluster or the link is another one."""
        self._wake.ring()

    async def run(self) -> None:
        """Look for ever; leave the entries to the kernel at the end."""
        try:
            while True:
                self._try()
                await asyncio.sleep(SETTLE)
                await self._wake.wait(within=around(AUDIT))
        finally:
            self._leave()

    def _try(self) -> None:
        try:
            if self._able:
                self.look(asyncio.get_running_loop().time())
        except OSError as error:
            self._told(f"the neighbour table cannot be read: {error}")

    def look(self, now: float) -> None:
        """Look once, at a moment of the loop's clock. Raise OSError."""
        about = self._about()
        if about.link and about.link != self._link:
            self._leave()
        self._link = about.link or self._link
        if not about.link:
            self.count = 0
            return
        self._resting = {a: until for a, until in self._resting.items() if until > now}
        table = self._entries.table(about.link)
        most = int(about.thresh1 * SHARE)
        plan = wanted(about.gateways, table, most=most, resting=self._resting)
        self._resting |= dict.fromkeys(plan.failed, now + REST)
        self._entries.drop(about.link, plan.drop)
        self._entries.release(about.link, plan.release)
        self._entries.create(about.link, plan.create)
        self._entries.adopt(about.link, plan.adopt)
        if any((plan.drop, plan.release, plan.create, plan.adopt)):
            table = self._entries.table(about.link)
        self.count = sum(entry.ours and entry.managed for entry in table.values())
        made = [a for a in plan.create if a in table and table[a].ours]
        if made and not any(table[address].managed for address in made):
            self._able = False
            self._entries.drop(about.link, made)
            self._told("this kernel keeps no neighbours resolved (Linux 5.16 does)")

    def _leave(self) -> None:
        if not self._link:
            return
        try:
            table = self._entries.table(self._link)
            ours = [a for a, entry in table.items() if entry.ours and entry.managed]
            self._entries.release(self._link, ours)
        except OSError as error:
            self._told(f"neighbours of ours stay in the table: {error}")
