"""The claim's compares, one race each: two nodes against one store, call by call."""

from __future__ import annotations

import json
from ipaddress import IPv4Network

import pytest

from hostgw_core.model import Subnets
from hostgw_core.store import Delete, Put
from hostgw_daemon.claim.table import TABLE
from support.claim_site import PREFIX, Host, Site

FOUR = {"Network": "10.5.0.0/22", "SubnetLen": 24, "SubnetMin": "10.5.0.0"}
EIGHT = {**FOUR, "SubnetLen": 25}
ONE = {**FOUR, "SubnetMin": "10.5.2.0", "SubnetMax": "10.5.2.0"}
TWO = {**FOUR, "SubnetMin": "10.5.2.0", "SubnetMax": "10.5.3.0"}


def site_of(network: dict[str, object], *addresses: str) -> Site:
    """Give a site with a running host a at each address."""
    site = Site(network)
    for number, address in enumerate(addresses):
        host = Host(f"id-{number}", f"n{number}", address)
        site.hosts.append(host)
        site.start(host)
    return site


def step(site: Site, host: Host, *, times: int = 1) -> None:
    """Let whole steps be done."""
    for _ in range(times):
        while not site.advance(host):
            pass


def until_write(site: Site, host: Host) -> None:
    """Go on until a step stands before a commit that would write a lease, all having been read."""
    site.advance(host)  # before the list
    site.advance(host)  # before the grant
    site.advance(host)  # before the commit


def hold(site: Site, host: Host) -> str:
    """Let a host claim; give the key's last part."""
    step(site, host, times=4)
    assert host.claimant is not None
    assert host.claimant.state.lease is not None
    return host.claimant.state.lease.key.decode().rsplit("/", 1)[1]


def put(site: Site, key: str, address: str) -> None:
    """Write a lease as flanneld does."""
    value = {"PublicIP": address, "PublicIPv6": None, "BackendType": "host-gw"}
    grant = site.store.grant_now(86400)
    full = f"{PREFIX}/subnets/{key}".encode()
    site.store.commit_now([], [Put(full, json.dumps(value).encode(), grant.id)])


def test_two_nodes_that_want_one_subnet_get_two() -> None:
    """Of two nodes that saw the same subnet free, the second to write takes another one."""
    site = site_of(TWO)
    wanted = Subnets(IPv4Network("10.5.2.0/24"))
    one, two = Host("a", "a", "192.0.2.1", wanted), Host("b", "b", "192.0.2.2", wanted)
    for host in (one, two):
        site.hosts.append(host)
        site.start(host)
        step(site, host)  # announce
    for host in site.hosts:
        until_write(site, host)
    assert hold(site, two) == "10.5.2.0-24"
    assert hold(site, one) == "10.5.3.0-24"
    assert site.overlaps() == []
    assert one.claimant is not None
    assert two.claimant is not None
    assert [each.claimant.state.conflicts for each in (one, two)] == [1, 0]


@pytest.mark.parametrize("key", ["10.5.2.0-24", "10.5.2.0-24&fd00:5:0:2::-64"])
def test_a_subnet_taken_in_the_last_moment_is_left(key: str) -> None:
    """A key in the subnet's range, dual-stack or not, that came after the list stops the write."""
    site = site_of(ONE, "192.0.2.1")
    (host,) = site.hosts
    step(site, host)
    until_write(site, host)
    put(site, key, "192.0.2.77")
    step(site, host)
    assert list(site.leases()) == [key]
    assert site.leases()[key]["PublicIP"] == "192.0.2.77"


def test_a_subnet_is_never_taken_under_a_replaced_configuration() -> None:
    """A /24 chosen before SubnetLen became 25 is not written over the /25 that came since."""
    site = site_of(ONE, "192.0.2.1", "192.0.2.2")
    slow, quick = site.hosts
    step(site, slow)
    until_write(site, slow)
    site.configure({**EIGHT, "SubnetMin": "10.5.2.128", "SubnetMax": "10.5.2.128"})
    assert hold(site, quick) == "10.5.2.128-25"
    step(site, slow)
    assert list(site.leases()) == ["10.5.2.128-25"]


def test_a_reservation_made_in_the_last_moment_is_kept() -> None:
    """A subnet reserved for another node after the list is not taken."""
    site = site_of(ONE, "192.0.2.1")
    (host,) = site.hosts
    step(site, host)
    until_write(site, host)
    key = f"{PREFIX}/hostgw/reservations/10.5.2.0-24".encode()
    site.store.commit_now([], [Put(key, b'{"Node":"other","NodeID":""}')])
    step(site, host)
    assert site.leases() == {}


def test_a_deposed_process_writes_no_more() -> None:
    """A process that slept through its own deposition cannot take a subnet with what it read."""
    site = site_of(ONE, "192.0.2.1")
    (host,) = site.hosts
    step(site, host)
    until_write(site, host)
    asleep = host.step
    host.step = None
    assert asleep is not None
    site.start(host)  # another process of the same host
    step(site, host, times=2)  # it deposes the sleeper, and announces itself
    with pytest.raises(StopIteration) as woke:
        asleep.send(None)
    assert woke.value.value > 0  # lost: it waits and looks again
    assert site.leases() == {}


def test_a_key_that_changed_since_it_was_read_is_not_rewritten() -> None:
    """A node that corrects its own key loses to whoever wrote that key since."""
    site = site_of(FOUR, "192.0.2.1")
    (host,) = site.hosts
    key = hold(site, host)
    site.crash(host)
    host.node = "renamed"
    site.start(host)
    step(site, host, times=2)  # depose, announce
    site.advance(host)  # before the list
    site.advance(host)  # before the commit
    put(site, key, "192.0.2.99")
    step(site, host)
    assert site.leases()[key]["PublicIP"] == "192.0.2.99"


def test_two_copies_of_a_host_do_not_depose_each_other_for_ever() -> None:
    """The copy that came last goes on; the first one says that it has a double, and is silent."""
    site = site_of(FOUR, "192.0.2.1")
    (first,) = site.hosts
    hold(site, first)
    copy = Host(first.node_id, first.node, first.address)
    site.hosts.append(copy)
    site.start(copy)
    step(site, copy, times=4)
    written = site.store.revision
    site.settle(10)
    assert first.claimant is not None
    assert "duplicate_identity" in first.claimant.state.conditions
    assert site.store.revision == written


def test_a_newcomer_at_an_address_in_use_stays_without_a_subnet_and_tells_the_other() -> None:
    """The incumbent at an address keeps its lease; the newcomer names it and leaves a note."""
    site = site_of(FOUR, "192.0.2.1", "192.0.2.1")
    incumbent, newcomer = site.hosts
    key = hold(site, incumbent)
    step(site, newcomer, times=4)
    assert newcomer.claimant is not None
    assert "n0" in newcomer.claimant.state.conditions["duplicate_address"]
    assert site.leases()[key]["NodeID"] == incumbent.node_id
    assert len(site.leases()) == 1
    assert f"{PREFIX}/hostgw/disputes/id-0/id-1".encode() in site.store.entries


def test_a_dead_node_at_our_address_is_our_former_life() -> None:
    """A host that was imaged again takes the subnet of the node it was, once that is dead."""
    site = site_of(FOUR, "192.0.2.1")
    (old,) = site.hosts
    key = hold(site, old)
    site.crash(old)
    site.pass_time(70)  # its presence ends, its lease does not
    new = Host("id-new", "n0", "192.0.2.1")
    site.hosts.append(new)
    site.start(new)
    assert hold(site, new) == key
    assert site.leases()[key]["NodeID"] == "id-new"


def test_flannels_lease_is_adopted_on_a_grant_of_our_own() -> None:
    """A lease without NodeID at our address becomes ours; flannel's etcd lease is left alone."""
    site = site_of(FOUR, "192.0.2.1")
    (host,) = site.hosts
    put(site, "10.5.3.0-24", "192.0.2.1")
    flannels = site.store.entries[f"{PREFIX}/subnets/10.5.3.0-24".encode()].lease
    assert hold(site, host) == "10.5.3.0-24"
    ours = site.store.entries[f"{PREFIX}/subnets/10.5.3.0-24".encode()].lease
    assert ours not in (0, flannels)
    assert flannels in site.store.leases


def test_a_reservation_in_use_stays_without_an_etcd_lease() -> None:
    """A key that flannel's reservation left without an etcd lease is adopted as it is: for ever."""
    site = site_of(FOUR, "192.0.2.1")
    (host,) = site.hosts
    full = f"{PREFIX}/subnets/10.5.1.0-24".encode()
    value = b'{"PublicIP":"192.0.2.1","PublicIPv6":null,"BackendType":"host-gw"}'
    site.store.commit_now([], [Put(full, value)])
    assert hold(site, host) == "10.5.1.0-24"
    assert site.store.entries[full].lease == 0


@pytest.mark.parametrize("away", [5, 7200])
def test_the_same_subnet_again(away: int) -> None:
    """After a crash, and after its lease expired while it was off, a host has its subnet again."""
    site = site_of(FOUR, "192.0.2.1")
    (host,) = site.hosts
    key = hold(site, host)
    site.crash(host)
    site.pass_time(away)
    site.start(host)
    assert hold(site, host) == key


def test_a_plain_restart_writes_nothing_to_the_leases() -> None:
    """A restarted process keeps the etcd lease it finds: its key is not written again."""
    site = site_of(FOUR, "192.0.2.1")
    (host,) = site.hosts
    full = f"{PREFIX}/subnets/{hold(site, host)}".encode()
    before = site.store.entries[full]
    site.crash(host)
    site.start(host)
    hold(site, host)
    assert site.store.entries[full] == before


def test_an_own_key_that_is_deleted_is_put_back() -> None:
    """The same subnet is back in the next step, on the etcd lease that still lives."""
    site = site_of(FOUR, "192.0.2.1")
    (host,) = site.hosts
    full = f"{PREFIX}/subnets/{hold(site, host)}".encode()
    lease = site.store.entries[full].lease
    site.store.commit_now([], [Delete(full)])
    step(site, host)
    assert site.store.entries[full].lease == lease


def test_a_frozen_node_gives_way_to_the_one_that_took_its_subnet() -> None:
    """A node frozen past its TTL finds its subnet taken, takes another, and says so."""
    site = site_of(TWO, "192.0.2.1", "192.0.2.2")
    frozen, other = site.hosts
    key = hold(site, frozen)
    frozen.frozen = True
    site.pass_time(4000)
    put(site, key, "192.0.2.50")
    frozen.frozen = False
    site.pass_time(15)  # its renewals learn that the leases are gone
    site.settle(3)
    assert frozen.claimant is not None
    state = frozen.claimant.state
    assert state.lease is not None
    assert state.lease.key.decode().rsplit("/", 1)[1] != key
    assert str(state.moved_from.ipv4) == key.replace("-", "/")
    assert site.overlaps() == []
    assert other.claimant is not None


def test_no_free_subnet_is_said_and_ends_by_itself() -> None:
    """A node for which nothing is free says so, and claims when something becomes free."""
    site = site_of(ONE, "192.0.2.1")
    (host,) = site.hosts
    put(site, "10.5.2.0-24", "192.0.2.9")
    step(site, host, times=2)
    assert host.claimant is not None
    assert "subnets_exhausted" in host.claimant.state.conditions
    site.store.commit_now([], [Delete(f"{PREFIX}/subnets/10.5.2.0-24".encode())])
    assert hold(site, host) == "10.5.2.0-24"


def test_every_row_of_the_table_says_when_it_applies() -> None:
    """The table can be read: each row has its own sentence."""
    sentences = [row.when for row in TABLE]
    assert len(set(sentences)) == len(sentences) == 22
