"""A kernel in memory that answers as the real one does: both pass `support.kernel_contract`.

A test owns its world: the links with the networks on them, what other programs do (each such act
gives the events that the monitor would give; the test decides whether anybody hears them), and
faults that are planted for one write. `print(kernel)` shows it all as `ip route` would.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from hostgw_core.model import Family, IPNetwork
from hostgw_daemon.kernel import (
    MAIN_TABLE,
    PROTOCOL,
    UNICAST,
    ForeignRoute,
    HostChanged,
    KernelEvent,
    Leg,
    Outcome,
    Route,
    RouteForeign,
    RouteLost,
    Table,
    Verb,
    Verdict,
    Write,
)
from support.held import Held, Key, bare, family_of, foreign_of, kind_of, names, route_of
from support.kernel_faults import Faults

BOOT = 3
_UNNAMED = {4: 0, 6: 1024}

# Written out again, not imported: the fake must be able to disagree with the adapter.
_VERDICTS = {
    errno.ESRCH: Verdict.GONE,
    errno.EEXIST: Verdict.CONFLICT,
    errno.ENETUNREACH: Verdict.OFF_LINK,
    errno.EHOSTUNREACH: Verdict.OFF_LINK,
    errno.ENODEV: Verdict.LINK_DOWN,
    errno.ENETDOWN: Verdict.LINK_DOWN,
}


@dataclass
class FakeLink:
    """An interface: the networks that its addresses put on it, and whether it is up."""

    networks: list[IPNetwork]
    up: bool = True


class FakeKernel:
    """Implements the port `Kernel`. `links` maps an index to the networks on it.

    `addresses` are the host's own: only these may be a route's source.
    """

    def __init__(self, links: dict[int, Sequence[str]]) -> None:
        self.links = {
            index: FakeLink([ip_network(network) for network in networks])
            for index, networks in links.items()
        }
        self.addresses: set[bytes] = set()
        self.held: dict[Key, list[Held]] = {}
        self.faults = Faults()
        self.writes: list[Write] = []
        """Every write that was ever asked for, in order."""

    # The port.

    def routes(self, family: Family) -> Table:
        """Give the routes of our protocol, of all tables."""
        self.faults.of_read()
        return frozenset(
            route_of(key, held)
            for key, held in self._all()
            if held.protocol == PROTOCOL and family_of(key) == family
        )

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """Do every write by itself."""
        return [self._outcome(write, PROTOCOL) for write in writes]

    def foreign(
        self, destinations: Iterable[tuple[bytes, int]], table: int = MAIN_TABLE
    ) -> list[ForeignRoute]:
        """Give the routes of other protocols in one table to exactly these."""
        self.faults.of_read()
        wanted = set(destinations)
        return [
            foreign_of(key, held)
            for key, held in self._all()
            if held.protocol != PROTOCOL and key[:2] in wanted and key[3] == table
        ]

    def leftovers(self, link: int, family: Family) -> list[ForeignRoute]:
        """Give what flannel may have left on a link."""
        self.faults.of_read()
        return [
            foreign_of(key, held)
            for key, held in self._all()
            if held.protocol == BOOT
            and held.gateway
            and held.link == link
            and family_of(key) == family
            and key[2:] == (_UNNAMED[family], MAIN_TABLE)
        ]

    def take_over(self, leftovers: Iterable[ForeignRoute]) -> list[Outcome]:
        """Delete exactly these, where they are still there."""
        return [self._outcome(Write(Verb.DELETE, bare(route)), BOOT) for route in leftovers]

    # What others do.

    def add(
        self,
        prefix: str,
        gateway: str,
        *,
        link: int,
        protocol: int = BOOT,
        metric: int | None = None,
        table: int = MAIN_TABLE,
    ) -> list[KernelEvent]:
        """Let another program add a route, in front of what holds the key."""
        network = ip_network(prefix)
        family = network.version
        packed = ip_address(gateway).packed if gateway else b""
        named = _UNNAMED[family] if metric is None else metric
        key = (network.network_address.packed, network.prefixlen, named, table)
        held = Held(protocol, packed, link)
        self.held.setdefault(key, []).insert(0, held)
        return [RouteForeign(foreign_of(key, held), added=True)]

    def remove(self, route: Route | ForeignRoute) -> list[KernelEvent]:
        """Let another program delete a route, one of ours or its own."""
        if isinstance(route, Route):
            number = self._delete(route, PROTOCOL)
            event: KernelEvent = RouteLost(route)
        else:
            number = self._delete(bare(route), route.protocol)
            event = RouteForeign(route, added=False)
        assert number == 0, f"there is no such route: {route}\n{self}"
        return [event]

    def steal(self, route: Route, gateway: str, *, protocol: int = BOOT) -> list[KernelEvent]:
        """Let another program replace our route: one event, and no deletion is ever told."""
        held = Held(protocol, ip_address(gateway).packed, route.link)
        self.held[route.key][0] = held
        return [RouteForeign(foreign_of(route.key, held), added=True, took=True)]

    def link_down(self, index: int) -> list[KernelEvent]:
        """Take a link down: its routes go, those of IPv4 without a word."""
        self.links[index].up = False
        lost = [
            RouteLost(route_of(key, held))
            for key, held in self._all()
            if held.link == index and held.protocol == PROTOCOL and family_of(key) == 6
        ]
        self._drop_via(index)
        return [*lost, HostChanged(index, "down")]

    def link_up(self, index: int) -> list[KernelEvent]:
        """Bring a link up: nothing comes back by itself."""
        self.links[index].up = True
        return [HostChanged(index, "up")]

    def unplug(self, index: int) -> list[KernelEvent]:
        """Remove a link altogether."""
        self._drop_via(index)
        for key, several in [*self.held.items()]:  # with one of its ways goes the whole route
            self.held[key] = [h for h in several if index not in {leg.link for leg in h.form.legs}]
        del self.links[index]
        return [HostChanged(index, "gone")]

    def _drop_via(self, index: int) -> None:
        kept = {key: [h for h in held if h.link != index] for key, held in self.held.items()}
        self.held = {key: held for key, held in kept.items() if held}

    # How the kernel decides.

    def _outcome(self, write: Write, protocol: int) -> Outcome:
        self.writes.append(write)
        number = self.faults.of_write(write) or self._do(write, protocol)
        if number:
            verdict = _VERDICTS.get(number, Verdict.FAILED)
            return Outcome(write, verdict, number, os.strerror(number))
        deleted = write.verb is Verb.DELETE
        return Outcome(write, Verdict.DELETED if deleted else Verdict.CREATED)

    def _do(self, write: Write, protocol: int) -> int:
        route = write.route
        if write.verb is Verb.DELETE:
            return self._delete(route, protocol)
        if number := self._refused(route):
            return number
        there = self.held.get(route.key, [])
        held = Held(protocol, route.gateway, route.link, route.form)
        same = [h for h in there if h[1:3] == held[1:3]] if route.family == 6 else [held]
        if (there and write.verb is Verb.CREATE) or any(each in there for each in same):
            return errno.EEXIST
        self.held.setdefault(route.key, []).append(held)
        return 0

    def _refused(self, route: Route) -> int:
        """Judge link, gateway and destination: the kernel does so before it looks at the key.

        Both families ask the routing table for the gateway first, so a link that is down is to them
        a gateway that is nowhere; only IPv6 sees before that the link does not exist, and only
        IPv4 that the destination has host bits.
        """
        if route.form.kind != UNICAST:
            return 0
        if route.form.source and route.form.source not in self.addresses:
            return errno.EINVAL
        legs = route.form.legs or (Leg(route.gateway, route.link),)
        link = self.links.get(legs[0].link)
        covered = all(self._covers(leg) for leg in legs)
        if route.family == 6:
            if link is None:
                return errno.ENODEV
            return 0 if covered else errno.EHOSTUNREACH
        if int.from_bytes(route.destination, "big") & ((1 << (32 - route.length)) - 1):
            return errno.EINVAL
        return 0 if covered else errno.ENETUNREACH

    def _covers(self, leg: Leg) -> bool:
        link = self.links.get(leg.link)
        here = link.networks if link is not None and link.up else []
        return any(ip_address(leg.gateway) in network for network in here)

    def _delete(self, route: Route, protocol: int) -> int:
        for held in self.held.get(route.key, []):
            if (
                held.protocol == protocol
                and route.gateway in {b"", held.gateway}
                and route.link in {0, held.link}
                and (route.family == 6 or names(route.form, held.form))
            ):
                self.held[route.key].remove(held)
                if not self.held[route.key]:
                    del self.held[route.key]
                return 0
        return errno.ESRCH

    def _all(self) -> Iterable[tuple[Key, Held]]:
        return [(key, held) for key, several in self.held.items() for held in several]

    def __str__(self) -> str:
        """Show links and routes the way `ip` does."""
        lines = [
            f"link {index}: {'up' if link.up else 'down'} {' '.join(map(str, link.networks))}"
            for index, link in sorted(self.links.items())
        ]
        for (destination, length, metric, table), held in sorted(self._all()):
            via = f" via {ip_address(held.gateway)}" if held.gateway else ""
            lines.append(
                f"{kind_of(held)}{ip_address(destination)}/{length}{via} dev {held.link}"
                f" proto {held.protocol} metric {metric}"
                + (f" table {table}" if table != MAIN_TABLE else "")
            )
        return "\n".join(lines)
