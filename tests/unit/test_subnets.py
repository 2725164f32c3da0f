from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from itertools import islice

import pytest

from hostgw_core.model import ClusterConfig, Pool, Subnets
from hostgw_core.subnets import (
    Taken,
    candidates,
    capacity,
    fits,
    index_of,
    inside,
    paired,
    subnet_at,
)

POOL4 = Pool(IPv4Network("10.5.0.0/16"), 24, IPv4Address("10.5.1.0"), IPv4Address("10.5.255.0"))
POOL6 = Pool(
    IPv6Network("fd00:5::/48"), 64, IPv6Address("fd00:5:0:1::"), IPv6Address("fd00:5:0:ffff::")
)
SMALL6 = Pool(
    IPv6Network("fd00::/60"), 64, IPv6Address("fd00:0:0:2::"), IPv6Address("fd00:0:0:4::")
)
ONLY4 = ClusterConfig(POOL4, None)
ONLY6 = ClusterConfig(None, POOL6)
DUAL = ClusterConfig(POOL4, POOL6)


def subnets(ipv4: str = "", ipv6: str = "") -> Subnets:
    """Make subnets of texts."""
    return Subnets(IPv4Network(ipv4) if ipv4 else None, IPv6Network(ipv6) if ipv6 else None)


def test_subnets_are_numbered_from_the_lowest():
    """Number 0 is SubnetMin, the last number is SubnetMax."""
    assert subnet_at(POOL4, 0) == IPv4Network("10.5.1.0/24")
    assert subnet_at(POOL4, 254) == IPv4Network("10.5.255.0/24")
    assert subnet_at(POOL6, 0xFFFE) == IPv6Network("fd00:5:0:ffff::/64")
    for index in (-1, 255):
        with pytest.raises(IndexError):
            subnet_at(POOL4, index)


@pytest.mark.parametrize(
    ("subnet", "index"),
    [
        ("10.5.1.0/24", 0),
        ("10.5.52.0/24", 51),
        ("10.5.255.0/24", 254),
        ("10.5.0.0/24", None),
        ("10.6.1.0/24", None),
        ("10.5.52.0/25", None),
        ("10.5.0.0/16", None),
        ("fd00:5:0:1::/64", None),
    ],
)
def test_only_the_pools_own_subnets_have_a_number(subnet: str, index: int | None):
    """Below the first, outside, of another length or family: no number."""
    assert index_of(POOL4, ip_network(subnet)) == index


def test_a_pool_may_begin_off_the_middle():
    """A subnet that is not a multiple of the length away from the first has no number."""
    pool = Pool(
        IPv4Network("10.5.0.0/16"), 24, IPv4Address("10.5.1.128"), IPv4Address("10.5.9.128")
    )
    assert index_of(pool, IPv4Network("10.5.2.0/24")) is None


def test_both_families_share_a_number():
    """The IPv6 subnet of a lease is a function of its IPv4 subnet."""
    assert paired(DUAL, 51) == subnets("10.5.52.0/24", "fd00:5:0:34::/64")
    assert paired(ONLY4, 51) == subnets("10.5.52.0/24")
    assert paired(ONLY6, 0xFFFE) == subnets(ipv6="fd00:5:0:ffff::/64")
    assert paired(ONLY4, 255) is None
    assert paired(DUAL, 255) is None
    assert paired(ONLY4, -1) is None


def test_the_smaller_pool_decides_how_many_nodes_there_can_be():
    """Where one pool ends, no pair is left."""
    config = ClusterConfig(POOL4, SMALL6)
    assert capacity(config) == 3
    assert paired(config, 2) == subnets("10.5.3.0/24", "fd00:0:0:4::/64")
    assert paired(config, 3) is None
    assert len(list(candidates(config, "x"))) == 3
    assert capacity(ONLY4) == 255
    assert capacity(ClusterConfig(None, None)) == 0
    assert list(candidates(ClusterConfig(None, None), "x")) == []


@pytest.mark.parametrize(
    ("config", "held", "word"),
    [
        (ONLY4, subnets("10.5.52.0/24"), None),
        (DUAL, subnets("10.5.52.0/24", "fd00:5:0:7::/64"), None),
        (ONLY6, subnets(ipv6="fd00:5:0:7::/64"), None),
        (ONLY4, subnets("10.5.0.0/24"), "10.5.1.0 to 10.5.255.0"),
        (ONLY4, subnets("10.6.52.0/24"), "10.5.1.0 to 10.5.255.0"),
        (ONLY4, subnets("10.5.52.0/25"), "is not a /24"),
        (ONLY4, subnets("10.5.52.0/24", "fd00:5:0:7::/64"), "has no IPv6"),
        (DUAL, subnets("10.5.52.0/24"), "an IPv6 subnet is missing"),
        (ONLY6, subnets("10.5.52.0/24"), "has no IPv4"),
        (DUAL, subnets("10.5.52.0/24", "fd00:6::/64"), "fd00:5:0:1:: to"),
    ],
)
def test_what_fits_is_flannels_rule(config: ClusterConfig, held: Subnets, word: str | None):
    """Families, length and range decide; a pair that flannel drew at random fits."""
    reason = fits(config, held)
    assert (reason is None) if word is None else (reason is not None and word in reason)


@pytest.mark.parametrize(
    ("config", "held", "expected"),
    [
        (ONLY4, subnets("10.5.0.0/24"), True),
        (ONLY4, subnets("10.5.52.0/30"), True),
        (ONLY4, subnets("10.5.0.0/16"), True),
        (ONLY4, subnets("10.4.0.0/15"), False),
        (ONLY4, subnets("0.0.0.0/0"), False),
        (ONLY4, subnets("10.6.0.0/24"), False),
        (ONLY4, subnets("10.5.1.0/24", "fd00:5::/64"), False),
        (DUAL, subnets("10.5.1.0/24", "fd00:5::/64"), True),
        (DUAL, subnets("10.5.1.0/24", "fd00:6::/64"), False),
        (DUAL, subnets("10.5.1.0/24"), True),
    ],
)
def test_inside_asks_for_the_network_only(config: ClusterConfig, held: Subnets, expected: bool):
    """A peer of another length or below SubnetMin is inside; one of another network is not."""
    assert inside(config, held) is expected


def test_nodes_begin_at_places_of_their_own():
    """A node always begins at the same place, and a thousand nodes begin all over the pool."""
    first = {next(candidates(ONLY4, f"node-{number}")) for number in range(1000)}
    assert len(first) > 200
    again = [list(islice(candidates(ONLY4, "node-1"), 5)) for _ in range(2)]
    assert again[0] == again[1]


def test_candidates_of_a_vast_pool_cost_nothing():
    """A pool of 2^62 subnets is walked lazily."""
    pool = Pool(
        IPv6Network("fd00::/64"),
        126,
        IPv6Address("fd00::4"),
        IPv6Address("fd00::ffff:ffff:ffff:fffc"),
    )
    found = list(islice(candidates(ClusterConfig(None, pool), "x"), 3))
    assert len({each.ipv6 for each in found}) == 3


def test_the_networks_in_use_answer_for_both_families():
    """Overlap is found in both directions of nesting, and never across families."""
    taken = Taken(
        map(ip_network, ("10.5.52.0/24", "10.6.0.0/16", "10.6.1.0/24", "10.6.0.0/16", "fd00::/64"))
    )
    assert len(taken) == 3
    assert taken.overlaps(IPv4Network("10.5.52.0/24")) == IPv4Network("10.5.52.0/24")
    assert taken.overlaps(IPv4Network("10.5.52.128/25")) == IPv4Network("10.5.52.0/24")
    assert taken.overlaps(IPv4Network("10.5.0.0/16")) == IPv4Network("10.5.52.0/24")
    assert taken.overlaps(IPv4Network("10.6.1.0/24")) == IPv4Network("10.6.0.0/16")
    assert taken.overlaps(IPv4Network("10.5.51.0/24")) is None
    assert taken.overlaps(IPv4Network("10.5.53.0/24")) is None
    assert taken.overlaps(IPv6Network("fd00::/48")) == IPv6Network("fd00::/64")
    assert taken.overlaps(IPv6Network("::/96")) is None
    assert Taken([]).overlaps(IPv4Network("0.0.0.0/0")) is None


def test_single_addresses_are_networks_too():
    """A /32 at the very end of a network, alone or inside it, is found and counted once."""
    end = IPv4Network("10.5.52.255/32")
    alone = Taken([end, end])
    assert len(alone) == 1
    assert alone.overlaps(end) == end
    assert alone.overlaps(IPv4Network("10.5.52.0/24")) == end
    assert alone.overlaps(IPv4Network("10.5.52.254/32")) is None
    assert len(Taken([IPv4Network("10.5.52.0/24"), end])) == 1
