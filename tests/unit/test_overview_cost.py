"""What the overview costs with ten thousand peers: rounds over them, and no more."""

from __future__ import annotations

from dataclasses import replace

from hostgw_core.model import Subnets
from hostgw_daemon.kernel import Verdict
from hostgw_daemon.told.overview import conditions
from hostgw_daemon.told.peerstates import peer_states
from support.parts import foreign, outcome, parts, roster, routes, understanding


class Read(tuple):  # noqa: SLOT001 - it counts, and a tuple with items has no slots
    """A tuple that counts how often it is gone through."""

    def __new__(cls, items: tuple):
        """Begin at nothing."""
        made = super().__new__(cls, items)
        made.rounds = 0
        return made

    def __iter__(self):
        """Count one more round."""
        self.rounds += 1
        return super().__iter__()


def test_ten_thousand_conflicts_are_gone_through_once():
    """Somebody holds every key of ours: the cost is a round over them, not a round for each."""
    missing = Read(tuple(outcome(number, Verdict.CONFLICT) for number in range(1, 10_001)))
    shadows = Read(tuple(foreign(number, metric=1100) for number in range(1, 10_001)))
    found = conditions(parts(routes=routes(missing=missing, shadows=shadows)))
    assert found["routes_conflict"].endswith("; and 9997 more")
    assert missing.rounds <= 3
    assert shadows.rounds <= 2


def test_of_ten_thousand_failures_three_are_written_out():
    """What is only counted is not put into words."""
    written = []

    class Words(str):
        __slots__ = ()

        def __format__(self, spec):
            written.append(self)
            return str(self)

    missing = tuple(outcome(n, Verdict.FAILED, Words("EPERM")) for n in range(1, 10_001))
    found = conditions(parts(routes=routes(missing=missing)))
    assert found["routes_failing"].endswith("; and 9997 more")
    assert len(written) == 3


def test_ten_thousand_peers_that_are_well_cost_no_look_at_their_subnets():
    """With nothing missing, nothing is compared: only the peers are gone through."""
    packed = []

    class Watched(Subnets):
        def __iter__(self):
            packed.append(self)
            return super().__iter__()

    known = roster(3)
    peers = {
        key: replace(peer, lease=replace(peer.lease, subnets=Watched(peer.lease.subnets.ipv4)))
        for key, peer in known.peers.items()
    }
    watched = replace(known, peers=type(known.peers)(peers))
    assert len(list(peer_states(parts(understanding=understanding(roster=watched))))) == 3
    assert packed == []
