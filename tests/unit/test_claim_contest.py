"""Two nodes with one address: who came first, and what the other one leaves as a note."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from hostgw_core.history import Break
from hostgw_core.model import Addresses
from hostgw_core.records import dispute_of
from hostgw_core.store import Compare, Entry, Header, Span
from hostgw_daemon.claim.action import Announce, Concede, Contend, Hold, Keep, Wait
from hostgw_daemon.claim.contest import MOST, incumbent, note
from hostgw_daemon.claim.table import decide
from support.sights import HERE, KEYS, ME, THERE, lease, note_at, seen

OTHER = lease(5, "other", node="db")
LIVES = frozenset({"other"})
BOTH = Addresses(IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1"))


def test_who_says_the_address_already_came_first() -> None:
    """The age of the leases does not count: ours says another address, however old it is."""
    ours = lease(3, gateways=THERE, modified=40)
    assert incumbent(seen(leases=(ours, OTHER), alive=LIVES)) is OTHER
    assert incumbent(seen(leases=(replace(ours, gateways=HERE), OTHER), alive=LIVES)) is None


@pytest.mark.parametrize(("modified", "first"), [(54, True), (56, False)])
def test_of_two_that_say_it_the_first_to_say_it_goes_on(modified: int, *, first: bool) -> None:
    """Whoever writes later reads both, and is the one to yield: nobody need ring for the other."""
    other = replace(OTHER, modified=modified)
    found = incumbent(seen(leases=(lease(3, modified=55), other), alive=LIVES))
    assert found is (other if first else None)


def test_one_address_of_two_is_enough() -> None:
    """A lease that says our IPv4 address does not say our IPv6 address, which another has."""
    other = replace(OTHER, gateways=Addresses(None, BOTH.ipv6))
    sight = seen(leases=(lease(3), other), alive=LIVES, me=replace(ME, addresses=BOTH))
    assert incumbent(sight) is other


def test_who_says_that_it_is_elsewhere_now_does_not_stand_in_the_way() -> None:
    """So two nodes swap their addresses; the lease of one that lives is adopted by nobody."""
    sight = seen(leases=(OTHER,), alive=LIVES, elsewhere=LIVES)
    assert incumbent(sight) is None
    action = decide(sight)
    assert isinstance(action, Hold)
    assert action.how == "new"


@pytest.mark.parametrize(
    "change",
    [
        {"alive": frozenset()},
        {"leaving": True},
        {"me": replace(ME, addresses=THERE)},
        {"me": replace(ME, addresses=Addresses())},
        {"config": None, "config_gone": "nothing there"},
        {"broken": Break(Header(1, 5, 2), Header(2, 9, 2), Header(2, 9, 2))},
    ],
)
def test_nobody_is_contended_with_without_a_living_node_at_our_address(change: dict) -> None:
    """Not with a dead one, nor while we leave, nor in the store of another cluster."""
    sight = replace(seen(leases=(OTHER,), alive=LIVES), **change)
    assert incumbent(sight) is None
    assert note(sight) is None


def test_the_note_says_who_and_where_we_are() -> None:
    """Any node reads it; it is written before we know whether another has our node id."""
    stranger = replace(note_at("x").claimant, instance="other", addresses=THERE)
    for presence in (None, stranger, seen().presence):
        action = decide(seen(leases=(OTHER,), alive=LIVES, presence=presence))
        assert isinstance(action, Contend)
        read = dispute_of(KEYS, Entry(action.key, action.value, 1, 1, 1, 1))
        assert read == note_at("other", created=1, modified=1)


def test_with_the_note_left_we_go_on_to_wait() -> None:
    """Also where another process of the same node wrote it; but not one that ended before us."""
    sight = seen(leases=(OTHER,), alive=LIVES)
    for instance, kind in (("now", Wait), ("copy", Wait), ("before", Contend)):
        there = note_at("other", instance=instance)
        assert isinstance(decide(replace(sight, disputes=(there,))), kind)
    unannounced = replace(sight, presence=None, disputes=(note_at("other"),))
    assert decide(unannounced) == Announce()


@pytest.mark.parametrize("change", [{"node": "mail"}, {"addresses": BOTH}])
def test_a_note_that_tells_something_else_is_written_anew(change: dict) -> None:
    """Our name, or our addresses, have changed since."""
    sight = seen(leases=(OTHER,), alive=LIVES, disputes=(note_at("other", **change),))
    assert isinstance(note(sight), Contend)


@pytest.mark.parametrize("instance", ["now", "before"])
def test_a_note_that_is_not_true_any_more_is_taken_back(instance: str) -> None:
    """Ours, and that of the process before us, which may have been killed; if it is unchanged."""
    there = note_at("other", instance=instance)
    concession = Concede(there.key, (Compare(Span(there.key), "modified", 91),))
    ours = lease(3)
    sight = seen(leases=(ours,), disputes=(there,))
    assert decide(sight) == concession
    assert decide(replace(sight, me=replace(ME, addresses=Addresses()))) == concession
    assert decide(replace(sight, leaving=True)) == concession
    assert decide(replace(sight, disputes=())) == Keep(ours)


def test_the_notes_of_others_are_left_alone() -> None:
    """Of other nodes, and of a copy of us: it knows best whether it is still true."""
    ours = lease(3)
    others = (note_at("other", instance="copy"), note_at("me", node_id="other"))
    assert decide(seen(leases=(ours,), disputes=others)) == Keep(ours)


def test_where_many_want_one_address_few_leave_a_note() -> None:
    """Ten thousand notes, read by ten thousand nodes, would be a storm; all wait all the same."""
    crowd = tuple(note_at("other", node_id=f"n{number}") for number in range(MOST))
    sight = seen(leases=(OTHER,), alive=LIVES, disputes=crowd)
    assert isinstance(decide(sight), Wait)
    assert isinstance(decide(replace(sight, disputes=crowd[1:])), Contend)
    elsewhere = tuple(replace(each, holder="third") for each in crowd)
    assert isinstance(decide(replace(sight, disputes=elsewhere)), Contend)
