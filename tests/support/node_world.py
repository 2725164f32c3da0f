"""What may happen to one node, in any order: the store's, the host's and the kernel's doings.

A machine of Hypothesis builds on it and says what must hold. Which routes there should be is worked
out by hand, from the records, by brute force.
"""

from __future__ import annotations

import errno
from ipaddress import IPv4Address, ip_address, ip_network

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from hostgw_core.model import Addresses, Family
from hostgw_core.store import Change
from hostgw_daemon.kernel import ForeignRoute, Overrun, Route, RouteForeign, Verb
from hostgw_daemon.routes.desired import RouteRule
from support.held import Held, Key
from support.lease_world import KEYS, MY_ADDRESS, Believed, believe, key, policy, value
from support.reconciler_site import Site, ours

NAMES = ("10.5.1.0-24", "10.5.2.0-24", "10.5.3.0-24", "10.5.2.0-23", "10.5.4.0-24", "8.8.8.0-24")
PREFIXES = ("10.5.1.0/24", "10.5.2.0/24", "10.5.3.0/24", "10.5.9.0/24")
GATEWAYS = ("172.16.0.2", "172.16.0.3", "192.0.2.1", MY_ADDRESS)
RULES = policy()
names = st.sampled_from(NAMES)
soon = st.sampled_from([True, True, False])
"""Whether the watch tells at once, and the reconciler has its turn."""
ERRNOS = (errno.ENOMEM, errno.EPERM, errno.ENETUNREACH, errno.ESRCH, errno.EEXIST, errno.ENODEV)


class NodeWorld(RuleBasedStateMachine):
    """One node and its world; who judges it keeps `judged`, `were_right` and `lists`."""

    @initialize(
        link_first=st.booleans(),
        left=st.lists(st.sampled_from(PREFIXES), max_size=2),
        leased=st.lists(st.tuples(names, st.sampled_from(GATEWAYS)), max_size=6),
    )
    def begin(self, link_first: bool, left: list[str], leased: list[tuple[str, str]]) -> None:
        """Start in a cluster that others are in, on a host where an earlier life left routes."""
        self.site = Site()
        self.pending: list[Change] = []
        self.known: dict[bytes, Believed] = {}
        self.away: frozenset[tuple[bytes, Family]] = frozenset()  # whose routes are withdrawn
        self.strangers: list[tuple[Key, Held]] = []  # (key, held) of every foreign route there is
        self.judged = 0  # outcomes that were looked at
        self.moments = 0
        self.lists: list[float] = []
        for prefix in left:
            route = ours(prefix, "172.16.0.77")
            self.site.kernel.held[route.key] = [Held(104, route.gateway, route.link)]
        self.site.cluster.stand_at(Addresses(IPv4Address(MY_ADDRESS)), [])
        if link_first:
            self.site.stand()
            self.site.work()
            assert self.site.kernel.writes == []  # nothing before there is a roster
        for name, gateway in leased:
            self.site.put_raw(name, value(gateway, node="n"))
        self.relist()
        self.site.stand()
        self.site.work()
        self.were_right = self.right()

    # -- the store ----------------------------------------------------------------------------

    @rule(
        name=names,
        gateway=st.sampled_from(GATEWAYS),
        node=st.sampled_from(["", "n", "n", "n", "me"]),
        soon=soon,
    )
    def lease(self, name: str, gateway: str, node: str, soon: bool) -> None:
        """Somebody leases a subnet, or writes the lease anew with another address."""
        self.change(self.site.put_raw(name, value(gateway, node=node)), soon=soon)

    @rule(name=names, content=st.sampled_from([b"?", b"{}", value("224.0.0.1")]), soon=soon)
    def spoil(self, name: str, content: bytes, soon: bool) -> None:
        """Somebody writes nonsense."""
        self.change(self.site.put_raw(name, content), soon=soon)

    @rule(name=names, soon=soon)
    def expire(self, name: str, soon: bool) -> None:
        """A lease ends."""
        if key(name) in self.site.entries:
            self.change(self.site.drop(name), soon=soon)

    def change(self, change: Change, *, soon: bool) -> None:
        """Let the store change."""
        self.pending.append(change)
        if soon:
            self.tell()
            self.site.work()

    @rule()
    def tell(self) -> None:
        """The watch tells what has happened since."""
        if self.pending:
            self.site.tell(*self.pending, received=self.moment())
            self.understood()

    @rule()
    def relist(self) -> None:
        """The watch broke: everything is listed."""
        self.lists.append(self.moment())
        self.site.relist(received=self.lists[-1])
        self.understood()

    def moment(self) -> float:
        """Give a moment of its own to every answer of the store."""
        self.moments += 1
        return float(self.moments)

    def understood(self) -> None:
        """Judge by hand what the store has told by now."""
        self.pending = []
        records = [each for each in self.site.entries.values() if each.key != KEYS.config]
        self.known = believe(records, RULES, self.known)

    @rule(among=st.frozensets(names, max_size=2), soon=soon)
    def withdraw(self, among: frozenset[str], soon: bool) -> None:
        """Probes find that some are out of reach, or that those of before are back."""
        self.away = frozenset((key(name), 4) for name in among)
        self.site.reconciler.withdraw(self.away, "a test")
        if soon:
            self.site.work()

    # -- the host -----------------------------------------------------------------------------

    @rule(
        prefix=st.sampled_from(PREFIXES),
        kind=st.sampled_from(["shadow", "key", "worse"]),
        heard=st.booleans(),
    )
    def stranger_comes(self, prefix: str, kind: str, heard: bool) -> None:
        """Somebody adds a route to a peer's subnet, or replaces ours by it."""
        kernel = self.site.kernel
        mine = ours(prefix)
        metric = {"shadow": 5, "key": mine.metric, "worse": 9000}[kind]
        route_key = (*mine.key[:2], metric, mine.table)
        there = kernel.held.get(route_key, [])
        if any(held.protocol != 104 for held in there):
            return
        if there:
            route = mine._replace(gateway=there[0].gateway, link=there[0].link)
            events = kernel.steal(route, "172.16.0.66", protocol=4)
        elif self.up:
            events = kernel.add(
                prefix, "172.16.0.66", link=self.site.rule.link, protocol=4, metric=metric
            )
        else:
            return
        self.strangers.append((route_key, kernel.held[route_key][0]))
        if heard:
            self.site.hear(events)

    @precondition(lambda self: self.strangers)
    @rule(data=st.data(), heard=st.booleans())
    def stranger_goes(self, data: st.DataObject, heard: bool) -> None:
        """Somebody removes his route."""
        route_key, held = data.draw(st.sampled_from(self.strangers))
        self.strangers.remove((route_key, held))
        events = self.site.kernel.remove(self.shown(route_key, held))
        if heard:
            self.site.hear(events)

    @staticmethod
    def shown(route_key: Key, held: Held) -> ForeignRoute:
        """Write a foreign route as the kernel tells of it."""
        destination, length, metric, table = route_key
        kernel = Site().kernel
        (event,) = kernel.add(
            f"{ip_address(destination)}/{length}",
            str(ip_address(held.gateway)),
            link=held.link,
            protocol=held.protocol,
            metric=metric,
        )
        assert isinstance(event, RouteForeign)
        return event.route._replace(table=table)

    @rule(heard=st.booleans(), times=st.sampled_from([1, 1, 8]))
    def flush(self, heard: bool, times: int) -> None:
        """Somebody deletes all routes of ours; or he does so again and again."""
        for _ in range(times):
            routes = sorted(self.site.kernel.ours())
            events = [event for route in routes for event in self.site.kernel.remove(route)]
            if heard:
                self.site.hear(events)
            if times > 1:
                self.site.work(0.4)

    @precondition(lambda self: self.up)
    @rule()
    def link_down(self) -> None:
        """The link goes down, and takes every route over it along."""
        self.site.hear(self.site.kernel.link_down(self.site.rule.link))
        self.lose_strangers()

    @precondition(lambda self: not self.up)
    @rule()
    def link_up(self) -> None:
        """The link comes up; nothing comes back by itself."""
        self.site.hear(self.site.kernel.link_up(self.site.rule.link))

    @precondition(lambda self: self.up)
    @rule()
    def link_flaps_unseen(self) -> None:
        """Down and up again, before anybody looks."""
        kernel, index = self.site.kernel, self.site.rule.link
        self.site.hear([*kernel.link_down(index), *kernel.link_up(index)])
        self.lose_strangers()

    @rule()
    def link_made_again(self) -> None:
        """The interface is deleted and made again: another index."""
        site, old = self.site, self.site.rule.link
        link = site.kernel.links[old]
        events = site.kernel.unplug(old)
        site.kernel.links[old + 1] = link
        link.up = True
        site.rule = RouteRule(old + 1)
        site.hear(events)
        self.lose_strangers()

    def lose_strangers(self) -> None:
        """A link takes everybody's routes along."""
        self.strangers = [
            (route_key, held)
            for route_key, held in self.strangers
            if held.link == self.site.rule.link and self.up and held in self.held_at(route_key)
        ]

    def held_at(self, route_key: Key) -> list[Held]:
        """Look at what holds a key."""
        return self.site.kernel.held.get(route_key, [])

    @property
    def up(self) -> bool:
        """Whether the link is up."""
        return self.site.kernel.links[self.site.rule.link].up

    @rule(number=st.sampled_from(ERRNOS), verb=st.sampled_from([None, *Verb]))
    def fault(self, number: int, verb: Verb | None) -> None:
        """The kernel will refuse one write."""
        self.site.kernel.faults.once(number, verb=verb)

    @rule()
    def fault_reading(self) -> None:
        """The kernel will not be read once."""
        self.site.kernel.faults.once_reading(errno.ENOBUFS)

    @rule()
    def overrun(self) -> None:
        """The kernel dropped notifications."""
        self.site.hear([Overrun()])

    def right(self) -> set[Route]:
        """Work out by hand which routes there should be, wherever their gateways are."""
        return {
            ours(destination, one.gateways[0], link=self.site.rule.link)
            for name, one in self.known.items()
            if one.state != "self"
            for subnet in one.subnets
            for destination in self.led_to(name, subnet)
        }

    def led_to(self, name: bytes, subnet: str) -> list[str]:
        """Say where routes lead instead of to a subnet that is withdrawn: the first and last."""
        if (name, 4) not in self.away:
            return [subnet]
        network = ip_network(subnet)
        first, last = network.network_address + 1, network.broadcast_address - 1
        return [f"{first}/32", f"{last}/32"]
