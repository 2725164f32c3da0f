"""The rows of the claim's table for a store that was wiped, restored or swapped, on values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hostgw_core.history import PROOF, Break, History
from hostgw_core.model import Lease, Presence
from hostgw_core.records import lease_value, presence_value
from hostgw_core.store import Compare, Entry, Header, Listing, Span
from hostgw_daemon.claim.action import (
    Action,
    Announce,
    Depose,
    Hold,
    Keep,
    Restore,
    Wait,
    Withdraw,
)
from hostgw_daemon.claim.ownership import rivals
from hostgw_daemon.claim.sight import Sight, sight_of
from hostgw_daemon.claim.table import decide
from support.sights import HERE, KEYS, ME, MINE, THERE, lease, seen, subnets

NETWORK = b'{"Network":"10.5.0.0/16","SubnetLen":24,"Backend":{"Type":"host-gw"}}'
FIRST = Header(1, 100, 2)
BREAK = Break(Header(1, 900, 5), FIRST, Header(1, 120, 2))
SWAPPED = Break(Header(1, 900, 5), Header(2, 9000, 7), Header(2, 9000, 7))
BEFORE, SINCE = 60, 110  # mod revisions of what the broken history brought, and of what came after
OURS = subnets(6)
FENCE = Compare(Span(KEYS.node("me")), "created", 70)


def broken(*leases: Lease, **changes: Any) -> Sight:
    """Give a sight of a history that was restored a moment ago, while we held 10.5.6.0/24."""
    told: dict[str, Any] = {"config_written": 40, "network": NETWORK, "broken": BREAK}
    return seen(leases=leases, **{"remembered": OURS, **told, **changes})


def leftover(third: int, node_id: str, **changes: Any) -> Lease:
    """Make a lease that lay in the copy that was restored, at another address than ours."""
    there = {"gateways": THERE, "node": f"old {node_id}", "modified": BEFORE}
    return lease(third, node_id, **{**there, **changes})


def withdrawn(found: Lease) -> Action:
    """Give the action that deletes a lease, if it is unchanged and we are still ourselves."""
    return Withdraw(found, (Compare(Span(found.key), "modified", found.modified), FENCE))


def took(action: Action) -> str:
    """Give how a subnet is to be held, "" for any other action."""
    return action.how if isinstance(action, Hold) else ""


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"presence": None},
        {"presence": Presence("me", "other", "web", HERE, 70, 71)},
        {"config": None, "config_gone": "nothing there", "config_written": 0},
        {"leases": (lease(3),)},
        {"leases": (lease(6, gateways=THERE),)},
        {"leases": (lease(6), lease(3))},
        {"leases": (leftover(6, "dead"),), "broken_for": 1e6},
    ],
)
def test_into_the_store_of_another_cluster_nothing_is_written(change: dict):
    """Whatever stands there, even under our own id: we wait, and say which clusters they are."""
    action = decide(replace(broken(broken=SWAPPED), **change))
    assert isinstance(action, Wait)
    assert action.code == "foreign_history"
    assert "cluster 2 answers" in action.detail


def test_a_wiped_network_is_put_back_where_none_is():
    """The very bytes, and only if nobody has written one, while nobody has deposed us."""
    action = decide(broken(config_written=0, config_gone="nothing there"))
    here = Compare(Span(b"/p/config"), "version", 0)
    assert action == Restore(b"/p/config", NETWORK, (here, FENCE))


@pytest.mark.parametrize(
    "change",
    [
        {"broken": None},  # somebody deleted it
        {"network": b""},  # we never knew one
        {"config_written": 40},  # one is there, though we do not believe it
    ],
)
def test_a_network_is_not_put_back(change: dict):
    """Where it was deleted on purpose, where none is known, and over another one."""
    action = decide(broken(**{"config_written": 0, "config_gone": "nothing there", **change}))
    assert not isinstance(action, Restore)


def test_who_is_not_announced_is_first():
    """Nothing is put back before the mutex on our node id is ours."""
    assert decide(broken(presence=None, config_written=0)) == Announce()


def test_a_node_that_was_started_anew_puts_the_network_back_from_its_memory():
    """It has read no network in this life; the one that it goes by is in force."""
    entry = Entry(KEYS.config, NETWORK, 2, 40, 1, 0)
    present = presence_value(instance="now", node="web", addresses=HERE)
    wiped = Listing(FIRST, (Entry(KEYS.node("me"), present, 70, 71, 1, 0),))
    sight = sight_of(wiped, KEYS, ME, None, history=History(BREAK.known, BREAK), network=entry)
    action = decide(replace(sight, remembered=OURS))
    assert isinstance(action, Restore)
    assert action.value == NETWORK


def test_our_lease_is_put_back():
    """The subnet we hold, in an empty range, in the network as it stands there, on a new grant."""
    action = decide(broken())
    assert action == Hold(
        "put back",
        OURS,
        b"/p/subnets/10.5.6.0-24",
        lease_value(gateways=HERE, node="web", node_id="me"),
        (
            Compare(Span(b"/p/subnets/10.5.6.0-", b"/p/subnets/10.5.6.0."), "version", 0),
            Compare(Span(b"/p/config"), "modified", 40),
            FENCE,
        ),
        None,
    )


def test_our_lease_is_put_back_under_a_network_that_is_not_believed():
    """The older record that a backup brought is no reason to wait: it is compared as it stands."""
    action = decide(broken(config_written=33, config_gone="it is of another history of the store"))
    assert took(action) == "put back"
    assert isinstance(action, Hold)
    assert Compare(Span(b"/p/config"), "modified", 33) in action.compares


def test_our_lease_is_not_put_back_into_a_network_without_it():
    """A subnet of another network is no claim any more."""
    assert took(decide(broken(remembered=subnets(200)))) == "new"


def test_our_lease_that_came_back_by_itself_is_kept():
    """The copy that was restored had it: nothing is written."""
    mine = lease(6, modified=BEFORE)
    assert decide(broken(mine)) == Keep(mine)


@pytest.mark.parametrize("seconds", [0.0, PROOF - 0.1])
def test_a_leftover_on_ours_is_waited_for(seconds: float):
    """Its node may live, and has so long to show it; the sentence names it."""
    action = decide(broken(leftover(6, "dead"), broken_for=seconds))
    assert isinstance(action, Wait)
    assert action.code == "history_broken"
    assert "10.5.6.0/24" in action.detail
    assert "old dead" in action.detail


@pytest.mark.parametrize("seconds", [0.0, PROOF - 0.1])
def test_a_presence_that_the_copy_brought_back_proves_nothing_yet(seconds: float):
    """It was restored with the lease, and ends by itself if nobody keeps it alive."""
    gone = frozenset({"dead"})
    action = decide(broken(leftover(6, "dead"), broken_for=seconds, alive=gone))
    assert isinstance(action, Wait)
    assert action.code == "history_broken"


def test_a_leftover_on_ours_is_withdrawn_when_nobody_showed_up():
    """One after the other; then ours is put back."""
    one, two = leftover(6, "dead"), leftover(6, "gone")
    assert decide(broken(one, two, broken_for=PROOF)) == withdrawn(one)
    assert decide(broken(two, broken_for=PROOF)) == withdrawn(two)
    assert took(decide(broken(broken_for=PROOF))) == "put back"


def test_whose_node_lives_keeps_it():
    """However long it is: two nodes would hold one subnet. We take another."""
    living = leftover(6, "living")
    action = decide(broken(living, broken_for=1e6, alive=frozenset({"living"})))
    assert took(action) == "new"
    assert rivals(broken(living)) == ("living",)


def test_flannels_record_is_never_withdrawn():
    """It names no node that could show itself: an operator decides."""
    action = decide(broken(leftover(6, ""), broken_for=1e6))
    assert isinstance(action, Wait)
    assert action.code == "history_broken"


def test_flannels_record_at_our_own_address_is_adopted():
    """A copy of the days before us has this host's own lease, in flannel's words."""
    old = leftover(6, "", gateways=HERE)
    action = decide(broken(old, names=(old.key,)))
    assert took(action) == "adopted from flannel"
    assert isinstance(action, Hold)
    assert action.subnets == OURS


def test_who_wrote_since_keeps_it():
    """A record that is younger than the break is somebody's; we say nothing, and take another."""
    since = leftover(6, "quicker", modified=SINCE)
    assert took(decide(broken(since, broken_for=1e6))) == "new"
    beside = leftover(6, "dead")
    assert took(decide(broken(since, beside, broken_for=1e6))) == "new"


@pytest.mark.parametrize("third", [6, 3])
def test_our_record_that_cannot_be_read_stands_in_no_way(third: int):
    """Ours is written over; beside that of another subnet, ours is put back."""
    spoilt = Entry(KEYS.lease(subnets(third)), b"?", 5, BEFORE, 1, 0)
    networks = tuple(subnets(third))
    sight = broken(spoilt=(spoilt,), names=(spoilt.key,), occupied=networks)
    assert took(decide(sight)) == {6: "put right", 3: "put back"}[third]


def test_a_key_of_nonsense_in_our_range_is_not_tried_for_ever():
    """Its range is not empty, whatever stands there: no write of ours could be done."""
    nonsense = Entry(KEYS.lease(OURS) + b"x", b"?", 5, BEFORE, 1, 0)
    action = decide(broken(spoilt=(nonsense,), names=(nonsense.key,)))
    assert took(action) == "new"


def test_a_leftover_of_our_own_is_withdrawn_after_ours_is_back():
    """The copy has another subnet of ours: first the one that we hold, then the other goes."""
    old = lease(3, modified=BEFORE)
    assert took(decide(broken(old))) == "put back"
    now = lease(6, modified=SINCE)
    assert decide(broken(old, now)) == withdrawn(old)
    assert decide(broken(now)) == Keep(now)


def test_a_leftover_presence_under_our_id_is_deposed():
    """It was left by an instance of before, though we had announced ourselves since."""
    old = replace(MINE, instance="before", created=30, modified=BEFORE)
    assert decide(broken(presence=old, announced=True)) == Depose(old)
    since = replace(MINE, instance="before", created=105, modified=SINCE)
    deposed_us = decide(broken(presence=since, announced=True))
    assert isinstance(deposed_us, Wait)
    assert deposed_us.code == "identity_unsure"


def test_a_leftover_presence_from_elsewhere_is_a_stranger():
    """Under our id, and neither a former instance nor at our address: it is waited for."""
    old = Presence("me", "other", "db", THERE, 30, BEFORE)
    assert isinstance(decide(broken(presence=old, announced=True)), Wait)


def test_in_a_history_that_goes_on_nothing_is_put_back():
    """A lease of somebody on what we remember is simply his."""
    sight = broken(leftover(6, "other"), broken=None, broken_for=1e6)
    assert took(decide(sight)) == "new"
