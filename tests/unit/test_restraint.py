"""A key of ours that somebody writes over, or deletes, as often as we put it right."""

from __future__ import annotations

import pytest

from hostgw_core.records import lease_value
from hostgw_core.store import Delete, Put
from hostgw_daemon.claim.claimant import Claimant
from hostgw_daemon.claim.restraint import FREE, QUIET
from support.claim_site import Host, Site

NETWORK = {"Network": "10.5.0.0/20", "SubnetLen": 24}


class Quarrel:
    """One host that holds a subnet, and somebody who answers each write of its key."""

    def __init__(self) -> None:
        self.site = Site(NETWORK)
        self.host = Host("id-0", "n0", "192.0.2.1")
        self.site.hosts.append(self.host)
        self.site.start(self.host)
        self.step(times=4)
        assert self.claimant.state.lease is not None
        self.key = self.claimant.state.lease.key
        self.answers: list[float] = []

    @property
    def claimant(self) -> Claimant:
        """The claimant of the host."""
        assert self.host.claimant is not None
        return self.host.claimant

    def step(self, *, times: int = 1) -> None:
        """Let whole steps be done."""
        for _ in range(times):
            while not self.site.advance(self.host):
                pass

    def go_on(self, seconds: float, *, delete: bool = False) -> None:
        """Interfere at each look, two a second, and note when the host put its key right."""
        flannels = lease_value(gateways=self.claimant._me.addresses)
        for _ in range(int(seconds * 2)):
            self.site.store.commit_now(
                [], [Delete(self.key) if delete else Put(self.key, flannels, lease=0)]
            )
            self.step()
            entry = self.site.store.entries.get(self.key)
            if entry is not None and entry.value != flannels:
                self.answers.append(self.site.time)
            self.site.time += 0.5


@pytest.fixture
def quarrel() -> Quarrel:
    """Give a host whose key is interfered with."""
    return Quarrel()


def test_a_key_that_is_written_over_each_time_is_put_right_ever_more_seldom(
    quarrel: Quarrel,
) -> None:
    """The first answers come at once; in an hour there are no more than thirty."""
    quarrel.go_on(3600)
    first, last = quarrel.answers[:FREE], quarrel.answers[-3:]
    assert first[-1] - first[0] == (FREE - 1) / 2
    assert last[-1] - last[-2] > 250
    assert FREE < len(quarrel.answers) < 30


def test_a_key_that_is_deleted_each_time_is_back_within_seconds(quarrel: Quarrel) -> None:
    """Without a key nobody has a route to us: ten seconds is the longest."""
    quarrel.go_on(600, delete=True)
    gaps = [b - a for a, b in zip(quarrel.answers, quarrel.answers[1:], strict=False)]
    assert 5 < max(gaps) <= 10.5
    assert len(quarrel.answers) < 160


def test_a_quarrel_is_a_condition_until_it_has_been_quiet(quarrel: Quarrel) -> None:
    """It is told while it lasts, and forgotten half an hour after the last answer."""
    quarrel.go_on(1.5)
    quarrel.step(times=2)
    assert quarrel.claimant.state.conditions == {}
    quarrel.go_on(60)
    assert "lease_disputed" in quarrel.claimant.state.conditions
    quarrel.site.pass_time(700)
    quarrel.step(times=2)
    assert "lease_disputed" in quarrel.claimant.state.conditions
    quarrel.site.pass_time(QUIET)
    quarrel.step(times=2)
    assert quarrel.claimant.state.conditions == {}
    assert quarrel.claimant.state.held


def test_another_key_is_nobodys_quarrel(quarrel: Quarrel) -> None:
    """A host that must take another subnet takes it at once."""
    quarrel.go_on(60, delete=True)
    taken = lease_value(gateways=quarrel.claimant._me.addresses, node="x", node_id="x")
    taken = taken.replace(b"192.0.2.1", b"192.0.2.9")
    quarrel.site.store.commit_now([], [Put(quarrel.key, taken)])
    quarrel.step(times=2)
    assert quarrel.claimant.state.lease is not None
    assert quarrel.claimant.state.lease.key != quarrel.key
