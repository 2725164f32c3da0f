"""The law of the targets: amended however often, they are what a fresh aim gives."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings

from hostgw_core.store import Entry
from hostgw_daemon.kernel import BLACKHOLE, UNICAST, UNREACHABLE
from hostgw_daemon.routes.desired import RouteRule
from hostgw_daemon.routes.judgement import accept
from hostgw_daemon.routes.targets import Targets
from support.judged_store import JudgedStore
from support.lease_world import config, key, policy, value

RULES = policy(config(ipv6="fd00:5::/48"))
NAMES = (
    "10.5.0.0-23",
    "10.5.0.0-24",
    "10.5.1.0-24",
    "10.5.2.0-24",
    "10.5.2.0-24&fd00:5:0:2::-64",
    "10.5.3.0-24&fd00:5:0:2::-64",
)
rules = st.sampled_from(
    [
        RouteRule(2),
        RouteRule(2),
        RouteRule(3),
        RouteRule(2, metric=9),
        RouteRule(2, own=BLACKHOLE),
        RouteRule(2, own=UNREACHABLE, unassigned=BLACKHOLE),
    ]
)
values = st.builds(
    value,
    st.sampled_from(["172.16.0.2", "172.16.0.3"]),
    gateway6=st.sampled_from([None, "fd00::2"]),
    node=st.sampled_from(["", "n1", "me"]),
) | st.just(b"?")
acts = st.lists(st.tuples(st.sampled_from(NAMES), st.none() | values), max_size=3)
withdrawals = st.frozensets(
    st.tuples(st.sampled_from(NAMES).map(key), st.sampled_from([4, 6])), max_size=3
)
steps = st.lists(st.tuples(rules, acts, withdrawals), max_size=10)


def led_to(subnet, withdrawn):
    """Say where routes lead instead of to a subnet: to the first address and the last but one."""
    if not withdrawn:
        return [str(subnet)]
    width, last = subnet.max_prefixlen, int(subnet.broadcast_address)
    first = type(subnet.network_address)(int(subnet.network_address) + 1)
    return [f"{first}/{width}", f"{type(first)(last - 1)}/{width}"]


def by_hand(roster, rule, withdrawn):
    """Say what is wanted, as `ip route` would show it: of every peer that is another node."""
    found = {
        (to, str(peer.lease.gateways.of(subnet.version)), rule.link)
        for peer in roster.peers.values()
        if peer.lease.node_id != "id-me"
        for subnet in peer.lease.subnets
        if peer.lease.gateways.of(subnet.version) is not None
        for to in led_to(subnet, (peer.lease.key, subnet.version) in withdrawn)
    }
    if rule.own != UNICAST:
        found |= {
            (f"{'blackhole' if rule.own == BLACKHOLE else 'unreachable'} {subnet}", "", 0)
            for peer in roster.peers.values()
            if peer.lease.node_id == "id-me"
            for subnet in peer.lease.subnets
        }
    if rule.unassigned != UNICAST:
        found |= {("blackhole 10.5.0.0/16", "", 0), ("blackhole fd00:5::/48", "", 0)}
    return found


def shown(targets):
    """Say what is aimed at in the same words."""
    found = set()
    for route in targets.wanted:
        words = str(route).partition(" metric ")[0]
        prefix, _, gateway = words.partition(" via ")
        found.add((prefix, gateway, route.link))
    return found


@given(steps)
@settings(max_examples=200, deadline=None)
def test_amended_targets_are_fresh_targets(steps):
    """After any changes of leases, rules, withdrawals: in all and by destination."""
    store = JudgedStore(RULES)
    targets, aimed, away = Targets(), RouteRule(2), frozenset()
    targets.aim([store.roster], aimed)
    for rule, acts, withdrawn in steps:
        before = set(targets.wanted)
        roster, moved = store.change(acts)
        if moved is None or rule != aimed:
            targets.aim([roster], rule, withdrawn)
        else:
            moved |= {key for key, _ in withdrawn ^ away}
            gone, come = targets.amend([roster], rule, moved, withdrawn)
            assert before - gone | come == targets.wanted
            wanted = targets.wanted
            targets.aim([roster], rule, withdrawn)
            assert targets.wanted is wanted  # a full pass after it computes nothing anew
        aimed, away = rule, withdrawn
        fresh = Targets()
        fresh.aim([roster], rule, withdrawn)
        assert targets.wanted == fresh.wanted
        assert targets.counts == {f: sum(r.family == f for r in fresh.wanted) for f in (4, 6)}
        assert targets.prefixes == fresh.prefixes
        assert shown(targets) == by_hand(roster, rule, withdrawn)
        leading = {route for route in targets.wanted if route.gateway}
        assert {(r.destination, r.length) for r in leading} == set(targets.prefixes)


def test_what_was_aimed_at_last_costs_nothing(monkeypatch):
    """A full pass over the same roster computes no route."""
    roster = accept([Entry(key(NAMES[2]), value("172.16.0.2"), 5, 5, 1, 0)], RULES)
    targets = Targets()
    targets.aim([roster], RouteRule(2))
    wanted = targets.wanted
    targets.aim([roster], RouteRule(2))
    assert targets.wanted is wanted
    targets.aim([roster], RouteRule(3))
    assert targets.wanted is not wanted
    assert {route.link for route in targets.wanted} == {3}
