"""Whatever happens, in any order: foreign routes are never touched, and in the end ours are right.

The machine plays the store, the host, the administrator and the kernel's moods. What should be in
the kernel is worked out by hand, from the records, by brute force; nothing of the program's own
judgement, projection or plan is asked.
"""

from __future__ import annotations

import errno
from ipaddress import IPv4Address, ip_address, ip_network

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from hostgw_core.model import Addresses
from hostgw_daemon.kernel import Overrun, RouteForeign, Verb, Verdict
from hostgw_daemon.routes.desired import RouteRule
from support.fake_kernel import Held
from support.lease_world import KEYS, MY_ADDRESS, believe, key, policy, value
from support.reconciler_site import LINK, Site, advance, ours

NAMES = ("10.5.1.0-24", "10.5.2.0-24", "10.5.3.0-24", "10.5.2.0-23", "10.5.4.0-24", "8.8.8.0-24")
PREFIXES = ("10.5.1.0/24", "10.5.2.0/24", "10.5.3.0/24", "10.5.9.0/24")
GATEWAYS = ("172.16.0.2", "172.16.0.3", "192.0.2.1", MY_ADDRESS)
RULES = policy()
names = st.sampled_from(NAMES)
soon = st.sampled_from([True, True, False])
"""Whether the watch tells at once, and the reconciler has its turn."""
ERRNOS = (errno.ENOMEM, errno.EPERM, errno.ENETUNREACH, errno.ESRCH, errno.EEXIST, errno.ENODEV)


class OneNode(RuleBasedStateMachine):
    """One node and its world."""

    @initialize(
        link_first=st.booleans(),
        left=st.lists(st.sampled_from(PREFIXES), max_size=2),
        leased=st.lists(st.tuples(names, st.sampled_from(GATEWAYS)), max_size=6),
    )
    def begin(self, link_first, left, leased):
        """Start in a cluster that others are in, on a host where an earlier life left routes."""
        self.site = Site()
        self.pending = []
        self.known = {}
        self.strangers = []  # (key, held) of every foreign route there is
        self.judged = 0  # outcomes that were looked at
        self.moments = 0
        self.lists = []
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
    def lease(self, name, gateway, node, soon):
        """Somebody leases a subnet, or writes the lease anew with another address."""
        self.change(self.site.put_raw(name, value(gateway, node=node)), soon=soon)

    @rule(name=names, content=st.sampled_from([b"?", b"{}", value("224.0.0.1")]), soon=soon)
    def spoil(self, name, content, soon):
        """Somebody writes nonsense."""
        self.change(self.site.put_raw(name, content), soon=soon)

    @rule(name=names, soon=soon)
    def expire(self, name, soon):
        """A lease ends."""
        if key(name) in self.site.entries:
            self.change(self.site.drop(name), soon=soon)

    def change(self, change, *, soon):
        """Let the store change."""
        self.pending.append(change)
        if soon:
            self.tell()
            self.site.work()

    @rule()
    def tell(self):
        """The watch tells what has happened since."""
        if self.pending:
            self.site.tell(*self.pending, received=self.moment())
            self.understood()

    @rule()
    def relist(self):
        """The watch broke: everything is listed."""
        self.lists.append(self.moment())
        self.site.relist(received=self.lists[-1])
        self.understood()

    def moment(self):
        """Give a moment of its own to every answer of the store."""
        self.moments += 1
        return float(self.moments)

    def understood(self):
        """Judge by hand what the store has told by now."""
        self.pending = []
        records = [each for each in self.site.entries.values() if each.key != KEYS.config]
        self.known = believe(records, RULES, self.known)

    # -- the host -----------------------------------------------------------------------------

    @rule(
        prefix=st.sampled_from(PREFIXES),
        kind=st.sampled_from(["shadow", "key", "worse"]),
        heard=st.booleans(),
    )
    def stranger_comes(self, prefix, kind, heard):
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
    def stranger_goes(self, data, heard):
        """Somebody removes his route."""
        route_key, held = data.draw(st.sampled_from(self.strangers))
        self.strangers.remove((route_key, held))
        events = self.site.kernel.remove(self.shown(route_key, held))
        if heard:
            self.site.hear(events)

    @staticmethod
    def shown(route_key, held):
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
    def flush(self, heard, times):
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
    def link_down(self):
        """The link goes down, and takes every route over it along."""
        self.site.hear(self.site.kernel.link_down(self.site.rule.link))
        self.lose_strangers()

    @precondition(lambda self: not self.up)
    @rule()
    def link_up(self):
        """The link comes up; nothing comes back by itself."""
        self.site.hear(self.site.kernel.link_up(self.site.rule.link))

    @precondition(lambda self: self.up)
    @rule()
    def link_flaps_unseen(self):
        """Down and up again, before anybody looks."""
        kernel, index = self.site.kernel, self.site.rule.link
        self.site.hear([*kernel.link_down(index), *kernel.link_up(index)])
        self.lose_strangers()

    @rule()
    def link_made_again(self):
        """The interface is deleted and made again: another index."""
        site, old = self.site, self.site.rule.link
        link = site.kernel.links[old]
        events = site.kernel.unplug(old)
        site.kernel.links[old + 1] = link
        link.up = True
        site.rule = RouteRule(old + 1)
        site.hear(events)
        self.lose_strangers()

    def lose_strangers(self):
        """A link takes everybody's routes along."""
        self.strangers = [
            (route_key, held)
            for route_key, held in self.strangers
            if held.link == self.site.rule.link and self.up and held in self.held_at(route_key)
        ]

    def held_at(self, route_key):
        """Look at what holds a key."""
        return self.site.kernel.held.get(route_key, [])

    @property
    def up(self):
        """Whether the link is up."""
        return self.site.kernel.links[self.site.rule.link].up

    @rule(number=st.sampled_from(ERRNOS), verb=st.sampled_from([None, *Verb]))
    def fault(self, number, verb):
        """The kernel will refuse one write."""
        self.site.kernel.faults.once(number, verb=verb)

    @rule()
    def fault_reading(self):
        """The kernel will not be read once."""
        self.site.kernel.faults.once_reading(errno.ENOBUFS)

    @rule()
    def overrun(self):
        """The kernel dropped notifications."""
        self.site.hear([Overrun()])

    # -- time ---------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.0, 0.0, 0.01, 0.06, 0.3, 3.0, 40.0]))
    def work(self, seconds):
        """Time passes, and what is due is done."""
        silent = not self.up
        before = len(self.site.kernel.writes)
        self.site.work(seconds)
        if silent:
            assert len(self.site.kernel.writes) == before

    @rule(data=st.data())
    def something_happens_during_a_pass(self, data):
        """A pass gives its turn to others, and one of them does something."""
        self.site.reconciler.look("a test")
        self.site.now += 0.06
        turn = self.site.turn()
        try:
            going = advance(turn)
        except OSError:
            return
        act = data.draw(
            st.sampled_from(["tell", "relist", "link_down", "link_up", "link_made_again", "flush"])
        )
        if act == "flush":
            self.flush(heard=True, times=1)
        elif act not in {"link_down", "link_up"} or (act == "link_down") == self.up:
            getattr(self, act)()
        if going:
            self.site.drive(turn)

    # -- what is always so --------------------------------------------------------------------

    @invariant()
    def foreign_routes_are_untouched(self):
        """Every foreign route is there, and is what it was; and there is no other one."""
        found = [
            (route_key, held)
            for route_key, several in self.site.kernel.held.items()
            for held in several
            if held.protocol != 104
        ]
        assert sorted(found) == sorted(self.strangers)

    @invariant()
    def nothing_that_is_leased_is_deleted(self):
        """No deletion hit a route that was right before and is right now."""
        right = self.right()
        lasting, self.were_right = self.were_right & right, right
        outcomes = self.site.kernel.outcomes
        for outcome in outcomes[self.judged :]:
            if outcome.verdict is Verdict.DELETED:
                assert outcome.write.route not in lasting
        self.judged = len(outcomes)

    @invariant()
    def every_moment_is_told_once(self):
        """No answer of the store is counted twice."""
        seen = [moment for report in self.site.reports for moment in report.seen]
        assert len(set(seen)) == len(seen)

    def right(self):
        """Work out by hand which routes there should be, wherever their gateways are."""
        return {
            ours(subnet, one.gateways[0], link=self.site.rule.link)
            for one in self.known.values()
            if one.state != "self"
            for subnet in one.subnets
        }

    def teardown(self):
        """Heal everything and wait: what there is then is exactly what should be, and stays."""
        if not hasattr(self, "site"):
            return
        site = self.site
        site.kernel.faults.planted.clear()
        if not self.up:
            self.link_up()
        if self.pending:
            self.tell()
        site.work(150)  # the longest truce, the longest back-off, an audit
        held = {route_key for route_key, _ in self.strangers}
        right, there = self.right(), site.kernel.ours()
        on_link = {
            route for route in right if ip_address(route.gateway) in ip_network("172.16.0.0/16")
        }
        # Ours may stand behind a stranger's of the same key: it moved before he was heard of.
        sure = {route for route in on_link if route.key not in held}
        assert sure <= there <= on_link, f"\n{site.kernel}"
        state = site.reconciler.state
        assert {outcome.write.route for outcome in state.missing} == right - there
        assert (state.fights, state.installed) == ((), len(there))
        assert state.complete == (right == there)
        metrics = {route.key[:2]: route.metric for route in right}
        assert {(route.destination, route.length, route.metric) for route in state.shadows} == {
            route_key[:3]
            for route_key, _ in self.strangers
            if route_key[2] <= metrics.get(route_key[:2], -1)
        }
        seen = {moment for report in site.reports for moment in report.seen}
        assert seen >= set(self.lists)
        assert site.reports[-1].revision == site.revision
        for seconds in (0.1, 70.0):  # once more, and one audit later
            done = len(site.kernel.outcomes)
            site.reconciler.look("a test")
            site.work(seconds)
            again = site.kernel.outcomes[done:]
            assert {outcome.write.route for outcome in again} == right - there
            assert site.kernel.ours() == there
        self.foreign_routes_are_untouched()


OneNode.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestOneNode = OneNode.TestCase
assert LINK == 2
