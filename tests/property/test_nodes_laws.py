"""The law of the nodes' addresses: followed however long, they are those of the roster."""

from __future__ import annotations

from ipaddress import ip_network

import hypothesis.strategies as st
from hypothesis import given, settings

from hostgw_daemon.routes.nodes import NodeAddresses
from support.judged_store import JudgedStore
from support.lease_world import config, policy, value

RULES = policy(config(ipv6="fd00:5::/48"), address6="fd00::1")
NEAR = (ip_network("172.16.0.0/29"), ip_network("fd00::/120"))
NETWORKS = st.sampled_from([NEAR, NEAR, NEAR[:1], (), (ip_network("172.16.0.0/12"), *NEAR)])
NAMES = st.sampled_from(
    [f"10.5.{n}.0-24" for n in range(1, 5)] + ["10.5.5.0-24&fd00:5:0:5::-64", "10.5.2.0-23"]
)
VALUES = st.builds(
    value,
    st.sampled_from(["172.16.0.2", "172.16.0.3", "172.16.0.9", "8.8.8.8"]),
    gateway6=st.sampled_from([None, "fd00::2", "fd00::3", "fd01::2"]),
    node=st.sampled_from(["", "n1", "n2", "me"]),
) | st.just(b"?")
ACTS = st.lists(st.tuples(NAMES, st.none() | VALUES), max_size=3)


def by_hand(roster, networks):
    """Collect the gateways of all peers, ours too, that lie in a network of the link."""
    found = {4: set(), 6: set()}
    for peer in roster.peers.values():
        for address in peer.lease.gateways:
            if any(address.version == n.version and address in n for n in networks):
                found[address.version].add(str(address))
    return found


@given(st.lists(st.tuples(NETWORKS, ACTS), max_size=10))
@settings(max_examples=200, deadline=None)
def test_the_addresses_followed_are_those_of_the_roster(steps):
    """After any changes of leases and of the link; and a change is told exactly when there is one.

    A value that was given out is never changed: it may be what is being written at that moment.
    """
    store, nodes = JudgedStore(RULES), NodeAddresses()
    given_out = []
    for networks, acts in steps:
        before = nodes.now
        told = nodes.heard(*store.change(acts))
        told |= nodes.stand_at(networks)
        assert nodes.now == by_hand(store.roster, networks)
        assert told or nodes.now is before
        if nodes.now != before:
            assert told
        given_out.append((nodes.now, {family: set(s) for family, s in nodes.now.items()}))
    assert all(now == then for now, then in given_out)


def test_a_change_of_something_else_gives_the_very_same_value():
    """Another lease of the same node, or a renewal, is no new set: nothing is written for it."""
    store, nodes = JudgedStore(RULES), NodeAddresses()
    nodes.stand_at(NEAR)
    assert nodes.heard(*store.change([("10.5.1.0-24", value("172.16.0.2", node="n1"))]))
    before = nodes.now
    again = [
        ("10.5.1.0-24", value("172.16.0.2", node="n1")),
        ("10.5.2.0-24", value("172.16.0.2", node="n1")),
    ]
    assert not nodes.heard(*store.change(again))
    assert nodes.now is before
    assert nodes.heard(None, None)
    assert nodes.now == {4: frozenset(), 6: frozenset()}
