"""The table of a claim's decisions, row by row, on values alone."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from hostgw_core.model import Addresses, Presence, Subnets
from hostgw_core.records import Reservation, lease_value
from hostgw_core.store import Compare, Span
from hostgw_daemon.claim.action import (
    Announce,
    Depose,
    Hold,
    Keep,
    Wait,
    Withdraw,
)
from hostgw_daemon.claim.ownership import rivals
from hostgw_daemon.claim.table import decide
from support.sights import (
    CONFIG,
    HERE,
    IPV6,
    KEYS,
    ME,
    READY,
    THERE,
    lease,
    note_at,
    seen,
    subnets,
)


def test_without_a_network_nothing_is_done():
    """The condition says what is missing."""
    assert decide(replace(READY, config=None, config_gone="nothing there")) == Wait(
        "no_config", "nothing there"
    )


def test_without_an_ipv4_address_nothing_is_done():
    """Leases of a network with IPv4 are taken by their IPv4 subnets."""
    both = replace(CONFIG, ipv6=IPV6)
    for config, word in ((CONFIG, "IPv4"), (both, "IPv4"), (replace(both, ipv4=None), "IPv6")):
        nowhere = decide(seen(config=config, me=replace(ME, addresses=Addresses())))
        assert isinstance(nowhere, Wait)
        assert nowhere.code == "no_uplink"
        assert word in nowhere.detail


@pytest.mark.parametrize(
    ("instance", "addresses", "announced", "action"),
    [
        ("now", HERE, True, Hold),
        ("now", THERE, False, Hold),  # this process, before it moved
        ("before", THERE, False, Depose),  # the process before, on this host
        ("other", HERE, False, Depose),  # at our address: this host before it forgot
        ("other", THERE, False, Wait),
        ("before", HERE, True, Wait),  # we have announced ourselves: who deposed us is another
        ("other", HERE, True, Wait),
    ],
)
def test_whose_the_presence_is(instance: str, addresses: Addresses, announced: bool, action: type):
    """Ours, our former life's, or a stranger's: by its instance, then by its address."""
    there = Presence("me", instance, "web", addresses, 70, 71)
    assert isinstance(decide(seen(presence=there, announced=announced)), action)


def test_an_instance_without_a_name_is_no_former_life():
    """A process that remembers nothing does not know the nameless: it waits for them."""
    nameless = Presence("me", "", "", THERE, 70, 71)
    newborn = replace(ME, former="")
    assert isinstance(decide(seen(presence=nameless, me=newborn)), Wait)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(0.0, "identity_unsure"), (60.0, "identity_unsure"), (60.1, "duplicate_identity")],
)
def test_a_stranger_is_a_double_after_the_life_of_a_presence(seconds: float, code: str):
    """Unsure for sixty seconds, then certain."""
    stranger = Presence("me", "other", "db", THERE, 70, 71)
    action = decide(seen(presence=stranger, stranger_for=seconds))
    assert isinstance(action, Wait)
    assert action.code == code
    assert "db at 192.0.2.2" in action.detail


def test_who_is_not_announced_announces_himself():
    """Before anything is taken: the presence is the mutex."""
    assert decide(seen(presence=None)) == Announce()


def test_a_living_node_at_our_address_that_came_first_is_given_way():
    """The newcomer waits and names the other, who is to be told."""
    other = lease(5, "other", node="db")
    action = decide(seen(leases=(other,), alive=frozenset({"other"}), disputes=(note_at("other"),)))
    assert isinstance(action, Wait)
    assert action.code == "duplicate_address"
    assert "db already uses 192.0.2.1 and holds 10.5.5.0/24" in action.detail


def test_a_living_node_at_our_address_that_came_later_is_not():
    """The incumbent goes on."""
    sight = seen(leases=(lease(3), lease(5, "other")), alive=frozenset({"other"}))
    assert decide(sight) == Keep(sight.leases[0])


def test_a_second_lease_of_ours_is_given_back():
    """The one we remember stays; the other is deleted if nobody touched it."""
    one, two = lease(3), lease(5)
    action = decide(seen(leases=(one, two), remembered=subnets(5)))
    assert action == Withdraw(
        one,
        (
            Compare(Span(one.key), "modified", 53),
            Compare(Span(KEYS.node("me")), "created", 70),
        ),
    )


def test_our_lease_as_it_should_be_is_kept():
    """Nothing is written."""
    held = lease(3)
    assert decide(seen(leases=(held,))) == Keep(held)


def test_our_lease_outside_the_network_is_kept_and_said():
    """A network that shrank is no reason to renumber."""
    held = lease(200)
    action = decide(seen(leases=(held,)))
    assert isinstance(action, Keep)
    assert "10.5.200.0/24" in action.misfit


@pytest.mark.parametrize(
    ("change", "etcd_lease"),
    [
        ({"gateways": THERE}, 7),
        ({"node": "old name"}, 7),
        ({"backend": "quarantine"}, None),  # its etcd lease is the quarantine's, and short
    ],
)
def test_our_lease_that_says_something_else_is_written_again(change: dict, etcd_lease: int | None):
    """On the etcd lease it hangs on, if nobody changed it since."""
    held = lease(3, etcd_lease=7, **change)
    action = decide(seen(leases=(held,)))
    assert isinstance(action, Hold)
    assert (action.key, action.etcd_lease) == (held.key, etcd_lease)
    assert Compare(Span(held.key), "modified", held.modified) in action.compares
    assert action.value == lease_value(gateways=HERE, node="web", node_id="me")


@pytest.mark.parametrize(("before", "now"), [(9, None), (0, 0)])
@pytest.mark.parametrize("node_id", ["", "dead"])
def test_a_lease_at_our_address_is_adopted(node_id: str, before: int, now: int | None):
    """Flannel's or a dead node's: on a grant of our own, unless it was for ever."""
    action = decide(seen(leases=(lease(3, node_id, etcd_lease=before),)))
    assert isinstance(action, Hold)
    assert action.how.startswith("adopted")
    assert (action.subnets, action.etcd_lease) == (subnets(3), now)


def test_a_lease_outside_the_network_is_not_adopted():
    """What the network no longer has is nobody's to take: a new one is."""
    action = decide(seen(leases=(lease(200, "dead"),)))
    assert isinstance(action, Hold)
    assert action.how == "new"


def reservation(third: int, **meant: str) -> Reservation:
    """Make a reservation."""
    held = subnets(third)
    return Reservation(KEYS.reservation(held), held, modified=30, **meant)


def test_the_order_of_choice():
    """Our reservation, then the subnet we had, then a free one."""
    ours = reservation(4, node="web")
    sight = seen(remembered=subnets(6), reservations=(ours,))
    action = decide(sight)
    assert isinstance(action, Hold)
    assert (action.how, action.subnets) == ("reserved", subnets(4))
    assert Compare(Span(ours.key), "modified", 30) in action.compares
    again = decide(replace(sight, reservations=()))
    assert isinstance(again, Hold)
    assert (again.how, again.subnets) == ("the same again", subnets(6))
    new = decide(replace(sight, reservations=(), remembered=Subnets()))
    assert isinstance(new, Hold)
    assert new.how == "new"


def test_what_a_take_compares():
    """An empty range, the network as read, no reservation, and our presence."""
    action = decide(seen(remembered=subnets(6)))
    assert isinstance(action, Hold)
    assert set(action.compares) == {
        Compare(Span(b"/p/subnets/10.5.6.0-", b"/p/subnets/10.5.6.0."), "version", 0),
        Compare(Span(b"/p/config"), "modified", 40),
        Compare(
            Span(b"/p/hostgw/reservations/10.5.6.0-", b"/p/hostgw/reservations/10.5.6.0."),
            "version",
            0,
        ),
        Compare(Span(b"/p/hostgw/nodes/me"), "created", 70),
    }


@pytest.mark.parametrize(
    "taken",
    [
        {"leases": (lease(6, "other", gateways=THERE),)},
        {"occupied": (IPv4Network("10.5.6.128/25"),)},
        {"occupied": (IPv4Network("10.5.0.0/21"),)},
        {"avoid": (IPv4Network("10.5.6.0/30"),)},
        {"reservations": (reservation(6, node="other"),)},
        {"reservations": (reservation(6, node_id="other", node="web"),)},
    ],
)
def test_a_subnet_that_is_somebody_elses_is_not_the_same_again(taken: dict):
    """A lease, a key of another length, a network of this host, another's reservation."""
    action = decide(seen(remembered=subnets(6), **taken))
    assert isinstance(action, Hold)
    assert action.how == "new"
    assert action.subnets != subnets(6)


def test_when_nothing_is_free_it_says_so():
    """Nine subnets, nine leases."""
    full = tuple(lease(third, f"n{third}", gateways=THERE) for third in range(1, 10))
    assert decide(seen(leases=full)) == Wait("subnets_exhausted", "9 leases, and no subnet is left")


def test_when_the_link_has_the_network_it_says_that_it_was_not_the_leases():
    """No lease at all, and yet nothing is free: the cure is not to widen anything."""
    action = decide(seen(avoid=(IPv4Network("10.5.0.0/16"),)))
    assert action == Wait(
        "subnets_exhausted",
        "0 leases, and no subnet is left; one that meets a network of this host's link"
        " (10.5.0.0/16) is never taken",
    )


def test_in_a_network_that_is_gone_nothing_new_is_taken():
    """What is held is kept; who holds nothing waits."""
    assert decide(seen(leases=(lease(3),), config_gone="gone")) == Keep(lease(3))
    assert decide(seen(remembered=subnets(6), config_gone="gone")) == Wait("no_config", "gone")


def test_only_nodes_at_our_address_are_asked_after():
    """Their presence decides; flannel's leases name nobody, and ours is no rival."""
    leases = (
        lease(1, "b"),
        lease(2, "a"),
        lease(3, "a"),
        lease(4, "far", gateways=THERE),
        lease(5, ""),
        lease(6),
    )
    assert rivals(seen(leases=leases)) == ("a", "b")
