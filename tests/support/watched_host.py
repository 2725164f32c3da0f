"""A host made of values, and the watch over it: what there is, who looked, and what was told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from ipaddress import ip_interface

from hostgw_core.model import IPAddress
from hostgw_daemon.kernel import (
    DefaultRoute,
    HostChanged,
    HostPicture,
    KernelEvent,
    Link,
    LinkAddress,
)
from hostgw_daemon.link.hostwatch import HostWatch
from hostgw_daemon.link.uplink import NoUplink, Uplink, UplinkRule
from support.loops import running, settled

ETH0 = Link(2, "eth0", 1500, up=True, carrier=True)
ETH1 = Link(3, "eth1", 9000, up=True, carrier=True)


def address(link: Link, text: str) -> LinkAddress:
    """Give an address of a link, as `ip address` writes it."""
    found = ip_interface(text)
    return LinkAddress(link.index, found.ip, found.network)


class Host:
    """A host: its links, their addresses, its default routes. Whoever looks is counted."""

    def __init__(self) -> None:
        self.links = [ETH0, ETH1]
        self.addresses = [address(ETH0, "192.0.2.1/24"), address(ETH1, "198.51.100.1/24")]
        self.defaults = [DefaultRoute(4, ETH0.index, 100), DefaultRoute(4, ETH1.index, 200)]
        self.reached_by: tuple[tuple[IPAddress, int], ...] = ()
        self.fault: OSError | None = None
        self.looks = 0
        self.asked: list[tuple[IPAddress, ...]] = []

    def look(self, can_reach: Iterable[IPAddress] = ()) -> HostPicture:
        """Give the picture of now."""
        self.looks += 1
        self.asked.append(tuple(can_reach))
        if self.fault:
            raise self.fault
        return HostPicture(
            tuple(self.links), tuple(self.addresses), tuple(self.defaults), self.reached_by
        )

    def lose(self, link: Link) -> None:
        """Take a link out, with all that hangs on it."""
        self.links = [each for each in self.links if each.index != link.index]
        self.addresses = [each for each in self.addresses if each.link != link.index]
        self.defaults = [each for each in self.defaults if each.link != link.index]

    def gain(self, link: Link, *addresses: str, metric: int = 100) -> None:
        """Put a link in, with addresses and a default route."""
        self.links.append(link)
        self.addresses += [address(link, text) for text in addresses]
        if metric:
            self.defaults.append(DefaultRoute(4, link.index, metric))


class Bench:
    """A watch over a host, and what it told."""

    def __init__(self, host: Host, rule: UplinkRule) -> None:
        self.host = host
        self.told: list[tuple[Uplink | NoUplink, str]] = []
        self.heeded: set[str] = set()
        self.watch = HostWatch(
            host,
            rule,
            told=lambda what, why: self.told.append((what, why)),
            heeds=lambda event: event.name in self.heeded,
        )

    @property
    def now(self) -> Uplink | NoUplink:
        """The uplink of now."""
        return self.watch.now

    def hear(self, *events: KernelEvent) -> None:
        """Let the kernel say something."""
        self.watch.hear(events)


@asynccontextmanager
async def watching(
    host: Host | None = None, rule: UplinkRule | None = None
) -> AsyncIterator[Bench]:
    """Let the loop run until it has looked once."""
    bench = Bench(host or Host(), rule or UplinkRule())
    async with running(bench.watch.run):
        await settled()
        yield bench


def changed(link: Link, what: str = "changed") -> HostChanged:
    """Say that a link changed."""
    return HostChanged(link.index, what)
