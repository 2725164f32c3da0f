"""Which leases are believed: a record by itself, and beside what this host is."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_network

import pytest

from hostgw_daemon.routes.judgement import accept
from support.judging import DUAL, RULES, judged, only, told
from support.lease_world import ME, MY_ADDRESS, entry, key, policy, value

# -- a record by itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "word"),
    [
        (entry("10.5.1.0-24"), "ok"),
        (entry("10.5.1.0-24", node="n1"), "ok"),
        (entry("10.5.1.0-24", node="me"), "self"),
        (entry("10.5.1.0-24", "172.16.0.77", node="me"), "self"),
        (entry("10.5.1.0-24", MY_ADDRESS), "self"),  # flannel's record of this host
        (entry("10.5.1.0-24", MY_ADDRESS, node="n1"), "own_address"),
        (entry("10.5.1.0-24", "10.5.1.1"), "bad_gateway"),  # inside the subnet behind it
        (entry("10.5.1.0-24", "10.5.2.1"), "ok"),
        (entry("10.5.1.0-24", "0.0.0.0"), "bad_address"),
        (entry("10.5.1.0-24", "127.0.0.1"), "bad_address"),
        (entry("10.5.1.0-24", "224.0.0.1"), "bad_address"),
        (entry("10.5.1.0-24", "255.255.255.255"), "bad_address"),
        (entry("10.5.1.0-24", None), "bad_address"),
        (entry("10.5.1.0-24", raw=b"nonsense"), "malformed_value"),
        (entry("10.5.1.0-24", raw=b""), "malformed_value"),
        (entry("10.5.1.0-24", raw=b"\xff\xfe"), "malformed_value"),
        (entry("10.5.1.0-24", backend="vxlan"), "other_backend"),
        (entry("10.5.1.0-24", backend="quarantine"), "quarantined"),
        (entry("10.5.1.1-24"), "malformed_key"),  # host bits
        (entry("10.5.1.0"), "malformed_key"),
        (entry("10.5.1.0-33"), "malformed_key"),
        # What flannel routes to without a question (features F8).
        (entry("8.8.8.0-24"), "outside_network"),
        (entry("10.5.0.0-16"), "outside_network"),
        (entry("10.5.128.0-17"), "outside_network"),
        (entry("10.4.0.0-15"), "outside_network"),
        (entry("10.99.0.0-25"), "outside_network"),
        (entry("0.0.0.0-0"), "bad_gateway"),  # everything is behind it, its gateway too
        # Another length is a network that is being changed.
        (entry("10.5.64.0-18"), "ok"),
        (entry("10.5.1.16-28"), "ok"),
        # The network has no IPv6.
        (entry("10.5.1.0-24&fd00:5:0:1::-64", gateway6="fd00::9"), "partial"),
        (entry("8.8.8.0-24&fd00:5:0:1::-64", gateway6="fd00::9"), "outside_network"),
        (entry("hostgw/subnets6/fd00:5:0:1::-64", None, gateway6="fd00::9"), "outside_network"),
    ],
    ids=lambda each: each if isinstance(each, str) else each.key.decode().rpartition("/")[2],
)
def test_a_record_by_itself(record, word):
    """Each record is a peer in a state or a refusal with a reason."""
    assert judged(record) == {record.key.decode().rpartition("/")[2]: word}


@pytest.mark.parametrize(
    ("record", "word"),
    [
        (entry("10.5.1.0-24&fd00:5:0:1::-64", gateway6="fd00::9"), "ok"),
        (entry("10.5.1.0-24&fd00:5:0:1::-64"), "partial"),  # no IPv6 address
        (entry("10.5.1.0-24&fd00:5:0:1::-64", None, gateway6="fd00::9"), "partial"),
        (entry("10.5.1.0-24&fd00:5:0:1::-64", "10.5.1.7"), "bad_gateway"),
        (entry("10.5.1.0-24&fd00:5:0:1::-64", gateway6="fd00:5:0:1::9"), "bad_gateway"),
        (entry("10.5.1.0-24&fd00:5:0:1::-64", gateway6="fd00::1"), "self"),
        (entry("10.5.1.0-24&fd00:5:0:1::-64", gateway6="fd00::1", node="n1"), "own_address"),
        (entry("10.5.1.0-24&fd00:6:0:1::-64", gateway6="fd00::9"), "outside_network"),
        (entry("10.5.1.0-24&fd00:5::-48", gateway6="fd00::9"), "outside_network"),
        (entry("hostgw/subnets6/fd00:5:0:1::-64", None, gateway6="fd00::9"), "ok"),
    ],
)
def test_a_record_of_two_families(record, word):
    """A lie in one family spoils the record; what it lacks in one leaves the other."""
    assert only(record, rules=DUAL) == word


def test_every_refusal_names_its_key_and_what_to_do():
    """The sentence is for an operator: the whole key, the reason, and a command."""
    refusal = accept([entry("8.8.8.0-24")], RULES).refusals[key("8.8.8.0-24")]
    assert refusal.key == key("8.8.8.0-24")
    assert "8.8.8.0/24 is outside the network in /coreos.com/network/config" in refusal.detail
    assert "etcdctl get /coreos.com/network/subnets/8.8.8.0-24" in refusal.detail


def test_a_bad_record_spoils_itself_only():
    """Beside every kind of bad record a good one stays as good as it was."""
    bad = [
        entry("10.5.1.0-24", raw=b"{"),
        entry("nonsense"),
        entry("8.8.8.0-24"),
        entry("10.5.2.0-24", "10.5.2.1"),
    ]
    alone = accept([entry("10.5.9.0-24", node="n9")], RULES)
    among = accept([*bad, entry("10.5.9.0-24", node="n9")], RULES)
    assert among.peers == alone.peers
    assert len(among.refusals) == 4


# -- a record and this host -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "word"),
    [
        ("10.5.1.0/24", "host_network"),
        ("10.5.0.0/16", "host_network"),
        ("10.5.1.128/25", "host_network"),
        ("10.5.2.0/24", "ok"),
        ("fd00::/64", "ok"),
    ],
)
def test_a_subnet_of_this_hosts_own_link_is_refused(network, word):
    """A lease cannot take this host's own network away from it."""
    assert only(entry("10.5.1.0-24"), rules=policy(networks=[network])) == word


def test_our_own_lease_may_lie_in_a_network_of_the_host():
    """Our own subnet gets no route, so nothing can be taken away by it."""
    assert only(entry("10.5.1.0-24", node="me"), rules=policy(networks=["10.5.1.0/24"])) == "self"


def test_a_host_network_that_came_later_ends_even_an_accepted_lease():
    """The host's own link is stronger than what was accepted before it was known."""
    before = accept([entry("10.5.1.0-24")], RULES)
    rules = policy(networks=["10.5.1.0/24"])
    assert only(entry("10.5.1.0-24"), rules=rules, before=before) == "host_network"


def test_a_refused_host_network_stays_that_when_another_takes_the_ground():
    """The reason is that of the record by itself, whoever else wants the subnet."""
    rules = policy(networks=["10.5.1.0/24"])
    large = entry("10.5.0.0-23", created=3)
    small = entry("10.5.0.0-24", created=5)
    first = accept([large, small], rules, accept([large], RULES))
    assert told(first) == {"10.5.0.0-23": "host_network", "10.5.0.0-24": "ok"}
    assert accept([large, small], rules, first) == first


def test_our_address_found_out_later_ends_a_route_through_ourselves():
    """A lease accepted before we knew our address is no peer once its gateway is that address."""
    unknown = policy(address="")
    before = accept([entry("10.5.1.0-24", MY_ADDRESS, node="n1")], unknown)
    assert told(before) == {"10.5.1.0-24": "ok"}
    again = entry("10.5.1.0-24", MY_ADDRESS, node="n1")
    assert only(again, before=before) == "own_address"


def test_flannels_record_becomes_ours_once_our_address_is_known():
    """What flannel wrote for this host is a peer only until we know who we are."""
    before = accept([entry("10.5.1.0-24", MY_ADDRESS)], policy(address=""))
    assert told(before) == {"10.5.1.0-24": "ok"}
    assert only(entry("10.5.1.0-24", MY_ADDRESS), before=before) == "self"


def test_identity_is_the_node_id_and_not_the_name():
    """A record that carries our id is ours whatever its name says, and the other way round."""
    fields = json.loads(value("172.16.0.9", node="x"))
    mine = json.dumps({**fields, "NodeID": ME}).encode()
    other = json.dumps({**fields, "Node": "me", "NodeID": "id-other"}).encode()
    assert judged(entry("10.5.1.0-24", raw=mine), entry("10.5.2.0-24", raw=other)) == {
        "10.5.1.0-24": "self",
        "10.5.2.0-24": "ok",
    }


def test_other_addresses_make_other_judgements():
    """The policy is part of the value, so a roster says by what it was judged."""
    rules = replace(RULES, host_networks=(ip_network("192.0.2.0/24"),))
    assert accept([], rules) != accept([], RULES)
