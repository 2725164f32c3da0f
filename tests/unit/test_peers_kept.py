"""What becomes of a lease that was accepted once, whatever is written over it."""

from __future__ import annotations

import pytest

from hostgw_daemon.routes.judgement import accept, amend
from hostgw_daemon.routes.peers import PeerState
from support.judging import RULES, judged, only, told
from support.lease_world import MY_ADDRESS, config, entry, gone, key, policy


@pytest.mark.parametrize(
    ("later", "gateway"),
    [
        (entry("10.5.1.0-24", raw=b"broken", modified=20), "172.16.0.9"),
        (entry("10.5.1.0-24", "10.5.1.7", modified=20), "172.16.0.9"),
        (entry("10.5.1.0-24", MY_ADDRESS, node="n1", modified=20), "172.16.0.9"),
        (entry("10.5.1.0-24", "127.0.0.1", modified=20), "172.16.0.9"),
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


def test_what_is_put_in_quarantine_is_kept_no_longer():
    """It was withdrawn on purpose: its subnet is kept, its route is not."""
    before = accept([entry("10.5.1.0-24")], RULES)
    assert judged(entry("10.5.1.0-24", backend="quarantine", modified=20), before=before) == {
        "10.5.1.0-24": "quarantined"
    }
