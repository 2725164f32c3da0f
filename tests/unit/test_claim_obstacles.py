"""What stands where a claim wants to write: it goes elsewhere, and never over somebody else."""

from __future__ import annotations

import json
from ipaddress import IPv4Network, IPv6Network

import pytest

from hostgw_core.model import Subnets
from hostgw_core.store import Put
from support.claim_site import PREFIX, Host, Site

TWO = {"Network": "10.5.0.0/22", "SubnetLen": 24, "SubnetMin": "10.5.2.0", "SubnetMax": "10.5.3.0"}
FOUR = {**TWO, "SubnetMin": "10.5.0.0"}
IPV6 = {"EnableIPv6": True, "IPv6Network": "fd00:5::/62", "IPv6SubnetMin": "fd00:5::"}
WANTED = Subnets(IPv4Network("10.5.2.0/24"))
BOTH = Subnets(WANTED.ipv4, IPv6Network("fd00:5:0:2::/64"))


def put(site: Site, key: str, value: object) -> None:
    """Write a key below the prefix, as a person does."""
    site.store.commit_now([], [Put(f"{PREFIX}/{key}".encode(), json.dumps(value).encode())])


def flannels(host: Host) -> dict[str, object]:
    """Give what flannel writes on a host, for both families."""
    addresses = {"PublicIP": host.address, "PublicIPv6": host.address6 or None}
    return {**addresses, "BackendType": "host-gw"}


def host_of(site: Site, remembered: Subnets = WANTED, *, number: int = 1) -> Host:
    """Give a running host that wants this subnet before any other."""
    made = Host(f"id-{number}", f"n{number}", f"192.0.2.{number}", remembered, f"fd00::{number}")
    site.hosts.append(made)
    site.start(made)
    return made


def hold(site: Site, host: Host) -> str:
    """Let a host claim; give the key's last part."""
    for _ in range(5):
        while not site.advance(host):
            pass
    assert host.claimant is not None
    assert host.claimant.state.lease is not None, host.claimant.state
    return host.claimant.state.lease.key.decode().rsplit("/", 1)[1]


@pytest.mark.parametrize("name", ["10.5.2.0-024", "10.5.2.0-24x", "10.5.2.0-24&FD00:5::-64"])
def test_a_key_that_names_no_subnet_costs_the_one_it_begins_like(name: str) -> None:
    """No claim can be sure of that subnet: the next one is taken, and not this tried for ever."""
    site = Site(TWO)
    put(site, f"subnets/{name}", {})
    assert hold(site, host_of(site)) == "10.5.3.0-24"


def test_a_reservation_that_cannot_be_read_keeps_its_subnet() -> None:
    """Whoever it is for: it is taken for somebody else's, and not tried for ever."""
    site = Site(TWO)
    put(site, "hostgw/reservations/10.5.2.0-24", "for the database")
    assert hold(site, host_of(site)) == "10.5.3.0-24"


@pytest.mark.parametrize("names", [["10.5.2.0-24"], ["10.5.2.0-24", "10.5.2.0-25"]])
def test_a_reservation_of_ours_for_less_than_the_lease_is_ours_all_the_same(
    names: list[str],
) -> None:
    """One of IPv4 alone or of another length does not keep its own node from the subnet."""
    site = Site({**FOUR, **IPV6})
    for name in names:
        put(site, f"hostgw/reservations/{name}", {"Node": "n1"})
    assert hold(site, host_of(site, BOTH)) == "10.5.2.0-24&fd00:5:0:2::-64"


@pytest.mark.parametrize(
    ("before", "held", "name"),
    [
        ({}, WANTED, "10.5.2.0-24&fd00:5:0:2::-64"),
        (IPV6, BOTH, "10.5.3.0-24&fd00:5:0:2::-64"),
    ],
)
def test_flannels_record_is_not_adopted_where_another_node_holds_a_part_of_it(
    before: dict[str, object], held: Subnets, name: str
) -> None:
    """By another key for one subnet, or in one family: what a node holds is not shared."""
    site = Site({**FOUR, **before})
    hold(site, host_of(site, held))
    site.configure({**FOUR, **IPV6})
    second = host_of(site, number=2)
    put(site, f"subnets/{name}", flannels(second))
    assert hold(site, second) != name
    assert site.overlaps() == []


def test_our_own_key_is_not_put_right_where_another_node_holds_a_part_of_it() -> None:
    """What nobody can read is nobody's, and so is what another key leased in the meantime."""
    site = Site({**FOUR, **IPV6})
    assert hold(site, host_of(site, BOTH, number=2)) == "10.5.2.0-24&fd00:5:0:2::-64"
    site.configure(TWO)
    put(site, "subnets/10.5.2.0-24", {})
    assert hold(site, host_of(site)) == "10.5.3.0-24"
    assert site.overlaps() == []


def test_a_reservation_that_came_before_ours_in_order_is_seen_too() -> None:
    """The range of the reservations is compared whole: ours as it was, and nothing around it."""
    site = Site({**FOUR, **IPV6})
    host = host_of(site, BOTH)
    put(site, "hostgw/reservations/10.5.2.0-24&fd00:5:0:2::-64", {"Node": "n1"})
    while not host.about.endswith(b"10.5.2.0-24&fd00:5:0:2::-64"):
        site.advance(host)
    put(site, "hostgw/reservations/10.5.2.0-24", {"Node": "another"})
    site.advance(host)
    assert site.leases() == {}


def test_a_key_that_cannot_be_read_is_somebodys_where_flannels_record_overlaps_it() -> None:
    """Its node will put it right: until then another key for the same subnet is not adopted."""
    site = Site({**FOUR, **IPV6})
    put(site, "subnets/10.5.2.0-24&fd00:5:0:2::-64", {})
    second = host_of(site, Subnets(), number=2)
    put(site, "subnets/10.5.3.0-24&fd00:5:0:2::-64", flannels(second))
    assert hold(site, second) != "10.5.3.0-24&fd00:5:0:2::-64"
    assert site.leases()["10.5.3.0-24&fd00:5:0:2::-64"].get("NodeID", "") == ""


def test_a_process_that_was_deposed_says_nothing_more_in_its_presence() -> None:
    """What stands under the node id is the one's that announced itself since."""
    site = Site(TWO)
    host = host_of(site)
    presence = f"{PREFIX}/hostgw/nodes/{host.node_id}".encode()
    while host.about != presence or not site.leases():
        site.advance(host)
    twin = host_of(site)
    for _ in range(7):  # it reads, deposes, reads and announces itself
        site.advance(twin)
    announced = site.store.entries[presence]
    assert twin.instance in announced.value.decode()
    site.advance(host)
    assert site.store.entries[presence] == announced
