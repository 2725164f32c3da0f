"""Which leases are believed: cases that a person can check, in the words of a record."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv4Network, ip_network

import pytest

from hostgw_daemon.routes.peers import PeerState, accept, amend
from support.lease_world import ME, MY_ADDRESS, config, entry, gone, key, policy, value

RULES = policy()
DUAL = policy(config(ipv6="fd00:5::/48"), address6="fd00::1")


def judged(*entries, rules=RULES, before=None):
    """Judge, and say of each key its state, or the reason of its refusal."""
    return told(accept(entries, rules, before))


def told(roster):
    """Say of each key, by the last part of its name, its state or the reason of its refusal."""
    found = {each: str(peer.state) for each, peer in roster.peers.items()}
    found |= {each: refusal.reason for each, refusal in roster.refusals.items()}
    return {each.decode().rpartition("/")[2]: word for each, word in found.items()}


def only(*entries, rules=RULES, before=None):
    """Judge what becomes of the first of these records."""
    name = entries[0].key.decode().rpartition("/")[2]
    return judged(*entries, rules=rules, before=before)[name]


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
        (entry("10.5.1.0-24", backend="quarantine"), "other_backend"),
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
        (entry("10.5.1.0-24&fd00:5:0:1::-64", gateway6="fd00::9"), "outside_network"),
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
        (entry("10.5.1.0-24&fd00:5:0:1::-64"), "bad_gateway"),  # no IPv6 address
        (entry("10.5.1.0-24&fd00:5:0:1::-64", gateway6="fd00:5:0:1::9"), "bad_gateway"),
        (entry("10.5.1.0-24&fd00:5:0:1::-64", gateway6="fd00::1"), "self"),
        (entry("10.5.1.0-24&fd00:5:0:1::-64", gateway6="fd00::1", node="n1"), "own_address"),
        (entry("10.5.1.0-24&fd00:6:0:1::-64", gateway6="fd00::9"), "outside_network"),
        (entry("10.5.1.0-24&fd00:5::-48", gateway6="fd00::9"), "outside_network"),
        (entry("hostgw/subnets6/fd00:5:0:1::-64", None, gateway6="fd00::9"), "ok"),
    ],
)
def test_a_record_of_two_families(record, word):
    """What is wrong with one family spoils the record, for a subnet is leased whole."""
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


# -- records among each other ---------------------------------------------------------------------


def test_the_older_key_wins():
    """Of two that overlap the one created first is believed, in whatever order they are read."""
    old = entry("10.5.0.0-23", created=5, node="old")
    new = entry("10.5.1.0-24", created=6, node="new")
    want = {"10.5.0.0-23": "ok", "10.5.1.0-24": "overlap"}
    assert judged(old, new) == judged(new, old) == want
    detail = accept([new, old], RULES).refusals[new.key].detail
    assert "10.5.1.0/24 overlaps 10.5.0.0/23 of old, which came first" in detail


def test_of_one_revision_the_lower_key_wins():
    """Two keys of one transaction are judged in the order of their names, on every node alike."""
    low = entry("10.5.0.0-23", created=5)
    high = entry("10.5.1.0-24", created=5)
    assert judged(high, low) == {"10.5.0.0-23": "ok", "10.5.1.0-24": "overlap"}


def test_a_modified_record_keeps_its_age():
    """What counts is when the key was created, not when it was last written."""
    old = entry("10.5.0.0-23", created=5, modified=50)
    new = entry("10.5.1.0-24", created=6, modified=6)
    assert judged(old, new)["10.5.0.0-23"] == "ok"


def test_one_accepted_before_wins_over_an_older_key():
    """A node that routes to somebody goes on, though an older record has become readable."""
    new = entry("10.5.1.0-24", created=6)
    before = accept([entry("10.5.0.0-23", created=5, raw=b"?"), new], RULES)
    old = entry("10.5.0.0-23", created=5)
    want = {"10.5.0.0-23": "overlap", "10.5.1.0-24": "ok"}
    assert judged(old, new, before=before) == want


def test_ours_takes_its_ground_like_any_other():
    """Nobody routes to a subnet that overlaps the older one of this node."""
    ours = entry("10.5.1.0-24", node="me", created=5)
    other = entry("10.5.0.0-23", node="n1", created=6)
    assert judged(ours, other) == {"10.5.1.0-24": "self", "10.5.0.0-23": "overlap"}


def test_the_two_families_are_apart():
    """A subnet is overlapped only in its own family; a key of both needs both to be free."""
    first = entry("10.5.1.0-24&fd00:5:0:1::-64", gateway6="fd00::9", created=5)
    other6 = entry("hostgw/subnets6/fd00:5:0:1::-64", None, gateway6="fd00::8", created=6)
    free6 = entry("hostgw/subnets6/fd00:5:0:2::-64", None, gateway6="fd00::8", created=7)
    assert judged(first, other6, free6, rules=DUAL) == {
        "10.5.1.0-24&fd00:5:0:1::-64": "ok",
        "fd00:5:0:1::-64": "overlap",
        "fd00:5:0:2::-64": "ok",
    }


def test_a_refused_record_takes_no_ground():
    """What is not believed keeps nobody else away."""
    bad = entry("10.5.0.0-23", "10.5.0.1", created=1)
    assert judged(bad, entry("10.5.1.0-24", created=2))["10.5.1.0-24"] == "ok"


# -- what was accepted once -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("later", "gateway"),
    [
        (entry("10.5.1.0-24", raw=b"broken", modified=20), "172.16.0.9"),
        (entry("10.5.1.0-24", "10.5.1.7", modified=20), "172.16.0.9"),
        (entry("10.5.1.0-24", MY_ADDRESS, node="n1", modified=20), "172.16.0.9"),
        (entry("10.5.1.0-24", "127.0.0.1", modified=20), "172.16.0.9"),
        (entry("10.5.1.0-24", backend="quarantine", modified=20), "172.16.0.9"),
    ],
)
def test_an_accepted_lease_keeps_its_last_good_meaning(later, gateway):
    """Whatever becomes of its value: the routes stay, and the reason says what is wrong."""
    before = accept([entry("10.5.1.0-24")], RULES)
    peer = accept([later], RULES, before).peers[later.key]
    assert peer.state is PeerState.REJECTED_KEPT
    assert str(peer.lease.gateways) == gateway
    assert peer.reason


def test_the_kept_meaning_is_the_last_good_one():
    """A lease that moved and was spoilt twice is where it had moved to, until it is mended."""
    first = accept([entry("10.5.1.0-24", "172.16.0.8")], RULES)
    moved = accept([entry("10.5.1.0-24", "172.16.0.9", modified=11)], RULES, first)
    spoilt = accept([entry("10.5.1.0-24", raw=b"1", modified=12)], RULES, moved)
    again = accept([entry("10.5.1.0-24", raw=b"2", modified=13)], RULES, spoilt)
    assert str(again.peers[key("10.5.1.0-24")].lease.gateways) == "172.16.0.9"
    mended = accept([entry("10.5.1.0-24", "172.16.0.5", modified=14)], RULES, again)
    assert told(mended) == {"10.5.1.0-24": "ok"}
    assert mended.peers[key("10.5.1.0-24")].reason == ""


def test_a_key_deleted_and_created_again_is_a_new_one():
    """Its life began anew: what it was before counts for nothing."""
    before = accept([entry("10.5.1.0-24", created=10)], RULES)
    reborn = entry("10.5.1.0-24", raw=b"broken", created=20)
    assert only(reborn, before=before) == "malformed_value"
    result = amend(before, [gone("10.5.1.0-24", modified=19), reborn])
    assert result is not None
    assert told(result[0]) == {"10.5.1.0-24": "malformed_value"}


@pytest.mark.parametrize("network", ["10.6.0.0/16", "10.5.1.0/24", "10.5.2.0/23"])
def test_an_accepted_lease_outlives_the_network(network):
    """A configuration that no longer contains it leaves it where it is, and says so."""
    before = accept([entry("10.5.1.0-24")], RULES)
    rules = policy(config(network, 28, revision=2))
    peer = accept([entry("10.5.1.0-24")], rules, before).peers[key("10.5.1.0-24")]
    assert peer.state is PeerState.OUTSIDE_CONFIG
    assert network in peer.reason or "outside the network" in peer.reason


def test_one_outside_the_network_may_move():
    """A lease that is outside the network goes on living: its owner may change its address."""
    before = accept([entry("10.5.1.0-24")], RULES)
    rules = policy(config("10.6.0.0/16", revision=2))
    outside = accept([entry("10.5.1.0-24")], rules, before)
    moved = accept([entry("10.5.1.0-24", "172.16.0.5", modified=30)], rules, outside)
    peer = moved.peers[key("10.5.1.0-24")]
    assert (peer.state, str(peer.lease.gateways)) == (PeerState.OUTSIDE_CONFIG, "172.16.0.5")


def test_a_new_lease_outside_the_network_is_refused():
    """Only what was accepted under the old network is kept under the new one."""
    rules = policy(config("10.6.0.0/16", revision=2))
    before = accept([entry("10.5.1.0-24", created=1)], RULES)
    new = entry("10.5.2.0-24", created=2)
    assert judged(entry("10.5.1.0-24", created=1), new, rules=rules, before=before) == {
        "10.5.1.0-24": "outside_config",
        "10.5.2.0-24": "outside_network",
    }


@pytest.mark.parametrize(
    ("later", "word"),
    [
        (entry("10.5.1.0-24", raw=b"?", modified=20), "malformed_value"),
        (entry("10.5.1.0-24", "172.16.0.9", node="n1", modified=20), "ok"),
        (entry("10.5.1.0-24", MY_ADDRESS, node="n1", modified=20), "own_address"),
    ],
)
def test_what_was_ours_is_judged_by_itself_when_another_writes_it(later, word):
    """Our own lease is nobody's meaning to keep."""
    before = accept([entry("10.5.1.0-24", MY_ADDRESS, node="me")], RULES)
    assert only(later, before=before) == word


def test_what_was_ours_is_no_pass_for_a_lease_outside_the_network():
    """Another node that writes over our key comes new."""
    before = accept([entry("8.8.8.0-24", node="me")], RULES)
    assert told(before) == {"8.8.8.0-24": "self"}
    assert only(entry("8.8.8.0-24", node="n1", modified=20), before=before) == "outside_network"


# -- amending -------------------------------------------------------------------------------------


def test_amending_tells_which_peers_are_other_ones_now():
    """A new peer, a moved one, a gone one; not a record that was and is refused."""
    before = accept(
        [
            entry("10.5.1.0-24"),
            entry("10.5.2.0-24"),
            entry("10.5.3.0-24"),
            entry("10.5.4.0-24", raw=b"?"),
        ],
        RULES,
    )
    result = amend(
        before,
        [
            entry("10.5.2.0-24", "172.16.0.4", modified=20),
            gone("10.5.3.0-24"),
            entry("10.5.4.0-24", raw=b"??", modified=21),
            entry("10.5.5.0-24", created=22),
        ],
    )
    assert result is not None
    roster, moved = result
    assert moved == {key("10.5.2.0-24"), key("10.5.3.0-24"), key("10.5.5.0-24")}
    assert told(roster) == {
        "10.5.1.0-24": "ok",
        "10.5.2.0-24": "ok",
        "10.5.4.0-24": "malformed_value",
        "10.5.5.0-24": "ok",
    }


def test_amending_leaves_the_roster_before_as_it_was():
    """A judgement is a value: making the next one does not change it."""
    entries = [entry("10.5.1.0-24"), entry("10.5.0.0-23", created=20), entry("10.5.9.0-24")]
    before, same = accept(entries, RULES), accept(entries, RULES)
    assert amend(before, [gone("10.5.9.0-24"), entry("10.5.7.0-24", created=30)]) is not None
    assert before == same
    result = amend(before, [entry("10.5.9.0-25", created=40)])
    assert result is not None
    assert told(result[0])["10.5.9.0-25"] == "overlap"  # the ground is still taken


WAITING = [entry("10.5.1.0-24", created=10), entry("10.5.0.0-23", created=11)]


@pytest.mark.parametrize(
    "changes",
    [
        [gone("10.5.1.0-24")],
        # Created again it is younger than the one that waits for its ground.
        [gone("10.5.1.0-24", modified=20), entry("10.5.1.0-24", created=21)],
        [entry("10.5.1.0-24", "172.16.0.4", node="renamed", modified=20)],
    ],
    ids=["gone", "born-again", "renamed"],
)
def test_ground_that_somebody_waits_for_is_judged_as_a_whole(changes):
    """Where a refused record may now be the older one, or is told another name, all is judged."""
    assert amend(accept(WAITING, RULES), changes) is None


def test_ground_that_nobody_waits_for_is_amended_though_others_wait():
    """One bad record somewhere does not make every change a change of everything."""
    before = accept([*WAITING, entry("10.5.9.0-24")], RULES)
    assert told(before)["10.5.0.0-23"] == "overlap"
    assert amend(before, [gone("10.5.9.0-24")]) is not None
    assert amend(before, [entry("10.5.8.0-24", created=30)]) is not None


def test_who_no_longer_waits_is_not_asked():
    """A refused record that went is no reason to judge everything when the other one goes."""
    result = amend(accept(WAITING, RULES), [gone("10.5.0.0-23")])
    assert result is not None
    result = amend(result[0], [gone("10.5.1.0-24")])
    assert result is not None
    assert told(result[0]) == {}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("10.5.1.0-32", "10.5.1.0-24"),
        ("10.5.1.255-32", "10.5.1.0-24"),
        ("10.5.1.0-24", "10.5.1.0-32"),
        ("10.5.1.0-24", "10.5.1.255-32"),
        ("10.5.0.0-18", "10.5.63.0-24"),
    ],
)
def test_an_overlap_of_one_address_is_one(old, new):
    """The first and the last address of a subnet belong to it."""
    assert judged(entry(old, created=5), entry(new, created=6))[new] == "overlap"


@pytest.mark.parametrize("name", ["10.5.2.0-32", "10.5.0.255-32", "10.5.2.0-24", "10.5.0.0-24"])
def test_neighbours_do_not_overlap(name):
    """The address before the first and the one after the last belong to another."""
    assert judged(entry("10.5.1.0-24", created=5), entry(name, created=6))[name] == "ok"


def test_the_last_change_of_a_key_counts():
    """Several changes of one key in one response of the watch are what the last one says."""
    result = amend(
        accept([], RULES),
        [
            entry("10.5.1.0-24", "172.16.0.2", created=5),
            gone("10.5.1.0-24", modified=6),
            entry("10.5.1.0-24", "172.16.0.3", created=7),
        ],
    )
    assert result is not None
    assert str(result[0].peers[key("10.5.1.0-24")].lease.gateways) == "172.16.0.3"


def test_the_end_of_a_key_that_was_never_there_is_nothing():
    """A deletion of what we do not know changes nothing and moves nobody."""
    before = accept([entry("10.5.1.0-24")], RULES)
    assert amend(before, [gone("10.5.7.0-24")]) == (before, frozenset())


def test_one_odd_length_costs_no_look_at_all_others(monkeypatch):
    """Judging n leases of mixed lengths is not comparing n by n."""
    compared = 0
    overlaps = IPv4Network.overlaps

    def counted(one, other):
        nonlocal compared
        compared += 1
        return overlaps(one, other)

    monkeypatch.setattr(IPv4Network, "overlaps", counted)
    many = [entry(f"10.5.{n}.0-24", created=n + 10) for n in range(250)]
    roster = accept([entry("10.5.255.0-28", created=1), *many], RULES)
    assert len(roster.peers) == 251
    assert compared < 1000


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
