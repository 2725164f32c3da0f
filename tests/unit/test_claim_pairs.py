"""Pairs that flannel drew: an IPv6 subnet beside an IPv4 subnet that it does not belong to.

Whoever takes the pair that it belongs to compares another range of keys, and so does whoever
remembers it beside yet another IPv4 subnet.
"""

from __future__ import annotations

import json

import pytest

from hostgw_core.model import Subnets
from hostgw_core.store import Put
from support.claim_networks import QUARTERS, networks_in, pair
from support.claim_site import PREFIX, Host, Site

DUAL = QUARTERS[1]
DRAWN, DRAWN_TOO, BELONGS = pair(0, 3), pair(1, 3), pair(3, 3)
MARK = f"{PREFIX}/hostgw/reservations/fd00:5:0:3::-64".encode()


def host_of(site: Site, number: int, name: str = "") -> Host:
    """Give a host that is announced and remembers these subnets."""
    remembered = Subnets(*networks_in(name)) if name else Subnets()  # type: ignore[arg-type]  # of both families
    made = Host(f"id-{number}", f"n{number}", f"192.0.2.{number}", remembered, f"fd00::{number}")
    site.hosts.append(made)
    site.start(made)
    while not site.advance(made):
        pass
    return made


def until_write(site: Site, host: Host) -> None:
    """Go on until the host stands before a write."""
    while not host.about:
        site.advance(host)


def put(site: Site, name: str, host: Host) -> None:
    """Write a lease as flannel does on a host."""
    value = {"PublicIP": host.address, "PublicIPv6": host.address6, "BackendType": "host-gw"}
    grant = site.store.grant_now(86400)
    key = f"{PREFIX}/subnets/{name}".encode()
    site.store.commit_now([], [Put(key, json.dumps(value).encode(), grant.id)])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("other", [DRAWN_TOO, BELONGS])
def test_two_that_remember_one_ipv6_subnet_do_not_both_get_it(other: str, order: tuple[int, ...]):
    """Both saw it free; the one that writes first has it, and the other takes another pair."""
    site = Site(DUAL)
    hosts = [host_of(site, 1, DRAWN), host_of(site, 2, other)]
    for host in hosts:
        until_write(site, host)
    for number in order:
        site.advance(hosts[number])
    site.settle(3)
    assert site.overlaps() == []
    assert len(site.leases()) == 2
    first = hosts[order[0]]
    assert site.leases()[(DRAWN, other)[order[0]]]["NodeID"] == first.node_id


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_pair_is_not_adopted_while_its_ipv6_subnet_is_taken(order: tuple[int, ...]):
    """Neither sees the other: flannel's record came after the one looked, and before the other."""
    site = Site(DUAL)
    taker = host_of(site, 1, BELONGS)
    until_write(site, taker)
    adopter = host_of(site, 2)
    put(site, DRAWN, adopter)
    until_write(site, adopter)
    for number in order:
        site.advance((adopter, taker)[number])
    site.settle(3)
    assert site.overlaps() == []


def test_a_pair_that_was_drawn_is_kept_over_the_loss_of_its_key():
    """The reservation that was written with it is the node's own, and ends with its etcd lease."""
    site = Site(DUAL)
    host = host_of(site, 1)
    put(site, DRAWN, host)
    site.settle(3)
    lease = site.store.entries[f"{PREFIX}/subnets/{DRAWN}".encode()]
    mark = site.store.entries[MARK]
    assert json.loads(mark.value)["NodeID"] == host.node_id
    assert mark.lease == lease.lease != 0
    site.store.revoke_now(lease.lease)
    assert MARK not in site.store.entries
    site.settle(3)
    assert list(site.leases()) == [DRAWN]
    assert MARK in site.store.entries


def test_a_pair_that_belongs_together_needs_no_reservation():
    """Its one range of keys says all."""
    site = Site(DUAL)
    host_of(site, 1, BELONGS)
    site.settle(3)
    assert list(site.leases()) == [BELONGS]
    assert MARK not in site.store.entries
