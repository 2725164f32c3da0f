"""What has rung: taken once, and given back by a pass that failed."""

from __future__ import annotations

from hostgw_daemon.routes.inbox import Inbox
from support.reconciler_site import ours

A, B = ours("10.5.1.0/24"), ours("10.5.2.0/24")


def test_the_first_look_is_at_everything():
    """Before anything was aimed at there is no difference to it."""
    assert Inbox().anew


def test_what_was_taken_is_not_there_any_more():
    """The next pass finds only what rang after this one began."""
    inbox = Inbox(anew=True, moved={b"a"}, lost={A}, seen=[1.0])
    assert inbox.take() == Inbox(anew=True, moved={b"a"}, lost={A}, seen=[1.0])
    inbox.moved.add(b"b")
    inbox.seen.append(2.0)
    assert inbox.take() == Inbox(anew=False, moved={b"b"}, seen=[2.0])
    assert inbox.take() == Inbox(anew=False)


def test_what_a_failed_pass_gives_back_is_all_there():
    """With what has rung meanwhile, in the order in which it came; and all is looked at."""
    inbox = Inbox(anew=False, moved={b"a"}, lost={A}, seen=[1.0])
    taken = inbox.take()
    inbox.moved.add(b"b")
    inbox.lost.add(B)
    inbox.seen.append(2.0)
    inbox.give_back(taken)
    assert inbox == Inbox(anew=True, moved={b"a", b"b"}, lost={A, B}, seen=[1.0, 2.0])
