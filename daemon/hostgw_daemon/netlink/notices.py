"""What the kernel's notifications mean to us. Pure: it remembers links, and does nothing.

Facts behind it (docs/kernel.md has them all):

* A link that goes down takes all IPv4 routes with it and tells of none: the link's own message is
  the only sign. So every *message* counts, not the state in the end: down and up again within a
  millisecond looks as if nothing had happened, and every route is gone.
* `ip route replace` by somebody else, with our metric, takes our route over with one NEWROUTE
  (NLM_F_REPLACE) and no DELROUTE.
* What the kernel itself keeps in the table `local`, for each address that comes and goes, concerns
  nobody; foreign routes of all other tables are told, for ours may be in any of them.
* Our own writes are not here: the socket's filter has dropped them. So a NEWROUTE of our protocol
  was written by somebody else too.
* A sysctl that is written tells what it says now, of `all`, of `default` and of each link that it
  reaches; so does a link that comes.
* A notification carries the port id of the socket that asked for the change: mostly the number of a
  process (netlink(7)), 0 where the kernel did it by itself.
"""

from __future__ import annotations

from hostgw_daemon.kernel import (
    PROTOCOL,
    HostChanged,
    KernelEvent,
    Link,
    RouteForeign,
    RouteLost,
    SwitchesChanged,
)
from hostgw_daemon.netlink import ifmsg, netconf, rtmsg, rtread
from hostgw_daemon.netlink.wire import NLM_F_REPLACE, Message, messages

_LOCAL_TABLE = 255


class Notices:
    """Turns notifications into events; keeps the last state of each link, to tell what changed."""

    def __init__(self) -> None:
        self._links: dict[int, Link] = {}

    def read(self, buffer: bytes | memoryview) -> list[KernelEvent]:
        """Read what one receive gave."""
        events: list[KernelEvent] = []
        for message in messages(buffer):
            if message.type in {rtmsg.RTM_NEWROUTE, rtmsg.RTM_DELROUTE}:
                events += _route(buffer, message)
            elif message.type in {ifmsg.RTM_NEWLINK, ifmsg.RTM_DELLINK}:
                events += self._link(buffer, message)
            elif message.type in {ifmsg.RTM_NEWADDR, ifmsg.RTM_DELADDR}:
                events += _address(buffer, message)
            elif message.type == netconf.RTM_NEWNETCONF:
                events += _switches(buffer, message)
        return events

    def _link(self, buffer: bytes | memoryview, message: Message) -> list[KernelEvent]:
        link = ifmsg.read_link(buffer, message)
        if link is None:
            return []
        if message.type == ifmsg.RTM_DELLINK:
            self._links.pop(link.index, None)
            return [HostChanged(link.index, f"{link.name} is gone", link.name)]
        before, self._links[link.index] = self._links.get(link.index), link
        if link == before:
            return []
        return [HostChanged(link.index, describe(link, before), link.name)]


def describe(link: Link, before: Link | None) -> str:
    """Say what is new about a link, for the log."""
    news = []
    if before is not None and before.name != link.name:
        news.append(f"was {before.name}")
    if before is None or (before.up, before.carrier) != (link.up, link.carrier):
        news.append("down" if not link.up else "up" if link.carrier else "up, without carrier")
    if before is not None and before.mtu != link.mtu:
        news.append(f"MTU {before.mtu} -> {link.mtu}")
    return f"{link.name}: {', '.join(news)}"


def _route(buffer: bytes | memoryview, message: Message) -> list[KernelEvent]:
    added = message.type == rtmsg.RTM_NEWROUTE
    told = rtread.summary(buffer, message)
    if told.protocol == PROTOCOL and not added:
        return [RouteLost(route, message.port) for route in rtread.read_ours(buffer, message)]
    if told.table == _LOCAL_TABLE:
        return []
    took = added and bool(message.flags & NLM_F_REPLACE)
    return [
        RouteForeign(route, added=added, took=took, port=message.port)
        for route in rtread.read(buffer, message)
    ]


def _address(buffer: bytes | memoryview, message: Message) -> list[KernelEvent]:
    seen = ifmsg.read_address(buffer, message)
    if seen is None:
        return []
    address = seen.address
    what = "is there" if message.type == ifmsg.RTM_NEWADDR else "is gone"
    what = f"address {address.address} {what}"
    return [HostChanged(address.link, what, address=address.address)]


def _switches(buffer: bytes | memoryview, message: Message) -> list[KernelEvent]:
    link = netconf.link_of(buffer, message)
    return [SwitchesChanged(link)] if link is not None else []
