"""A lease of IPv4 alone gets its IPv6 subnet; a host without IPv6 goes on without it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network
from typing import Any

import pytest

from hostgw_core.history import Break
from hostgw_core.model import Addresses, Subnets
from hostgw_core.records import Reservation
from hostgw_core.store import Compare, Entry, Header, Span
from hostgw_daemon.claim.action import Hold, Keep, Wait
from hostgw_daemon.claim.sight import Sight
from hostgw_daemon.claim.table import decide
from support.sights import CONFIG, HERE, IPV6, KEYS, ME, THERE, lease, seen, subnets

BOTH = replace(CONFIG, ipv6=IPV6)
DUAL = replace(HERE, ipv6=IPv6Address("2001:db8::1"))
WITH_IPV6 = replace(ME, addresses=DUAL)


def wide(third: int, sixth: int) -> Subnets:
    """Give 10.5.x.0/24 and fd00:5:0:y::/64."""
    return Subnets(subnets(third).ipv4, IPv6Network(f"fd00:5:0:{sixth}::/64"))


def held(third: int, sixth: int, **changes: Any):
    """Make a lease of both families."""
    both = wide(third, sixth)
    return lease(third, key=KEYS.lease(both), subnets=both, gateways=DUAL, **changes)


def sight(*leases: Any, **changes: Any) -> Sight:
    """Give a sight of a node with IPv6, in a network of both families."""
    return seen(**{"config": BOTH, "me": WITH_IPV6, "leases": leases, **changes})


def test_a_lease_of_ipv4_gets_the_ipv6_subnet_that_belongs_to_it():
    """The IPv4 subnet stays; the old key goes in the transaction that writes the new one."""
    action = decide(sight(lease(3)))
    assert isinstance(action, Hold)
    assert action.subnets == wide(3, 3)
    assert action.key == b"/p/subnets/10.5.3.0-24&fd00:5:0:3::-64"
    assert action.instead == b"/p/subnets/10.5.3.0-24"
    assert b'"PublicIPv6":"2001:db8::1"' in action.value
    assert action.beside == ()


def test_nothing_but_the_old_key_may_be_in_its_range():
    """What it compares: before and behind our key nothing, our key as it was, the network too."""
    action = decide(sight(lease(3)))
    assert isinstance(action, Hold)
    start, key = b"/p/subnets/10.5.3.0-", b"/p/subnets/10.5.3.0-24"
    assert action.compares[:4] == (
        Compare(Span(start, key), "version", 0),
        Compare(Span(key), "modified", 53),
        Compare(Span(key + b"\0", b"/p/subnets/10.5.3.0."), "version", 0),
        Compare(Span(KEYS.config), "modified", 40),
    )
    assert Compare(Span(KEYS.node("me")), "created", 70) in action.compares


def test_an_ipv6_subnet_that_is_taken_is_passed_over_and_the_pair_guarded():
    """A pair that is drawn apart is written with a reservation of its IPv6 subnet."""
    other = held(4, 3, node_id="other")
    action = decide(sight(lease(3), other))
    assert isinstance(action, Hold)
    assert action.subnets.ipv4 == subnets(3).ipv4
    assert action.subnets.ipv6 not in {None, other.subnets.ipv6}
    (mark,) = action.beside
    assert mark[0].startswith(b"/p/hostgw/reservations/fd00:5:0:")


def test_an_ipv6_subnet_that_is_kept_for_another_is_passed_over():
    """A reservation of the other family counts as one of both does."""
    kept = Subnets(ipv6=wide(3, 3).ipv6)
    theirs = Reservation(KEYS.reservation(kept), kept, node_id="other", modified=60)
    action = decide(sight(lease(3), reservations=(theirs,)))
    assert isinstance(action, Hold)
    assert action.subnets.ipv6 != kept.ipv6


def test_a_key_that_stays_stays():
    """A lease without an etcd lease, flannel's reservation in use, is written without one."""
    action = decide(sight(lease(3)))
    forever = decide(sight(lease(3, etcd_lease=0)))
    hanging = decide(sight(lease(3, etcd_lease=7)))
    assert isinstance(action, Hold)
    assert isinstance(forever, Hold)
    assert isinstance(hanging, Hold)
    assert (forever.etcd_lease, hanging.etcd_lease) == (0, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"config": CONFIG},
        {"me": ME},
        {"config_gone": "it was deleted"},
    ],
)
def test_what_is_right_as_it_is_stays(changes):
    """Nothing is widened in a network of IPv4, on a host without IPv6, by a record that is gone."""
    action = decide(sight(lease(3), **changes))
    assert isinstance(action, Keep)


def test_nothing_is_widened_in_a_history_that_is_broken():
    """What the store says then may be of yesterday."""
    known, first = Header(1, 500, 1), Header(1, 100, 1)
    action = decide(sight(lease(3), broken=Break(known, first, first)))
    assert not isinstance(action, Hold) or not action.instead


def test_a_network_of_the_other_family_alone_renumbers_nobody():
    """From IPv4 to IPv6 alone, and back: the lease stays, and is a misfit."""
    action = decide(sight(lease(3), config=replace(BOTH, ipv4=None)))
    assert isinstance(action, Keep)
    assert "the network has no IPv4" in action.misfit
    assert not action.hopes
    alone = Subnets(ipv6=wide(3, 3).ipv6)
    there = lease(3, key=KEYS.lease(alone), subnets=alone, gateways=replace(DUAL, ipv4=None))
    action = decide(sight(there, config=CONFIG))
    assert isinstance(action, Keep)
    assert "an IPv4 subnet is missing" in action.misfit


def test_flannel_is_waited_for():
    """A flanneld that knows of no IPv6 hangs on a lease of both families: none is written yet."""
    theirs = lease(5, node_id="", node="", gateways=THERE)
    action = decide(sight(lease(3), theirs))
    assert isinstance(action, Keep)
    assert action.hopes
    assert "once flannel's lease 10.5.5.0/24 has one, or is gone" in action.misfit
    started_anew = held(5, 5, node_id="", node="")
    action = decide(sight(lease(3), replace(started_anew, gateways=THERE)))
    assert isinstance(action, Hold)
    assert action.instead


def test_a_host_without_ipv6_is_no_misfit_and_is_told_so_elsewhere():
    """Its lease of IPv4 is what it should hold; not so where no IPv6 subnet is left."""
    action = decide(sight(lease(3), me=ME))
    assert isinstance(action, Keep)
    assert action.misfit == ""
    everything = Subnets(ipv6=IPv6Network("fd00:5:0:0::/60"))
    theirs = Reservation(KEYS.reservation(everything), everything, node_id="other", modified=60)
    crowded = decide(sight(lease(3), reservations=(theirs,)))
    assert isinstance(crowded, Keep)
    assert "IPv6 subnet is missing" in crowded.misfit


def test_a_new_lease_of_a_host_without_ipv6_has_no_ipv6_subnet():
    """Flannel ends on a lease of both families with an empty address: none is written."""
    action = decide(sight(me=ME))
    assert isinstance(action, Hold)
    assert b"&" not in action.key
    assert action.subnets.ipv6 is None


def test_an_address_that_is_gone_leaves_the_lease_as_it_is():
    """The lease of both families keeps its IPv6 address, also when IPv4's changes."""
    gone = decide(sight(held(3, 3, node="web"), me=ME))
    assert isinstance(gone, Keep)
    assert gone.misfit == ""
    moved = replace(ME, addresses=Addresses(HERE.ipv4 + 1))
    action = decide(sight(held(3, 3, node="web"), me=moved))
    assert isinstance(action, Hold)
    assert b'"PublicIP":"192.0.2.2","PublicIPv6":"2001:db8::1"' in action.value


def test_an_address_that_is_another_one_is_written():
    """Unlike one that is gone."""
    there = replace(ME, addresses=replace(DUAL, ipv6=IPv6Address("2001:db8::9")))
    action = decide(sight(held(3, 3), me=there))
    assert isinstance(action, Hold)
    assert b'"PublicIPv6":"2001:db8::9"' in action.value


def test_the_subnet_we_had_is_taken_again_with_what_belongs_to_it():
    """A node that held IPv4 alone takes the same one again, now with its IPv6 subnet."""
    action = decide(sight(remembered=subnets(6)))
    assert isinstance(action, Hold)
    assert (action.how, action.subnets) == ("the same again", wide(6, 6))
    narrow = decide(sight(remembered=wide(6, 6), config=CONFIG))
    assert isinstance(narrow, Hold)
    assert (narrow.how, narrow.subnets) == ("the same again", subnets(6))


def test_what_cannot_be_read_waits_for_an_address_to_be_written_with():
    """A spoilt record of both families is not put right without an IPv6 address, nor left."""
    key = KEYS.lease(wide(3, 3))
    spoilt = Entry(key, b"?", 53, 53, 1, 7)
    there = {"remembered": wide(3, 3), "spoilt": (spoilt,), "names": (key,)}
    action = decide(sight(**there, occupied=tuple(wide(3, 3)), me=ME))
    assert isinstance(action, Wait)
    assert isinstance(decide(sight(**there, occupied=tuple(wide(3, 3)))), Hold)


def test_flannels_lease_of_ipv4_is_adopted_and_widened_afterwards():
    """A host that comes from flannel keeps its subnet when the network has got IPv6."""
    theirs = lease(3, node_id="", node="")
    action = decide(sight(theirs))
    assert isinstance(action, Hold)
    assert (action.how, action.subnets) == ("adopted from flannel", subnets(3))
