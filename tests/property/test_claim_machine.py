"""Nodes that race, restart, freeze, change their names and copy each other, against one store.

The network changes its families and its lengths under them, flannel writes what it likes, and
people write nonsense. What a node may do to the store is in `support.claim_judge`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hostgw_core.model import Subnets
from support.claim_judge import Judge, name_in, told
from support.claim_networks import EIGHTHS, QUARTERS, networks_in, number_of, pair
from support.claim_outsiders import MEDDLING, Outsiders
from support.claim_overtaking import Overtaking, overtakings, which
from support.claim_site import Host, Site

HOSTS = 3
who = st.integers(0, HOSTS - 1)
any_lease = st.integers(0, 99)
network = st.sampled_from(QUARTERS + EIGHTHS)


def a_host(n: int) -> Host:
    """Give a host as it is at first."""
    return Host(f"id-{n}", f"n{n}", f"192.0.2.{n + 1}", address6=f"fd00::{n + 1}")


class Claims(RuleBasedStateMachine):
    """The store is judged by hand, after every call that any node makes."""

    def __init__(self) -> None:
        super().__init__()
        self.site = Site(QUARTERS[0])
        self.site.hosts = [a_host(n) for n in range(HOSTS)]
        self.judge = Judge(self.site)
        self.outsiders = Outsiders(self.site, self.judge)

    def _host(self, n: int) -> Host:
        return self.site.hosts[n]

    @initialize(to=network, all_hold=st.booleans())
    def begin(self, to: dict[str, Any], *, all_hold: bool) -> None:
        self.site.configure(to)
        if all_hold:
            self.everybody_goes_on([*range(HOSTS)] * 12)

    # -- the nodes ----------------------------------------------------------------------------

    @rule(n=who, calls=st.integers(1, 8))
    def goes_on(self, n: int, calls: int) -> None:
        for _ in range(calls):
            self.judge.advance(self._host(n))

    @rule(order=st.lists(who, min_size=4, max_size=16))
    def everybody_goes_on(self, order: list[int]) -> None:
        for n in order:
            self.starts(n)
            self.judge.advance(self._host(n))

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

    @rule(n=who, on=st.booleans())
    def is_drained_or_resumed(self, n: int, on: bool) -> None:
        if (claimant := self._host(n).claimant) is not None:
            claimant.leave(on=on)

    @rule(n=who)
    def leaves_undisturbed(self, n: int) -> None:
        """Whatever there was before: in the end nothing of it is there, nor comes back."""
        host = self._host(n)
        self.starts(n)
        self.thaws(n)
        assert host.claimant is not None
        host.claimant.leave(on=True)
        self.site.settle(20)
        twins = [each for each in self.site.hosts if each.runs and each.node_id == host.node_id]
        if twins == [host]:
            assert host.claimant.state.drained, host.claimant.state
            assert self.outsiders.of(host) == []

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

    @rule(n=who, other=who, families=st.sampled_from([(4,), (6,), (4, 6)]))
    def gets_the_address(self, n: int, other: int, families: tuple[int, ...]) -> None:
        self.site.crash(self._host(n))
        if 4 in families:
            self._host(n).address = self._host(other).address
        if 6 in families:
            self._host(n).address6 = self._host(other).address6

    @rule(n=who)
    def is_itself_again(self, n: int) -> None:
        self.crashes(n)
        self.site.hosts[n] = replace(a_host(n), remembered=self._host(n).remembered)

    @rule(n=who)
    def is_imaged_again(self, n: int) -> None:
        old = self._host(n)
        self.site.crash(old)
        self.site.hosts[n] = Host(f"{old.node_id}x", old.node, old.address, address6=old.address6)

    # -- races made on purpose ----------------------------------------------------------------

    @rule(n=who, other=who, to=network, how=st.lists(overtakings, min_size=1, max_size=3))
    def is_overtaken(self, n: int, other: int, to: dict[str, Any], how: list[Overtaking]) -> None:
        """Something happens between what a node sees and what it writes then."""
        for each in how:
            self._overtake(n, other, to, each)

    def _overtake(self, n: int, other: int, to: dict[str, Any], how: Overtaking) -> None:
        self._prepare(n, how)
        self.starts(n)
        self.thaws(n)
        host, writes = self._host(n), how.writes
        for _ in range(20):
            lease = name_in(host.about)
            writes -= bool(host.about and not lease)
            if (host.about and how.writes and not writes) or (lease and not how.writes):
                break
            self.judge.advance(host)
        if how.between == "the network changes":
            self.site.configure(to)
        elif how.between == "another goes on":
            self.starts(other)
            self.goes_on(other, how.calls)
        elif how.between in MEDDLING:
            self.outsiders.meddle(how.between, host.about, self._host(other), how.i)
        else:
            self._freeze_for_a_while(n, other if how.between == "its twin runs" else n, how.calls)
        self.goes_on(n, 2)

    def _prepare(self, n: int, how: Overtaking) -> None:
        host = self._host(n)
        match how.before:
            case "is restarted":
                self.crashes(n)
            case "is renamed":
                self.is_renamed(n, "web" if host.node != "web" else "")
            case "loses its lease":
                self.outsiders.drain(host)
            case "was flannel's":
                self.outsiders.drain(host)
                self.flannel_takes(n, how.i, how.j)
            case "has two leases":
                for lease in self.outsiders.of(host)[:1]:
                    self.outsiders.copy(lease, how.i)
            case "has its key spoilt" if any(host.remembered):
                self.outsiders.spoil(self.site.keys.lease(host.remembered), {})
            case "has reserved":
                self.a_subnet_is_reserved(n, how.i, how.j, good=True)

    def _freeze_for_a_while(self, n: int, twin: int, calls: int) -> None:
        """Past the life of its presence, or not; its twin, if it has one, runs meanwhile."""
        self.freezes(n)
        self.site.pass_time(70 if calls % 2 else 15)
        if twin != n:
            self.gets_the_address(twin, n, (4, 6))
            self.is_made_a_copy(twin, n)
            self.starts(twin)
            self.goes_on(twin, calls)
        self.thaws(n)

    # -- people, and flannel -----------------------------------------------------------------------

    @rule(to=network)
    def the_network_changes(self, to: dict[str, Any]) -> None:
        self.site.configure(to)

    @rule(of=any_lease)
    def somebody_deletes_a_lease(self, of: int) -> None:
        if lease := self.outsiders.one_of(of):
            self.outsiders.delete(lease.key)

    @rule(of=any_lease, i=which)
    def somebody_copies_a_lease(self, of: int, i: int) -> None:
        lease = self.outsiders.one_of(of)
        if lease is not None and told(lease).get("NodeID"):
            self.outsiders.copy(lease, i)

    @rule(of=any_lease, text=st.sampled_from(["", {}, {"PublicIP": "192.0.2.999"}]))
    def somebody_spoils_a_lease(self, of: int, text: object) -> None:
        if lease := self.outsiders.one_of(of):
            self.outsiders.spoil(lease.key, text)

    @rule(i=which, rest=st.sampled_from(["-24x", "-024", "-24&FD00:5::-64", "-"]))
    def somebody_writes_a_key_that_is_no_subnet(self, i: int, rest: str) -> None:
        self.outsiders.put(f"subnets/10.5.{i}.0{rest}", {})

    @rule(n=who, i=st.none() | which, j=st.none() | which, good=st.booleans())
    def a_subnet_is_reserved(self, n: int, i: int | None, j: int | None, good: bool) -> None:
        if name := pair(i, j):
            self.outsiders.reserve(name, self._host(n), good=good)

    @precondition(lambda self: self.site.store.leases)
    @rule()
    def etcd_restarts(self) -> None:
        self.site.store.restart()

    @rule(n=who)
    def flannel_renews(self, n: int) -> None:
        """As flanneld renews and takes over: by its address, without any compare."""
        for entry in self.outsiders.leases():
            if told(entry).get("PublicIP") == self._host(n).address:
                self.outsiders.flannel_puts(name_in(entry.key), self._host(n))
                return

    @rule(n=who, i=which, j=st.none() | which)
    def flannel_takes(self, n: int, i: int, j: int | None) -> None:
        """Flannel chooses the two families apart, and may be late: whatever stands there."""
        self.outsiders.flannel_puts(pair(i, j), self._host(n))

    @rule(n=who, of=any_lease, j=which)
    def flannel_writes_another_key_for_a_leased_subnet(self, n: int, of: int, j: int) -> None:
        if lease := self.outsiders.one_of(of):
            self.outsiders.flannel_puts_another(name_in(lease.key), self._host(n), j)

    # -- the laws -----------------------------------------------------------------------------

    @invariant()
    def no_two_leases_overlap(self) -> None:
        """Whatever happened, no two leases that hostgwd wrote share an address."""
        self.judge.no_overlap()

    def teardown(self) -> None:
        """When every host is itself again, each has exactly one lease, and nobody writes more."""
        site = self.site
        for n, host in enumerate(site.hosts):
            site.crash(host)
            host.node_id, host.node = f"own-{n}", f"n{n}"
            host.address, host.address6 = f"192.0.2.{100 + n}", f"fd00::{100 + n}"
            if len({number_of(subnet) for subnet in host.remembered}) > 1:
                host.remembered = Subnets()  # a pair that flannel drew costs two subnets
        site.pass_time(90_000)
        self.outsiders.clear_all_but_one()
        for host in site.hosts:
            site.start(host)
        site.settle()
        for host in site.hosts:
            held = [networks_in(name_in(entry.key)) for entry in self.outsiders.of(host)]
            assert host.claimant is not None
            assert held == [[*host.remembered]], host.claimant.state
            assert host.claimant.state.held
        quiet = site.store.revision
        site.settle(3)
        assert site.store.revision == quiet


Claims.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
TestClaims = Claims.TestCase
