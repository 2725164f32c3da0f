"""Whatever happens to the store, in any order: nobody who is well is lost, and in the end it heals.

The machine plays the nodes, etcd, whoever deletes keys or restores backups, and time. What must be
so is worked out by hand from the records; nothing of the guard's memory is believed, but compared.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, ip_network
from itertools import combinations

from hypothesis import settings
from hypothesis.stateful import invariant

from hostgw_daemon.routes.judgement import accept
from support.guard_world import FOREIGN, GuardWorld, whose
from support.understanding import NETWORK


class GuardedCluster(GuardWorld):
    """The world, judged after every step and in the end."""

    # -- what is always so --------------------------------------------------------------------

    @invariant()
    def no_two_believed_peers_overlap(self):
        """Every packet has one way."""
        for one, other in combinations(self.peers, 2):
            assert not _subnet(one).overlaps(_subnet(other))

    @invariant()
    def nothing_outside_the_network_is_believed(self):
        """Whatever the store's network says: none but ours was ever good."""
        for one in (each for each, peer in self.peers.items() if peer.state != "self"):
            assert _subnet(one).subnet_of(ip_network("10.5.0.0/16"))

    @invariant()
    def what_is_held_is_seen(self):
        """The holds are the peers in that state, and no other; each says why."""
        held = {each for each, peer in self.peers.items() if peer.state == "held"}
        assert held == set(self.world.guard.state.holds)
        assert all(self.peers[each].reason for each in held)

    @invariant()
    def every_record_is_a_peer_or_a_refusal(self):
        """And every peer is a record or held."""
        records = {each for each in self.world.entries if each != NETWORK.key}
        there = self.peers.keys() | self.world.roster.refusals.keys() if self.peers else records
        assert records <= there
        assert there - self.world.guard.state.holds.keys() <= records

    @invariant()
    def who_is_well_is_not_lost_while_the_history_is_broken(self):
        """His record is missing, or as it was, or of the other history: he is reached as before."""
        if self.world.guard.history.broken is None:
            return
        # What is written into the store of another cluster says nothing.
        abroad = self.header.cluster == FOREIGN
        fresh, wrote = (set(), set()) if abroad else (self.fresh, self.wrote)
        for one, gateway in self.known.items():
            # Who has written since may have moved, and may be gone from there by now.
            if one in fresh | self.freed or gateway in wrote:
                continue
            if one in self.peers:
                assert str(self.peers[one].lease.gateways) == gateway
            else:
                assert any(_subnet(one).overlaps(_subnet(each)) for each in self.peers)

    # -- the end ------------------------------------------------------------------------------

    def teardown(self):
        """Everybody writes again, and time passes: nothing is left of all that."""
        if not self.world.told:
            return
        if self.header.cluster == FOREIGN:
            self.go_home()
        self.write(NETWORK.key, NETWORK.value)
        self.hear(whole=False)
        for hold in [*self.world.guard.state.holds.values()]:
            if hold.lease.key not in self.store:
                self.write(hold.lease.key, whose(hold.lease.node))
        for one, record in [*self.store.items()]:
            self.write(one, record.value)
        self.hear(whole=False)
        for _ in range(2):
            self.world.pass_time(700)
        state = self.world.guard.state
        assert (state.holds, state.leftovers, state.broken) == ({}, set(), None)
        assert self.world.guard.next_end() is None
        roster = self.world.roster
        records = [each for each in self.store.values() if each.key != NETWORK.key]
        whole = accept(records, roster.policy, roster)
        assert roster.peers == whole.peers
        assert roster.refusals.keys() == whole.refusals.keys()
        told = len(self.world.told)
        self.hear(whole=True)
        assert len(self.world.told) == told + 1
        assert self.world.roster.peers == whole.peers


def _subnet(one):
    match = re.search(rb"subnets/([0-9.]+)-(\d+)$", one)
    return IPv4Network(f"{match[1].decode()}/{match[2].decode()}")


GuardedCluster.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestGuardedCluster = GuardedCluster.TestCase
