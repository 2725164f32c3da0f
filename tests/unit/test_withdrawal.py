"""Who has let go of a lease that was withdrawn, by what each node says of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hostgw_core.records import Status, presence_value
from hostgw_core.store import Entry
from hostgw_daemon.claim.withdrawal import Withdrawal, withdrawal_of
from support.sights import KEYS, THERE, lease

MINE = replace(lease(4), backend="quarantine", modified=60)


def says(node_id: str, applied: int, *, node: str = "", written: int = 0) -> Entry:
    """Give a node's presence, by default written as soon as it had applied that."""
    status = Status(applied=applied)
    value = presence_value(instance="i", node=node, addresses=THERE, status=status)
    return Entry(KEYS.node(node_id), value, 1, written or applied + 1, 1, 0)


def found(*said: Entry, others: tuple = (), mine: tuple = (MINE,)) -> Withdrawal:
    """Compare."""
    return withdrawal_of(KEYS, "me", mine=mine, others=others, said=said)


@pytest.mark.parametrize(("applied", "behind"), [(0, True), (59, True), (60, False), (61, False)])
def test_whoever_routes_by_that_revision_has_let_go(applied: int, behind: bool):
    """Not whoever routes by an earlier one, or has no routes in the kernel yet."""
    parting = found(says("n1", applied, node="one"))
    assert (parting.let_go, parting.behind) == ((0, ("one",)) if behind else (1, ()))


def test_what_nobody_can_have_applied_yet_is_of_another_history():
    """The store was restored: its revisions begin again, and a node still says those of before."""
    assert found(says("n1", 1000, written=62)).behind == ("n1",)
    assert found(says("n1", 61, written=62)).let_go == 1


def test_of_two_leases_the_later_one_counts():
    """Who has seen only the first of them still routes to the second."""
    second = replace(lease(5), backend="quarantine", modified=70)
    assert found(says("n1", 65), mine=(MINE, second)).behind == ("n1",)


def test_our_own_word_does_not_count():
    """It is not ourselves that we wait for."""
    assert found(says("me", 0)) == Withdrawal(60)


def test_flannels_nodes_and_those_that_are_gone_cannot_say():
    """Nor whoever writes what cannot be read; a lease that nobody routes to is no node's."""
    flannels = replace(lease(7, ""), node="", gateways=THERE)
    gone = replace(lease(8, "n8"), node="eight")
    away = replace(lease(9, "n9"), backend="quarantine")
    vxlan = replace(lease(6, ""), backend="vxlan")
    odd = Entry(KEYS.node("n8"), b"{", 1, 1, 1, 0)
    parting = found(odd, says("n1", 60), others=(flannels, gone, away, vxlan))
    assert parting.let_go == 1
    assert parting.behind == ()
    assert parting.mute == (str(THERE), "eight")


def test_it_is_said_in_a_sentence():
    """A few of many are named."""
    assert str(Withdrawal(1, 3)) == "3 of 3 nodes say that they let go"
    many = tuple(f"n{n}" for n in range(1, 7))
    words = "2 of 8 nodes say that they let go, n1, n2, n3 and 3 more not yet; f1 cannot say"
    assert str(Withdrawal(1, 2, many, ("f1",))) == words
