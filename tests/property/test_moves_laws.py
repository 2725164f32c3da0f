"""Which subnets have moved: the law, with an oracle that remembers every owner there ever was."""

from __future__ import annotations

from ipaddress import ip_network

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from hostgw_daemon.routes import moves as module
from hostgw_daemon.routes.moves import Moves
from support.judged_store import JudgedStore
from support.lease_world import config, policy, value

RULES = policy(config(ipv6="fd00:5::/48"), address="172.16.0.1")
ONE, TWO = "10.5.1.0-24", "10.5.2.0-24"
NAMES = st.sampled_from([ONE, TWO, "10.5.1.0-24&fd00:5:0:1::-64", "10.5.3.0-24"])
NODES = {"": "172.16.0.4", "n1": "172.16.0.2", "n2": "172.16.0.3", "me": "172.16.0.1"}
VALUES = st.builds(
    lambda node, own, elsewhere: value(
        NODES[node] if own else elsewhere, gateway6="fd00::9", node=node
    ),
    st.sampled_from(list(NODES)),
    st.booleans(),
    st.sampled_from(["172.16.0.2", "172.16.0.8"]),
)
ACTS = st.lists(st.tuples(NAMES, st.none() | VALUES), max_size=3)


def owners(roster):
    """Say of each IPv4 subnet whose it is: id, addresses, and all subnets of the lease."""
    return {
        str(peer.lease.subnets.ipv4): (
            peer.lease.node_id,
            {str(a) for a in peer.lease.gateways},
            {str(s) for s in peer.lease.subnets},
        )
        for peer in roster.peers.values()
    }


@given(st.lists(ACTS, max_size=12))
@settings(max_examples=300, deadline=None)
def test_a_subnet_has_moved_when_neither_node_nor_address_is_the_last_one(steps):
    """However it went from one to the other: at once, with nobody between, under another key."""
    store, moves, last = JudgedStore(RULES), Moves(), {}
    moves.heard(store.roster, None)
    for acts in steps:
        found = moves.heard(*store.change(acts))
        expected = set()
        for subnet, (node, gateways, subnets) in owners(store.roster).items():
            if subnet in last:
                node_before, gateways_before, subnets_before = last[subnet]
                same = (node and node == node_before) or gateways & gateways_before
                expected |= set() if same else subnets | subnets_before
            last[subnet] = (node, gateways, subnets)
        assert {str(subnet) for subnet in found} == expected


def test_what_is_seen_first_has_moved_nowhere():
    """A daemon that starts forgets nothing; nor does one that is told of nobody for a moment."""
    store, moves = JudgedStore(RULES), Moves()
    roster, _ = store.change([(ONE, value("172.16.0.2", node="n1"))])
    assert moves.heard(None, None) == frozenset()
    assert moves.heard(roster, None) == frozenset()
    assert moves.heard(None, None) == frozenset()
    assert moves.heard(*store.change([(ONE, value("172.16.0.3", node="n2"))])) == {
        ip_network("10.5.1.0/24")
    }


@pytest.mark.parametrize(
    ("gateway", "node", "moved"),
    [
        ("172.16.0.2", "n1", False),
        ("172.16.0.9", "n1", False),  # the same node under a new address
        ("172.16.0.2", "n2", False),  # the same host with a new id, or without flannel now
        ("172.16.0.9", "n2", True),
        ("172.16.0.1", "me", True),
    ],
)
def test_a_node_that_only_changed_its_name_or_its_address_has_its_containers_still(
    gateway, node, moved
):
    """Their connections go on, NAT and all."""
    store, moves = JudgedStore(RULES), Moves()
    store.change([(ONE, value("172.16.0.2", node="n1")), (TWO, value("172.16.0.3", node="n3"))])
    moves.heard(store.roster, None)
    found = moves.heard(*store.change([(ONE, value(gateway, node=node))]))
    assert found == ({ip_network("10.5.1.0/24")} if moved else frozenset())


def test_of_what_went_long_ago_nothing_is_known(monkeypatch):
    """The memory of last owners is bounded: the oldest is forgotten first."""
    monkeypatch.setattr(module, "REMEMBERED", 1)
    store, moves = JudgedStore(RULES), Moves()
    moves.heard(*store.change([(ONE, value("172.16.0.2", node="n1"))]))
    moves.heard(*store.change([(TWO, value("172.16.0.2", node="n1"))]))
    for name in (ONE, TWO):
        moves.heard(*store.change([(name, None)]))
    taken = value("172.16.0.3", node="n2")
    assert moves.heard(*store.change([(ONE, taken)])) == frozenset()
    assert moves.heard(*store.change([(TWO, taken)])) == {ip_network("10.5.2.0/24")}
