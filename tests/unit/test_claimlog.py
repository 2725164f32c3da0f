"""The lines of the log about a lease, and about a node that leaves."""

from __future__ import annotations

from dataclasses import replace

from hostgw_daemon.claim.state import ClaimState
from hostgw_daemon.claim.withdrawal import Withdrawal
from hostgw_daemon.told.claimlog import Line, news
from support.sights import lease

HELD = ClaimState(lease(4), "new")
AWAY = Withdrawal(60, 1, ("n2",))
DRAINING = replace(HELD, withdrawal=AWAY, conditions={"draining": "it is"})
DRAINED = ClaimState(conditions={"drained": "it is"})


def test_a_lease_that_is_held():
    """Each time that anything about it is another."""
    line = Line("Holds a lease", {"subnet": "10.5.4.0/24", "how": "new"})
    assert [*news(ClaimState(), HELD)] == [line]
    assert [*news(HELD, ClaimState(lost=lease(4).subnets))] == []


def test_a_node_that_leaves():
    """That it began, and what came of it; not each of the others that lets go."""
    (line,) = news(HELD, DRAINING)
    assert line == Line("The lease is withdrawn", {"subnet": "10.5.4.0/24", "revision": 60})
    assert [*news(DRAINING, replace(DRAINING, withdrawal=Withdrawal(60, 2)))] == []
    done = replace(DRAINED, withdrawal=Withdrawal(60, 2, mute=("f1",), released=True))
    released, removed = news(DRAINING, done)
    assert released.words == {"let_go": 2, "cannot_say": 1}
    assert not released.warns
    assert removed.event.startswith("This node has left")
    assert [*news(done, done)] == []


def test_who_has_not_let_go_is_named():
    """In a warning, and of very many only some."""
    nodes = tuple(f"n{n}" for n in range(100))
    warning, _ = news(DRAINING, replace(DRAINED, withdrawal=Withdrawal(60, 1, nodes)))
    assert (warning.warns, warning.words) == (True, {"count": 100, "nodes": nodes[:20]})


def test_a_node_without_a_lease_has_left_at_once():
    """Nothing was withdrawn, and nothing released."""
    assert len([*news(ClaimState(), DRAINED)]) == 1
