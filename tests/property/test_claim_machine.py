"""Nodes that race, restart, freeze, change their names and copy each other, against one store.

The network changes its families and its lengths under them, flannel writes what it likes, and
people write nonsense. What a node may do to the store is in `support.claim_judge`.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hostgw_core.store import Delete, Entry, Put
from support.claim_judge import Judge, name_in, told
from support.claim_networks import EIGHTHS, NAMES6, QUARTERS, networks_in, numbers_in, pair
from support.claim_site import PREFIX, Host, Site

HOSTS = 3
who = st.integers(0, HOSTS - 1)
which = st.integers(0, 3)
any_lease = st.integers(0, 99)
network = st.sampled_from(QUARTERS + EIGHTHS)
number = st.none() | which

# What may happen between the look of a node and its write: a rule, and what it is given.
events = st.one_of(
    st.tuples(st.just("goes_on"), st.fixed_dictionaries({"n": who, "calls": st.just(8)})),
    st.tuples(st.just("a_copy_runs"), st.fixed_dictionaries({"n": who, "other": who})),
    st.tuples(st.just("the_network_changes"), st.fixed_dictionaries({"to": network})),
    st.tuples(st.just("somebody_deletes_a_lease"), st.fixed_dictionaries({"of": any_lease})),
    st.tuples(
        st.just("somebody_spoils_a_lease"),
        st.fixed_dictionaries({"of": any_lease, "text": st.just({})}),
    ),
    st.tuples(
        st.just("a_subnet_is_reserved"),
        st.fixed_dictionaries({"n": who, "i": number, "j": number, "good": st.booleans()}),
    ),
    st.tuples(st.just("flannel_renews"), st.fixed_dictionaries({"n": who})),
    st.tuples(st.just("flannel_takes"), st.fixed_dictionaries({"n": who, "i": which, "j": number})),
    st.tuples(
        st.just("flannel_writes_another_key_for_a_leased_subnet"),
        st.fixed_dictionaries({"n": who, "of": any_lease, "j": which}),
    ),
)


class Claims(RuleBasedStateMachine):
    """The store is judged by hand, after every call that any node makes."""

    def __init__(self) -> None:
        super().__init__()
        self.site = Site(QUARTERS[0])
        self.site.hosts = [
            Host(f"id-{n}", f"n{n}", f"192.0.2.{n + 1}", address6=f"fd00::{n + 1}")
            for n in range(HOSTS)
        ]
        self.judge = Judge(self.site)
        self.seen: dict[bytes, Entry] = {}  # the last lease of hostgwd at each key

    def _host(self, n: int) -> Host:
        return self.site.hosts[n]

    def _leases(self) -> list[Entry]:
        return [entry for key, entry in sorted(self.site.store.entries.items()) if name_in(key)]

    def _put(self, key: str, value: object, lease: int = 0) -> None:
        text = json.dumps(value).encode()
        self.site.store.commit_now([], [Put(f"{PREFIX}/{key}".encode(), text, lease)])

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

    @rule(n=who, renamed=st.booleans(), writes=st.integers(0, 2), event=events)
    def is_overtaken(
        self, n: int, renamed: bool, writes: int, event: tuple[str, dict[str, Any]]
    ) -> None:
        """Something happens between what a node sees and what it writes then, after some writes."""
        if renamed:
            self.is_renamed(n, "web" if self._host(n).node != "web" else "")
        self.starts(n)
        for _ in range(15):
            writes -= self._host(n).writes_next
            if writes < 0:
                break
            self.judge.advance(self._host(n))
        rule_name, given = event
        getattr(self, rule_name)(**given)
        self.goes_on(n, 2)

    @rule(n=who, other=who)
    def a_copy_runs(self, n: int, other: int) -> None:
        """While the one it was copied from is frozen for longer than its presence lives."""
        self.is_made_a_copy(n, other)
        self.freezes(other)
        self.site.pass_time(70)
        self.starts(n)
        self.goes_on(n, 12)
        self.thaws(other)

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

    @rule(n=who, other=who, families=st.sampled_from([(4,), (6,), (4, 6)]))
    def gets_the_address(self, n: int, other: int, families: tuple[int, ...]) -> None:
        self.site.crash(self._host(n))
        if 4 in families:
            self._host(n).address = self._host(other).address
        if 6 in families:
            self._host(n).address6 = self._host(other).address6

    @rule(n=who)
    def is_imaged_again(self, n: int) -> None:
        old = self._host(n)
        self.site.crash(old)
        self.site.hosts[n] = Host(f"{old.node_id}x", old.node, old.address, address6=old.address6)

    # -- people -------------------------------------------------------------------------------

    @rule(to=network)
    def the_network_changes(self, to: dict[str, Any]) -> None:
        self.site.configure(to)

    @rule(of=any_lease)
    def somebody_deletes_a_lease(self, of: int) -> None:
        if leases := self._leases():
            self.site.store.commit_now([], [Delete(leases[of % len(leases)].key)])

    @rule(of=any_lease)
    def somebody_puts_back_a_lease(self, of: int) -> None:
        """One that hostgwd wrote before, where now there is nothing."""
        there = [subnet for each in self._leases() for subnet in networks_in(name_in(each.key))]
        gone = [
            entry
            for key, entry in sorted(self.seen.items())
            if not any(
                one.version == other.version and one.overlaps(other)
                for one in networks_in(name_in(key))
                for other in there
            )
        ]
        if gone:
            entry = gone[of % len(gone)]
            self.site.store.commit_now([], [Put(entry.key, entry.value)])
            self.judge.restored.add((entry.key, self.site.store.revision))

    @rule(of=any_lease, text=st.sampled_from(["", {}, {"PublicIP": "192.0.2.999"}]))
    def somebody_spoils_a_lease(self, of: int, text: object) -> None:
        if leases := self._leases():
            key = leases[of % len(leases)].key.decode()
            self._put(key.removeprefix(f"{PREFIX}/"), text)

    @rule(i=which, rest=st.sampled_from(["-24x", "-024", "-24&FD00:5::-64", "-"]))
    def somebody_writes_a_key_that_is_no_subnet(self, i: int, rest: str) -> None:
        self._put(f"subnets/10.5.{i}.0{rest}", {})

    @rule(n=who, i=number, j=number, good=st.booleans())
    def a_subnet_is_reserved(self, n: int, i: int | None, j: int | None, good: bool) -> None:
        if name := pair(i, j):
            self.judge.foreign.add(name)
            self._put(f"hostgw/reservations/{name}", {"Node": self._host(n).node} if good else {})

    @precondition(lambda self: self.site.store.leases)
    @rule()
    def etcd_restarts(self) -> None:
        self.site.store.restart()

    # -- flannel ------------------------------------------------------------------------------

    @rule(n=who)
    def flannel_renews(self, n: int) -> None:
        """As flanneld renews and takes over: by its address, without any compare."""
        for entry in self._leases():
            if told(entry).get("PublicIP") == self._host(n).address:
                self._put_as_flannel(name_in(entry.key), n)
                return

    @rule(n=who, i=which, j=number)
    def flannel_takes(self, n: int, i: int, j: int | None) -> None:
        """Flannel chooses the two families apart, and may be late: whatever stands there."""
        self._put_as_flannel(pair(i, j), n)

    @rule(n=who, of=any_lease, j=which)
    def flannel_writes_another_key_for_a_leased_subnet(self, n: int, of: int, j: int) -> None:
        """Of both families where the lease is of one, and of one where it is of both."""
        leases = [name for each in self._leases() if "." in (name := name_in(each.key))]
        if leases:
            ipv4, both, _ = leases[of % len(leases)].partition("&")
            self._put_as_flannel(ipv4 if both else f"{ipv4}&{NAMES6[j]}", n)

    def _put_as_flannel(self, name: str, n: int) -> None:
        host = self._host(n)
        value = {
            "PublicIP": host.address,
            "PublicIPv6": host.address6 if ":" in name else None,
            "BackendType": "host-gw",
        }
        self.judge.foreign.add(name)
        self._put(f"subnets/{name}", value, self.site.store.grant_now(86400).id)

    # -- the laws -----------------------------------------------------------------------------

    @invariant()
    def no_two_leases_overlap(self) -> None:
        """Whatever happened, no two leases that hostgwd wrote share an address."""
        self.judge.no_overlap()
        self.seen |= {entry.key: entry for entry in self._leases() if told(entry).get("NodeID")}

    def teardown(self) -> None:
        """When every host is itself again, each has exactly one lease, and nobody writes more."""
        site = self.site
        for n, host in enumerate(site.hosts):
            site.crash(host)
            host.node_id, host.node = f"own-{n}", f"n{n}"
            host.address, host.address6 = f"192.0.2.{100 + n}", f"fd00::{100 + n}"
        site.pass_time(90_000)
        self._clear_all_but_one()
        for host in site.hosts:
            site.start(host)
        site.settle()
        for host in site.hosts:
            mine = [e for e in self._leases() if told(e).get("NodeID") == host.node_id]
            held = [networks_in(name_in(entry.key)) for entry in mine]
            assert host.claimant is not None
            assert held == [[*host.remembered]], host.claimant.state
            assert host.claimant.state.held
        quiet = site.store.revision
        site.settle(3)
        assert site.store.revision == quiet

    def _clear_all_but_one(self) -> None:
        """Leave one thing in the way: of four subnets three hosts can have one each."""
        kept = (
            f"{PREFIX}/subnets/",
            f"{PREFIX}/hostgw/subnets6/",
            f"{PREFIX}/hostgw/reservations/",
        )
        entries = self.site.store.entries.values()
        standing = [e for e in entries if e.key.decode().startswith(kept)]
        standing.sort(key=lambda entry: entry.modified)
        for entry in standing:
            if (
                entry is not standing[-1]
                or len(numbers_in(entry.key.decode().rpartition("/")[2])) > 1
            ):
                self.site.store.commit_now([], [Delete(entry.key)])


Claims.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestClaims = Claims.TestCase
