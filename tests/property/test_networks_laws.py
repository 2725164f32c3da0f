"""The laws of one routing table for several networks: whatever happens to one of them, and when.

What is expected is worked out by hand from what the test itself has written and let be read.
"""

from __future__ import annotations

from ipaddress import IPv4Network

import hypothesis.strategies as st
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hostgw_core.keys import Keys
from hostgw_core.store import Deleted, Entry
from hostgw_daemon.kernel import Verb, Write
from hostgw_daemon.routes.desired import RouteRule
from hostgw_daemon.routes.judgement import accept, amend
from hostgw_daemon.routes.peers import Policy
from hostgw_daemon.routes.targets import Targets
from support.lease_world import config, value
from support.reconciler_site import NETWORK, Records, Site, ours

NETWORKS = {"red": ("/p", "10.5"), "blue": ("/p/blue", "10.6")}
"""Name, prefix, and how the addresses of it begin."""
GATEWAYS = ("172.16.0.2", "172.16.0.3")
RULE = RouteRule(2)
NUMBERS = st.integers(0, 3)

acts = st.lists(
    st.tuples(
        st.sampled_from(sorted(NETWORKS)),
        NUMBERS,
        st.none() | st.sampled_from(GATEWAYS),
    ),
    max_size=12,
)


@given(acts)
@settings(max_examples=200, deadline=None)
def test_two_rosters_amended_are_two_rosters_aimed_at_anew(acts):
    """A change in one network leaves the routes of both as they must be."""
    keys = {name: Keys(prefix) for name, (prefix, _) in NETWORKS.items()}
    rosters = {
        name: accept([], Policy(keys[name], config(f"{begin}.0.0/16"), "id-me"))
        for name, (_, begin) in NETWORKS.items()
    }
    entries: dict[bytes, Entry] = {}
    wanted: dict[str, str] = {}
    targets = Targets()
    targets.aim(tuple(rosters.values()), RULE)
    for revision, (name, number, gateway) in enumerate(acts, 2):
        begin = NETWORKS[name][1]
        key = keys[name].subnets.start + f"{begin}.{number}.0-24".encode()
        old = entries.pop(key, None)
        if gateway is None and old is None:
            continue
        if gateway is None:
            change: Entry | Deleted = Deleted(key, revision)
            del wanted[f"{begin}.{number}.0/24"]
        else:
            created = old.created if old else revision
            change = entries[key] = Entry(key, value(gateway), created, revision, 1, 0)
            wanted[f"{begin}.{number}.0/24"] = gateway
        result = amend(rosters[name], [change])
        assert result is not None
        rosters[name], moved = result
        targets.amend(tuple(rosters.values()), RULE, moved)
        assert targets.wanted == {ours(prefix, via) for prefix, via in wanted.items()}
        assert set(targets.prefixes.values()) == targets.wanted
        fresh = Targets()
        fresh.aim(tuple(rosters.values()), RULE)
        assert (fresh.wanted, fresh.prefixes) == (targets.wanted, targets.prefixes)
    kept = targets.wanted
    targets.aim(tuple(rosters.values()), RULE)
    assert targets.wanted is kept  # a full pass after it computes nothing anew


class TwoNetworks(RuleBasedStateMachine):
    """A node of two networks that starts beside routes of a former life.

    No route of a network goes before that network was read; none of a network that was never read
    goes at all; what both want is there after every pass.
    """

    def __init__(self) -> None:
        super().__init__()
        self.site = Site(networks=tuple(NETWORKS))
        self.store = {
            name: Records(
                self.site.clock,
                self.site.reconciler,
                name=name,
                keys=Keys(prefix),
                network=NETWORK.replace(b"10.5", begin.encode()),
            )
            for name, (prefix, begin) in NETWORKS.items()
        }
        self.former: set[str] = set()
        self.read: set[str] = set()
        self.shown: dict[str, dict[str, str]] = {name: {} for name in NETWORKS}

    @initialize(former=st.sets(st.tuples(st.sampled_from(["10.5", "10.6", "10.9"]), NUMBERS)))
    def start(self, former: set[tuple[str, int]]) -> None:
        """Routes of a former life are there, also of a network that is not served any more."""
        self.former = {f"{begin}.{number}.0/24" for begin, number in former}
        self.site.kernel.write([Write(Verb.CREATE, ours(prefix)) for prefix in self.former])
        self.site.stand()

    @rule(name=st.sampled_from(sorted(NETWORKS)))
    def list(self, name: str) -> None:
        """A network is read, or read again."""
        self.read.add(name)
        self.store[name].relist()

    @rule(name=st.sampled_from(sorted(NETWORKS)), number=NUMBERS, gateway=st.sampled_from(GATEWAYS))
    def lease(self, name: str, number: int, gateway: str) -> None:
        """Another node writes a lease; whoever has read the network is told."""
        subnet = f"{NETWORKS[name][1]}.{number}.0"
        entry = self.store[name].put(f"{subnet}-24", gateway)
        self.shown[name][f"{subnet}/24"] = gateway
        if name in self.read:
            self.store[name].tell(entry)

    @precondition(lambda self: any(self.shown.values()))
    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        """A lease ends."""
        there = [(name, prefix) for name in NETWORKS for prefix in self.shown[name]]
        name, prefix = data.draw(st.sampled_from(sorted(there)))
        del self.shown[name][prefix]
        gone = self.store[name].drop(prefix.replace("/", "-"))
        if name in self.read:
            self.store[name].tell(gone)

    @rule()
    def wait(self) -> None:
        """Time passes, and with it whatever pass is due."""
        self.site.work(120)

    @invariant()
    def all_that_is_known_is_there_and_nothing_unknown_went(self) -> None:
        """By hand, from what was read: the routes of those networks, and what may not go."""
        self.site.work(1)
        held = {route.prefix: route for route in self.site.kernel.ours()}
        wanted = {p: via for name in self.read for p, via in self.shown[name].items()}
        grounds = [IPv4Network(f"{NETWORKS[name][1]}.0.0/16") for name in self.read]
        everything = self.read == NETWORKS.keys()
        kept = {
            prefix
            for prefix in self.former
            if not everything and not any(IPv4Network(prefix).subnet_of(g) for g in grounds)
        }
        assert held.keys() == wanted.keys() | kept
        assert all(held[prefix] == ours(prefix, via) for prefix, via in wanted.items())


TestTwoNetworks = TwoNetworks.TestCase
TestTwoNetworks.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
