"""What an operator decides about holds, on a guard and a cluster as they run."""

from __future__ import annotations

import math
from types import MappingProxyType

import pytest

from hostgw_core.store import Deleted, Entry, Header
from hostgw_core.view import Sighting, Snapshot
from hostgw_daemon.routes.holds import Cause, Patience
from hostgw_daemon.routes.peers import PeerState
from hostgw_daemon.routes.warden import Warden
from support.lease_world import KEYS, entry, key
from support.understanding import cluster_of, guard_of

CONFIG = b'{"Network": "10.5.0.0/16", "Backend": {"Type": "host-gw"}}'
NETWORK = Entry(KEYS.config, CONFIG, 2, 2, 1, 0)
PEERS = [f"10.5.{number}.0-24" for number in range(1, 13)]


def leases(names):
    """Write the records of nodes with an address each."""
    made = [entry(name, f"172.16.1.{name.split('.')[2]}") for name in names]
    return {each.key: each for each in made} | {KEYS.config: NETWORK}


class NobodyOnTheLink:
    """Nobody is asked here."""

    settles = 0.0

    def ask(self, link, addresses):
        """Take note of nothing."""

    def answering(self, link):
        """Nobody answers."""
        return frozenset()


class Site:
    """Twelve peers, of which eight are deleted, and the warden of their holds."""

    def __init__(self):
        self.now = 1000.0
        self.told = []
        self.guard = guard_of(Patience(2.0, 300.0))
        self.cluster = cluster_of(self.told.append, guard=self.guard, clock=lambda: self.now)

        async def alive():
            return frozenset()

        self.warden = Warden(
            self.cluster,
            self.guard,
            NobodyOnTheLink(),
            link=lambda: 0,
            alive=alive,
            clock=lambda: self.now,
        )

    def list(self, names, header):
        """Show a whole list of the store."""
        self.cluster.saw(Sighting(Snapshot(header, MappingProxyType(leases(names))), None, 0.0))

    def delete(self, names, header):
        """Show that a watch told of their ends."""
        assert self.cluster.now is not None
        left = dict(self.cluster.now.snapshot.entries)
        for name in names:
            del left[key(name)]
        changes = tuple(Deleted(key(name), header.revision) for name in names)
        self.cluster.saw(Sighting(Snapshot(header, MappingProxyType(left)), changes, 0.0))

    @property
    def peers(self):
        """Give the state of each peer by the end of its key."""
        peers = self.cluster.now.roster.peers
        return {found.decode().rpartition("/")[2]: peer.state for found, peer in peers.items()}


@pytest.fixture
def site():
    """Give a site whose eight peers have just gone."""
    made = Site()
    made.list(PEERS, Header(1, 100, 3))
    made.delete(PEERS[:8], Header(1, 101, 3))
    assert [name for name, state in made.peers.items() if state is PeerState.HELD] == PEERS[:8]
    return made


def untils(site):
    """Give the moments at which the holds end."""
    return {hold.until for hold in site.guard.state.holds.values()}


def test_accept_lets_go_of_what_is_named(site):
    """The routes go at once, the others stay held; what is not held is not counted."""
    assert site.warden.accept([key(PEERS[0]), key(PEERS[11]), b"nothing"]) == 1
    assert PEERS[0] not in site.peers
    assert site.peers[PEERS[11]] is PeerState.OK
    assert [*site.warden.held] == [key(name) for name in PEERS[1:8]]
    assert site.told[-1].moved == {key(PEERS[0])}
    assert site.warden.accept(site.warden.held) == 7
    assert {*site.peers} == {*PEERS[8:]}
    assert site.guard.state.ended == {(Cause.MANY, "accepted"): 8}


def test_extend_moves_the_end_and_never_back(site):
    """A hold lasts at least so long from now: a shorter wish changes nothing."""
    assert untils(site) == {1300.0}
    site.now = 1100.0
    assert site.warden.extend(site.warden.held, 60) == 0
    assert untils(site) == {1300.0}
    assert site.warden.extend([key(PEERS[0]), b"nothing"], 3600) == 1
    assert untils(site) == {1300.0, 4700.0}
    assert site.guard.over(1300.0)[1] != ()
    assert site.warden.extend(site.warden.held, 3600) == 7
    assert site.guard.over(1300.0) == ((), ())
    assert site.guard.state.extended == 8


def test_a_gateway_that_answers_takes_nothing_from_an_extension(site):
    """The round of questions that is under way when an operator decides ends no hold earlier."""
    site.warden.extend([key(PEERS[0])], 3600)
    site.guard.still_answer([key(name) for name in PEERS[:8]], 1300.0)
    assert untils(site) == {4600.0, 1360.0}


def test_a_history_that_goes_on_is_not_to_be_believed(site):
    """There is nothing to decide, and nothing is let go."""
    assert "not broken" in str(site.warden.believe())
    assert len(site.warden.held) == 8


@pytest.mark.parametrize("header", [Header(1, 4, 2), Header(9, 5000, 7)])
def test_believing_a_wiped_or_foreign_store_lets_go_what_is_not_in_it(site, header):
    """All that the store does not tell goes, whatever it was held for, and the break is over."""
    site.list(PEERS[11:], header)
    assert untils(site) == {math.inf}
    assert site.warden.extend(site.warden.held, 3600) == 0  # there is no later end than none
    assert untils(site) == {math.inf}
    assert site.guard.history.broken is not None
    assert site.warden.believe() == 11
    assert site.guard.history.broken is None
    assert (site.warden.held, [*site.peers]) == ((), PEERS[11:])


def test_what_is_only_remembered_is_not_to_be_believed():
    """While the store has not answered, nobody knows which history it tells."""
    site = Site()
    site.guard.history = site.guard.history.listed(Header(1, 100, 3)).listed(Header(1, 4, 2))
    site.cluster.recall(Snapshot(Header(1, 4, 2), MappingProxyType(leases(PEERS))))
    assert "has not answered" in str(site.warden.believe())
    assert site.cluster.now is not None
    assert site.cluster.now.headless
