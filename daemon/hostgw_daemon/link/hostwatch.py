"""The loop that knows the link: it looks at the host when the host has changed.

The choice of the uplink is *kept* while its interface serves (see `uplink`): a link that flaps
loses its default route, and must not lose our routes for that.

The other nodes know us by our addresses, so it is these that are followed: to the bridge that has
become the link's master, to whatever link has them now. While they are nowhere, they are waited for
a moment: whoever moves an address deletes it here before it is there, and a node that had told
another one in between would stay with that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NoReturn, Protocol

from hostgw_core.backoff import Backoff
from hostgw_core.model import Family, IPAddress
from hostgw_core.wake import Wake
from hostgw_daemon.kernel import (
    MAIN_TABLE,
    HostChanged,
    HostPicture,
    KernelEvent,
    Overrun,
    RouteForeign,
)
from hostgw_daemon.link.uplink import NoUplink, Uplink, UplinkRule, choose

SETTLE = 0.02  # seconds: one change of a link is several messages
LOOK_AGAIN = 30.0  # seconds: while there is no uplink, in case no event told
PATIENCE = 1.0  # seconds that addresses may be on their way before others are taken

_DEFAULT = (0, MAIN_TABLE)  # the length and the table of the default routes that are looked at


class Host(Protocol):
    """Who can look at the host."""

    def look(self, can_reach: Iterable[IPAddress] = ()) -> HostPicture:
        """Read links, addresses and default routes as they are now. Raise OSError."""
        ...


class HostWatch:
    """Keeps the choice of the uplink. `told` gets it after every look, and what led to the look.

    Also when it is the same: a link that went down and up looks the same, and lost its routes.
    `heeds` says which changes elsewhere than at the uplink somebody wants to be told of, too;
    `picture` is what was seen.
    """

    def __init__(
        self,
        host: Host,
        rule: UplinkRule,
        *,
        told: Callable[[Uplink | NoUplink, str], None],
        heeds: Callable[[HostChanged], bool] = lambda _event: False,
    ) -> None:
        self._host = host
        self._rule = rule
        self._told = told
        self._heeds = heeds
        self._families: tuple[tuple[Family, ...], ...] = ((4,),)
        self._wake = Wake()
        self._cause = "start"
        self._backoff = Backoff(0.2, 10.0)
        self._kept: Uplink | None = None
        self._missed: float | None = None  # since when our addresses are nowhere: the loop's clock
        self.picture = HostPicture()
        self.now: Uplink | NoUplink = NoUplink("the host has not been looked at yet")
        self._wake.ring()

    @property
    def index(self) -> int:
        """The index of the link that leads to the others, 0 while there is none, or it is down."""
        return self.now.link.index if isinstance(self.now, Uplink) and self.now.up else 0

    def need(self, families: Sequence[Family], *fewer: Sequence[Family]) -> None:
        """Say which address families are used; where there is no link for all, `fewer` in turn."""
        needed = (tuple(families), *map(tuple, fewer))
        if needed != self._families:
            self._families = needed
            self.again("the network's address families changed")

    def hear(self, events: Iterable[KernelEvent]) -> None:
        """Take what the kernel said about links, addresses and default routes."""
        for event in events:
            match event:
                case HostChanged(link, what):
                    if self._concerns(link) or self._heeds(event):
                        self.again(what)
                case RouteForeign(route, added=True) if (route.length, route.table) == _DEFAULT:
                    if isinstance(self.now, NoUplink):
                        self.again("a default route came")
                case Overrun():
                    self.again("the kernel dropped notifications")
                case _:
                    pass

    async def run(self) -> NoReturn:
        """Look for ever."""
        while True:
            await self._wake.wait(within=self._pause())
            try:
                self.look()
            except OSError as error:
                self.now = NoUplink(f"the host's links cannot be read: {error}")
                self._told(self.now, "a look failed")
                self.again("a look failed")
                await asyncio.sleep(self._backoff.failed())
            else:
                self._backoff.succeeded()
                await asyncio.sleep(SETTLE)

    def look(self) -> None:
        """Look once and tell. Raise OSError."""
        cause, self._cause = self._cause, "a look without a change"
        reach = self._rule.can_reach
        self.picture = picture = self._host.look([reach] if reach is not None else [])
        self.now = self._patiently(self._choose(picture))
        if isinstance(self.now, Uplink):
            self._kept = self.now
        self._told(self.now, cause)

    def _choose(self, picture: HostPicture) -> Uplink | NoUplink:
        """Choose for all families; if there is none for all, for fewer, or say what is missing."""
        found = (keep_or_choose(picture, self._rule, each, self._kept) for each in self._families)
        first = next(found)
        return next((each for each in (first, *found) if isinstance(each, Uplink)), first)

    def _pause(self) -> float | None:
        if self._missed is not None:
            return PATIENCE / 2
        return LOOK_AGAIN if isinstance(self.now, NoUplink) else None

    def _patiently(self, chosen: Uplink | NoUplink) -> Uplink | NoUplink:
        """Put off a choice of other addresses than we had, in case those come again."""
        kept, now = self._kept, asyncio.get_running_loop().time()
        lost = kept is not None and isinstance(chosen, Uplink) and not _keeps(chosen, kept)
        if kept is None or not lost:
            self._missed = None
            return chosen
        if self._missed is None:
            self._missed = now
        if now - self._missed < PATIENCE:
            return NoUplink(
                f"{kept.link.name} has just lost {kept.addresses}; give it back, or another address"
                " is told to the other nodes in a moment."
            )
        self._missed = None
        return chosen

    def again(self, cause: str) -> None:
        """Ask for a look; what is told after it names the cause."""
        self._cause = cause
        self._wake.ring()

    def _concerns(self, link: int) -> bool:
        return isinstance(self.now, NoUplink) or self.now.link.index == link


def keep_or_choose(
    picture: HostPicture, rule: UplinkRule, families: tuple[Family, ...], kept: Uplink | None
) -> Uplink | NoUplink:
    """Choose by the rule, but stay with the addresses we had; with none of them, with the link.

    An interface that gets another address loses its default route with the old one. It stays the
    one that was found by its routes; an address or a name that a person asked for is another thing:
    whoever named one did not mean another.
    """
    chosen = choose(picture, rule, families=families, current=kept)
    named = rule.ifaces or rule.regexes or rule.cidrs
    if kept is None or named or (isinstance(chosen, Uplink) and _keeps(chosen, kept)):
        return chosen
    former = kept.link.name
    for address in kept.addresses:
        moved = choose(picture, replace(rule, ifaces=(str(address),)), families=families)
        if isinstance(moved, Uplink) and not moved.link.loopback:
            return replace(moved, reason=f"{moved.link.name}: has {address}, which {former} had")
    if isinstance(chosen, Uplink):
        return chosen
    again = choose(picture, replace(rule, ifaces=(former,)), families=families)
    return replace(again, reason=kept.reason) if isinstance(again, Uplink) else chosen


def _keeps(chosen: Uplink, kept: Uplink) -> bool:
    """Tell whether a choice has the addresses of the one before, as far as it needs any."""
    return all(
        chosen.addresses.of(address.version) in (address, None) for address in kept.addresses
    )
