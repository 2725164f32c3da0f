"""Nodes that race, restart, freeze, change their names and copy each other, against one store."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hostgw_core.store import Delete, Put
from support.claim_site import PREFIX, Host, Site

# So few subnets that nodes which look at the same time want the same one.
FOUR = {"Network": "10.5.0.0/22", "SubnetLen": 24, "SubnetMin": "10.5.0.0"}
EIGHT = {"Network": "10.5.0.0/22", "SubnetLen": 25, "SubnetMin": "10.5.0.0"}
HOSTS = 3
who = st.integers(0, HOSTS - 1)


class Claims(RuleBasedStateMachine):
    """The store is judged by hand, after every call that any node makes."""

    def __init__(self) -> None:
        super().__init__()
        self.site = Site(FOUR)
        self.site.hosts = [Host(f"id-{n}", f"n{n}", f"192.0.2.{n + 1}") for n in range(HOSTS)]
        self.owners: dict[str, tuple[str, str, int]] = {}

    def _host(self, n: int) -> Host:
        return self.site.hosts[n]

    @rule(n=who, calls=st.integers(1, 8))
    def goes_on(self, n: int, calls: int) -> None:
        for _ in range(calls):
            self.site.advance(self._host(n))
            self.no_lease_is_stolen()

    @rule(order=st.lists(who, min_size=4, max_size=16))
    def everybody_goes_on(self, order: list[int]) -> None:
        for n in order:
            if self._host(n).claimant is None:
                self.site.start(self._host(n))
            self.site.advance(self._host(n))
            self.no_lease_is_stolen()

    @rule(n=who)
    def starts(self, n: int) -> None:
        if self._host(n).claimant is None:
            self.site.start(self._host(n))

    @rule(n=who)
    def crashes(self, n: int) -> None:
        self.site.crash(self._host(n))

    @rule(n=who)
    def freezes(self, n: int) -> None:
        self._host(n).frozen = self._host(n).claimant is not None

    @rule(n=who)
    def thaws(self, n: int) -> None:
        self._host(n).frozen = False

    @rule(seconds=st.sampled_from([15, 70, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.site.pass_time(seconds)

    @rule(n=who, name=st.sampled_from(["", "web", "db"]))
    def is_renamed(self, n: int, name: str) -> None:
        self.site.crash(self._host(n))
        self._host(n).node = name or f"n{n}"

    @rule(n=who, other=who)
    def is_made_a_copy(self, n: int, other: int) -> None:
        self.site.crash(self._host(n))
        self._host(n).node_id = self._host(other).node_id

    @rule(n=who, other=who)
    def gets_the_address(self, n: int, other: int) -> None:
        self.site.crash(self._host(n))
        self._host(n).address = self._host(other).address

    @rule(n=who)
    def is_imaged_again(self, n: int) -> None:
        old = self._host(n)
        self.site.crash(old)
        self.site.hosts[n] = Host(f"{old.node_id}x", old.node, old.address)

    @rule(which=st.integers(0, 99))
    def somebody_deletes_a_lease(self, which: int) -> None:
        leases = sorted(self.site.leases())
        if leases:
            key = f"{PREFIX}/subnets/{leases[which % len(leases)]}".encode()
            self.site.store.commit_now([], [Delete(key)])
            self.owners.pop(leases[which % len(leases)], None)

    @rule(n=who)
    def flannel_puts_its_lease_unasked(self, n: int) -> None:
        """As flanneld renews and takes over: by its address, without any compare."""
        address = self._host(n).address
        for key, value in self.site.leases().items():
            if value["PublicIP"] == address:
                self._put_as_flannel(key, address)
                return

    def _put_as_flannel(self, key: str, address: str) -> None:
        value = json.dumps(
            {"PublicIP": address, "PublicIPv6": None, "BackendType": "host-gw"}
        ).encode()
        grant = self.site.store.grant_now(86400)
        full = f"{PREFIX}/subnets/{key}".encode()
        self.site.store.commit_now([], [Put(full, value, grant.id)])
        self.owners.pop(key, None)

    @rule(network=st.sampled_from([FOUR, EIGHT]))
    def the_network_changes(self, network: dict[str, Any]) -> None:
        self.site.configure(network)

    @precondition(lambda self: self.site.store.leases)
    @rule()
    def etcd_restarts(self) -> None:
        self.site.store.restart()

    @invariant()
    def no_two_leases_overlap(self) -> None:
        """Whatever happened, no two leases that hostgwd wrote share an address."""
        assert self.site.overlaps() == []

    @invariant()
    def no_lease_is_stolen(self) -> None:
        """A lease changes its owner only to a host with the same address, or after it was gone."""
        now = {
            key: (value["NodeID"], value["PublicIP"], self._created(key))
            for key, value in self.site.leases().items()
            if value.get("NodeID")
        }
        for key, (node_id, address, created) in now.items():
            before = self.owners.get(key)
            if before is not None and before[2] == created and before[0] != node_id:
                assert before[1] == address, f"{key} went from {before} to {(node_id, address)}"
        self.owners = now

    def _created(self, key: str) -> int:
        return self.site.store.entries[f"{PREFIX}/subnets/{key}".encode()].created

    def teardown(self) -> None:
        """When every host is itself again, each has exactly one lease, and nobody writes more."""
        site = self.site
        site.configure(FOUR)
        for n, host in enumerate(site.hosts):
            site.crash(host)
            host.node_id, host.address = f"own-{n}", f"192.0.2.{100 + n}"
        site.pass_time(90_000)
        for host in site.hosts:
            site.start(host)
        site.settle()
        held = {value["NodeID"]: key for key, value in site.leases().items() if "NodeID" in value}
        assert sorted(held) == sorted(host.node_id for host in site.hosts)
        assert len(site.leases()) == HOSTS
        for host in site.hosts:
            assert host.claimant is not None
            assert host.claimant.state.held
            assert str(host.remembered.ipv4) == held[host.node_id].replace("-", "/")
        quiet = site.store.revision
        site.settle(3)
        assert site.store.revision == quiet


Claims.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestClaims = Claims.TestCase
