"""A lease that is lost, and a network that is: what a running claim does, step by step."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hostgw_core.store import Delete, Put
from hostgw_core.view import Snapshot
from hostgw_daemon.claim.claimant import Claimant
from support.claim_site import PREFIX, Host, Site

NETWORK = {"Network": "10.5.0.0/20", "SubnetLen": 24}
VXLAN = {**NETWORK, "Backend": {"Type": "vxlan"}}


def step(site: Site, host: Host, *, times: int = 4) -> None:
    """Let whole steps be done."""
    for _ in range(times):
        while not site.advance(host):
            pass


def held(host: Host) -> Claimant:
    """Give the claimant of a host that runs."""
    assert host.claimant is not None
    return host.claimant


def show(site: Site, host: Host) -> None:
    """Show the store to the claimant as the view does."""
    listing = site.store.list_now(site.keys.subnets)
    config = site.store.entries.get(site.keys.config)
    entries = {each.key: each for each in (*listing.entries, *([config] if config else []))}
    held(host).saw(Snapshot(listing.header, entries))


@pytest.fixture
def site() -> Site:
    """One host that holds a subnet."""
    site = Site(NETWORK)
    site.hosts.append(Host("id-0", "n0", "192.0.2.1"))
    site.start(site.hosts[0])
    step(site, site.hosts[0])
    show(site, site.hosts[0])
    step(site, site.hosts[0])
    return site


def test_a_deleted_key_is_a_loss_until_it_is_back(site: Site) -> None:
    """The state says which subnet was lost, from the moment that the store itself has said so."""
    host, claimant = site.hosts[0], held(site.hosts[0])
    lease = claimant.state.lease
    assert lease is not None
    site.store.commit_now([], [Delete(lease.key)])
    show(site, host)
    site.advance(host)  # before the list
    assert claimant.state.held
    site.advance(host)  # before the commit that takes it again
    assert (claimant.state.held, claimant.state.lost) == (False, lease.subnets)
    step(site, host)
    assert claimant.state.lease is not None
    assert (claimant.state.lease.subnets, [*claimant.state.lost]) == (lease.subnets, [])
    assert (claimant.state.retaken, claimant.state.conflicts) == (1, 0)


def test_a_view_without_our_key_is_no_loss(site: Site) -> None:
    """A watch is in order within a span, not between spans: a newer revision may lack our key."""
    host, claimant = site.hosts[0], held(site.hosts[0])
    lease = claimant.state.lease
    assert lease is not None
    header = site.store.list_now(site.keys.subnets).header
    later = replace(header, revision=header.revision + 1)
    config = site.store.entries[site.keys.config]
    claimant.saw(Snapshot(later, {config.key: config}))
    assert claimant.state.held
    assert claimant._wake.rung
    step(site, host)
    assert (claimant.state.lease, [*claimant.state.lost]) == (lease, [])
    assert claimant.state.retaken == 0


async def test_a_change_of_the_network_is_looked_at(site: Site) -> None:
    """A lease that the new network does not have stays, with a condition."""
    host, claimant = site.hosts[0], held(site.hosts[0])
    site.configure({"Network": "10.6.0.0/16"})
    show(site, host)
    step(site, host, times=1)
    assert claimant.state.held
    assert list(claimant.state.conditions) == ["outside_config"]


@pytest.mark.parametrize("network", [VXLAN, None])
def test_a_network_that_is_gone_takes_nothing_away(
    site: Site, network: dict[str, object] | None
) -> None:
    """What is held stays held; what is lost then is not taken again before there is a network."""
    host, claimant = site.hosts[0], held(site.hosts[0])
    lease = claimant.state.lease
    assert lease is not None
    if network is None:
        site.store.commit_now([], [Delete(site.keys.config)])
    else:
        site.store.commit_now([], [Put(site.keys.config, json.dumps(network).encode())])
    step(site, host)
    assert (claimant.state.lease, claimant.state.conditions) == (lease, {})
    site.store.commit_now([], [Delete(lease.key)])
    step(site, host)
    assert site.leases() == {}
    assert list(claimant.state.conditions) == ["no_config"]
    assert claimant.state.lost == lease.subnets
    site.configure(NETWORK)
    step(site, host)
    assert claimant.state.lease is not None
    assert claimant.state.lease.subnets == lease.subnets


def test_nonsense_at_our_key_is_put_right_unless_it_changes_meanwhile(site: Site) -> None:
    """The write compares the nonsense that was read: whoever comes first with sense has it."""
    host, claimant = site.hosts[0], held(site.hosts[0])
    lease = claimant.state.lease
    assert lease is not None
    name = lease.key.decode().removeprefix(f"{PREFIX}/subnets/")
    site.store.commit_now([], [Put(lease.key, b"{")])
    site.advance(host)  # before the list
    site.advance(host)  # before the commit
    theirs = {"PublicIP": "192.0.2.2", "PublicIPv6": None, "BackendType": "host-gw"}
    site.store.commit_now([], [Put(lease.key, json.dumps(theirs).encode())])
    step(site, host)
    assert site.leases()[name] == theirs
    assert claimant.state.moved_from == lease.subnets
    moved = claimant.state.lease
    assert moved is not None
    site.store.commit_now([], [Put(moved.key, b"{")])
    step(site, host)
    assert claimant.state.lease is not None
    assert (claimant.state.lease.subnets, claimant.state.how) == (moved.subnets, "put right")
