"""Nodes whose store is wiped, and restored from copies of any age, again and again.

In quiet times nodes come, and die for good; in between the store loses its history while nodes run,
crash and start. Whatever happened: when time has passed, every living node has its very own subnet,
no two leases overlap, nobody dead is on somebody's ground, and the network is what it was.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hostgw_core.model import Subnets
from support.claim_networks import networks_in
from support.claim_site import Host
from support.history_site import CONFIG, Backup, HistorySite

NETWORK = {"Network": "10.5.0.0/22", "SubnetLen": 24, "SubnetMin": "10.5.0.0"}
MOST = 3  # nodes that live at once; there is room for four, so the dead one's is soon taken
which = st.integers(0, 99)


class Histories(RuleBasedStateMachine):
    """The store is read by hand; what a node must have is what it had in the last quiet time."""

    def __init__(self) -> None:
        super().__init__()
        self.site = HistorySite(NETWORK)
        self.network = self.site.store.entries[CONFIG].value
        self.born = 0
        self.own: dict[str, Subnets] = {}
        self.backups: list[Backup] = []
        self.quiet = True
        for _ in range(MOST):
            self.is_born()

    def _host(self, n: int) -> Host:
        return self.site.hosts[n % len(self.site.hosts)]

    # -- quiet times --------------------------------------------------------------------------

    @precondition(lambda self: self.quiet and len(self.site.hosts) < MOST)
    @rule()
    def is_born(self) -> None:
        if len(self.site.leases()) > MOST:  # the dead that a copy brought back hold what is left
            self.site.pass_time(4000)
        self.born += 1
        host = Host(f"id-{self.born}", f"n{self.born}", f"192.0.2.{self.born}")
        self.site.hosts.append(host)
        self.site.start(host)
        self.all_is_as_it_was()

    @precondition(lambda self: self.quiet and len(self.site.hosts) > 1)
    @rule(n=which)
    def dies(self, n: int) -> None:
        """For good; when its lease has run out, its subnet may be somebody else's."""
        host = self._host(n)
        self.site.crash(host)
        self.site.hosts.remove(host)
        del self.own[host.node_id]
        self.all_is_as_it_was()
        self.site.pass_time(4000)

    @precondition(lambda self: self.quiet)
    @rule()
    def somebody_makes_a_backup(self) -> None:
        self.backups.append(self.site.backup())

    # -- the store ----------------------------------------------------------------------------

    @rule()
    def the_store_is_wiped(self) -> None:
        self.site.store.wipe()
        self.quiet = False

    @precondition(lambda self: self.backups)
    @rule(of=which)
    def the_store_is_restored(self, of: int) -> None:
        self.site.restore(self.backups[of % len(self.backups)])
        self.quiet = False

    @precondition(lambda self: self.quiet)
    @rule(n=which)
    def a_backup_brings_back_a_node_that_was_replaced(self, n: int) -> None:
        """Its successor may have its subnet now."""
        backup = self.site.backup()
        self.dies(n)
        self.is_born()
        self.site.restore(backup)
        self.quiet = False

    @rule()
    def etcd_restarts(self) -> None:
        self.site.store.restart()

    # -- the nodes ----------------------------------------------------------------------------

    @rule(n=which, calls=st.integers(1, 12))
    def goes_on(self, n: int, calls: int) -> None:
        for _ in range(calls):
            self.site.advance(self._host(n))

    @rule(n=which)
    def crashes(self, n: int) -> None:
        self.site.crash(self._host(n))

    @rule(n=which)
    def starts(self, n: int) -> None:
        if self._host(n).claimant is None:
            self.site.start(self._host(n))

    @rule(seconds=st.sampled_from([15, 70, 90]))
    def time_passes(self, seconds: int) -> None:
        self.site.pass_time(seconds)

    # -- the laws -----------------------------------------------------------------------------

    @invariant()
    def no_living_nodes_overlap(self) -> None:
        """Not for a moment, but for what a restored copy says of the dead."""
        alive = {host.node_id for host in self.site.hosts}
        names = {k: v["NodeID"] for k, v in self.site.leases().items() if v["NodeID"] in alive}
        for one, other in self.site.overlaps():
            assert not {one, other} <= names.keys(), (one, other)

    @rule()
    def all_is_as_it_was(self) -> None:
        """After some minutes in which everybody lives."""
        site = self.site
        for host in site.hosts:
            if host.claimant is None:
                site.start(host)
        site.settle()
        leases = site.leases()
        for host in site.hosts:
            mine = [name for name, value in leases.items() if value["NodeID"] == host.node_id]
            own = self.own.setdefault(host.node_id, host.remembered)
            assert [networks_in(name) for name in mine] == [[*own]], (host.node_id, leases)
        assert site.overlaps() == []
        assert site.store.entries[CONFIG].value == self.network
        site.calm()
        self.quiet = True

    def teardown(self) -> None:
        """And it is so in the end, where nobody writes more."""
        self.all_is_as_it_was()
        revision = self.site.store.revision
        self.site.settle(3)
        assert self.site.store.revision == revision


Histories.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestHistories = Histories.TestCase
