"""The rows of the table for a node that leaves on purpose, on values alone."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hostgw_core.model import Presence
from hostgw_core.records import Status, presence_value
from hostgw_core.store import Compare, Entry, Span
from hostgw_daemon.claim.action import (
    Announce,
    Depart,
    Depose,
    Hold,
    Quarantine,
    Wait,
    Withdraw,
)
from hostgw_daemon.claim.leaving import Leaving
from hostgw_daemon.claim.sight import Sight
from hostgw_daemon.claim.table import decide
from hostgw_daemon.claim.withdrawal import Withdrawal
from support.sights import HERE, KEYS, READY, THERE, lease, seen

MINE = lease(4, "me")
LOCKED_UP = replace(MINE, backend="quarantine")


def leaving(sight: Sight, *, let_go: bool = False) -> Sight:
    """Have a node leave."""
    return replace(sight, leaving=True, let_go=let_go)


def test_first_its_lease_is_put_in_quarantine():
    """In its place, as it was read, by our presence, with all that it said but its backend."""
    action = decide(leaving(seen(leases=(MINE,))))
    assert isinstance(action, Quarantine)
    assert json.loads(action.value) == {
        "PublicIP": "192.0.2.1",
        "PublicIPv6": None,
        "BackendType": "quarantine",
        "Node": MINE.node,
        "NodeID": "me",
    }
    assert action.etcd_lease == (MINE.etcd_lease or None)
    assert READY.presence is not None
    fence = Compare(Span(KEYS.node("me")), "created", READY.presence.created)
    assert action.compares == (Compare(Span(MINE.key), "modified", MINE.modified), fence)


def test_a_lease_that_stays_for_ever_does_not_in_quarantine():
    """One without an etcd lease gets one: if we die now, it ends by itself."""
    action = decide(leaving(seen(leases=(replace(MINE, etcd_lease=0),))))
    assert isinstance(action, Quarantine)
    assert action.etcd_lease is None


def test_then_the_others_get_their_time_and_then_it_is_released():
    """What is released is what was put in quarantine, and nothing that came after."""
    wait = decide(leaving(seen(leases=(LOCKED_UP,))))
    assert isinstance(wait, Wait)
    assert wait.code == "draining"
    gone = decide(leaving(seen(leases=(LOCKED_UP,)), let_go=True))
    assert isinstance(gone, Withdraw)
    assert Compare(Span(MINE.key), "modified", MINE.modified) in gone.compares


def test_of_two_leases_both_go():
    """None is released while the other is in use."""
    second = lease(5, "me")
    action = decide(leaving(seen(leases=(LOCKED_UP, second)), let_go=True))
    assert isinstance(action, Quarantine)
    assert action.lease == second


def test_in_the_end_the_presence_goes_and_nothing_is_claimed():
    """Not what flannel or a former life has left at our address, nor what is reserved or free."""
    found = seen(leases=(lease(7, ""), lease(8, "dead")))
    assert isinstance(decide(found), Hold)
    assert decide(leaving(found, let_go=True)) == Depart(found.presence)
    gone = decide(leaving(replace(found, presence=None)))
    assert isinstance(gone, Wait)
    assert gone.code == "drained"


@pytest.mark.parametrize("config", ["there", "gone"])
def test_a_network_that_is_gone_holds_nobody_back(config: str):
    """Leaving needs no network."""
    sight = leaving(seen(leases=(MINE,)))
    if config == "gone":
        sight = replace(sight, config=None, config_gone="nothing there")
    assert isinstance(decide(sight), Quarantine)


def test_without_our_presence_nothing_is_written():
    """It is announced again, or a former life deposed; and of a stranger's lease nothing goes."""
    sight = leaving(seen(leases=(MINE,)), let_go=True)
    assert decide(replace(sight, presence=None)) == Announce()
    former = Presence("me", "before", "web", HERE, 70, 71)
    assert decide(replace(sight, presence=former)) == Depose(former)
    stranger = decide(replace(sight, presence=Presence("me", "other", "db", THERE, 70, 71)))
    assert isinstance(stranger, Wait)
    assert stranger.code == "identity_unsure"
    alone = decide(leaving(replace(READY, presence=Presence("me", "other", "db", THERE, 70, 71))))
    assert isinstance(alone, Wait)
    assert alone.code == "drained"


def test_the_time_of_the_others_counts_from_the_quarantine():
    """Not from the order; and anew if somebody takes the lease out of it."""
    now = 100.0
    mode = Leaving(3.0, lambda: now)
    assert mode.seen(READY) is READY
    assert mode.turn(on=True)
    assert not mode.turn(on=True)
    for later, held, let_go in (
        *((0, MINE, False), (60, MINE, False), (60, LOCKED_UP, False), (62.9, LOCKED_UP, False)),
        *((63, LOCKED_UP, True), (64, MINE, False), (65, LOCKED_UP, False), (68, LOCKED_UP, True)),
    ):
        now = 100.0 + later
        shown = mode.seen(seen(leases=(held,)))
        assert (shown.leaving, shown.let_go) == (True, let_go), later
        assert mode.waits(shown) == (held is LOCKED_UP)
    assert mode.turn(on=False)
    assert mode.seen(READY) is READY
    assert not mode.waits(seen(leases=(LOCKED_UP,)))


def says(applied: int) -> Entry:
    """Give the presence of another node."""
    status = Status(applied=applied)
    value = presence_value(instance="i", node="n2", addresses=THERE, status=status)
    return Entry(KEYS.node("id-2"), value, 1, applied + 1, 1, 0)


def test_who_could_say_that_he_let_go_is_waited_for():
    """Longer than those that cannot, and not for ever; all get their patience."""
    now = 0.0
    mode = Leaving(3.0, lambda: now)
    mode.turn(on=True, wait=20.0)
    behind, let_go = says(LOCKED_UP.modified - 1), says(LOCKED_UP.modified)
    for later, said, may_go in (
        *((0.0, behind, False), (2.9, let_go, False), (3.0, let_go, True)),
        *((3.0, behind, False), (12, behind, False), (19.9, behind, False), (20.0, behind, True)),
    ):
        now = later
        assert mode.seen(seen(leases=(LOCKED_UP,)), [said]).let_go is may_go, later
    mode.turn(on=True, wait=40.0)  # said again, with more time
    assert not mode.seen(seen(leases=(LOCKED_UP,)), [behind]).let_go


def test_a_short_limit_takes_nobodys_patience():
    """Flannel's nodes cannot say anything: they get their time though somebody else is behind."""
    now = 0.0
    mode = Leaving(3.0, lambda: now)
    mode.turn(on=True, wait=1.0)
    for later, may_go in ((0.0, False), (1.0, False), (2.9, False), (3.0, True)):
        now = later
        assert mode.seen(seen(leases=(LOCKED_UP,)), [says(0)]).let_go is may_go, later


def test_the_time_in_which_the_store_is_away_does_not_count():
    """The others could not say anything either: when it is back they get theirs."""
    now = 0.0
    mode = Leaving(3.0, lambda: now)
    mode.turn(on=True, wait=60.0)
    mode.seen(seen(leases=(LOCKED_UP,)), [says(0)])
    for later, may_go in ((999, False), (1009, False), (1024, False), (1038, False), (1045, True)):
        now = float(later)
        assert mode.seen(seen(leases=(LOCKED_UP,)), [says(0)]).let_go is may_go, later


def test_how_it_stood_is_known_when_the_lease_is_gone():
    """Until it stays again."""
    mode = Leaving(3.0, lambda: 0.0)
    mode.turn(on=True)
    assert mode.seen(seen()).withdrawal is None  # there was nothing to withdraw
    waits = mode.seen(seen(leases=(LOCKED_UP,)), [says(0)])
    assert "0 of 1 nodes say that they let go, n2 not yet" in str(decide(waits))
    gone = mode.seen(seen())
    assert gone.withdrawal == Withdrawal(LOCKED_UP.modified, 0, ("n2",), released=True)
    assert "n2 not yet" in str(decide(replace(gone, presence=None)))
    mode.turn(on=False)
    mode.turn(on=True)
    assert mode.seen(seen()).withdrawal is None


def test_a_crowd_is_looked_at_more_seldom():
    """Each look reads every lease and every presence."""
    few, many = seen(leases=(LOCKED_UP,)), seen(leases=(LOCKED_UP,) * 10_000)
    assert Leaving.look_again(few) < 1
    assert 5 < Leaving.look_again(many) < 20
