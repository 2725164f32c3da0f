from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from hostgw_core.model import ClusterConfig, IPNetwork, Pool, Subnets
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


@st.composite
def pools4(draw: st.DrawFn) -> Pool:
    """Draw an IPv4 pool of at most 64 subnets, anywhere, with any bounds."""
    bits = draw(st.integers(2, 6))
    length = draw(st.integers(bits, 30))
    place = draw(st.integers(0, 2 ** (length - bits) - 1))
    base = place << (32 - length + bits)
    low = draw(st.integers(0, 2**bits - 1))
    high = draw(st.integers(low, 2**bits - 1))
    size = 1 << (32 - length)
    return Pool(
        IPv4Network((base, length - bits)),
        length,
        IPv4Address(base + low * size),
        IPv4Address(base + high * size),
    )


@st.composite
def pools6(draw: st.DrawFn) -> Pool:
    """Draw an IPv6 pool, sometimes a vast one."""
    bits = draw(st.integers(2, 62))
    length = draw(st.integers(bits, 126))
    base = draw(st.integers(0, 2 ** (length - bits) - 1)) << (128 - length + bits)
    low = draw(st.integers(0, 2**bits - 1))
    high = draw(st.integers(low, 2**bits - 1))
    size = 1 << (128 - length)
    return Pool(
        IPv6Network((base, length - bits)),
        length,
        IPv6Address(base + low * size),
        IPv6Address(base + high * size),
    )


configs = st.one_of(
    st.builds(ClusterConfig, pools4(), st.none()),
    st.builds(ClusterConfig, pools4(), pools6()),
    st.builds(ClusterConfig, st.none(), pools6()),
)


def by_hand(pool: Pool) -> Iterator[IPNetwork]:
    """List a pool's subnets the slow way, with nothing but ipaddress."""
    for subnet in pool.network.subnets(new_prefix=pool.length):
        if pool.first <= subnet.network_address <= pool.last:  # type: ignore[operator]  # one family
            yield subnet


@given(pools4())
def test_a_small_pool_is_what_ipaddress_lists(pool: Pool):
    """Numbers and subnets are those of the slow list, and nothing else has a number."""
    expected = list(by_hand(pool))
    assert pool.size == len(expected)
    assert [subnet_at(pool, index) for index in range(pool.size)] == expected
    for subnet in pool.network.subnets(new_prefix=pool.length):
        index = expected.index(subnet) if subnet in expected else None
        assert index_of(pool, subnet) == index


@given(pools4() | pools6(), st.data())
def test_a_number_leads_to_a_subnet_and_back(pool: Pool, data: st.DataObject):
    """index_of(subnet_at(i)) is i, in pools of any size."""
    index = data.draw(st.integers(0, pool.size - 1))
    subnet = subnet_at(pool, index)
    assert index_of(pool, subnet) == index
    assert subnet.subnet_of(pool.network)  # type: ignore[arg-type]  # of one family


@given(configs, st.text(max_size=40))
def test_candidates_are_each_once_and_fit(config: ClusterConfig, node_id: str):
    """Everything that may be leased comes once, fits, and lies inside."""
    found = list(islice(candidates(config, node_id), 200))
    assert len(found) == len(set(found)) == min(capacity(config), 200)
    for subnets in found:
        assert fits(config, subnets) is None
        assert inside(config, subnets)
        pool = config.ipv4 or config.ipv6
        subnet = subnets.ipv4 or subnets.ipv6
        assert pool is not None
        assert subnet is not None
        index = index_of(pool, subnet)
        assert index is not None
        assert paired(config, index) == subnets
    if config.ipv4 is not None and config.ipv6 is None:
        assert {subnets.ipv4 for subnets in found} == set(by_hand(config.ipv4))


@given(configs, configs, st.data())
def test_what_fits_is_inside(config: ClusterConfig, other: ClusterConfig, data: st.DataObject):
    """Subnets of one configuration that fit another one lie inside its networks too."""
    subnets = paired(other, data.draw(st.integers(0, capacity(other) - 1)))
    assert subnets is not None
    assert fits(config, subnets) is not None or inside(config, subnets)
    oracle = all(
        pool is not None and subnet.subnet_of(pool.network)
        for subnet, pool in ((subnets.ipv4, config.ipv4), (subnets.ipv6, config.ipv6))
        if subnet is not None
    )
    assert inside(config, subnets) == oracle


crowded4 = st.builds(
    lambda number, length: ip_network(
        (0x0A000000 + number >> (32 - length) << (32 - length), length)
    ),
    st.integers(0, 4096),
    st.integers(8, 32),
)
crowded6 = st.builds(
    lambda number, length: ip_network(
        ((0xFD << 120) + number >> (128 - length) << (128 - length), length)
    ),
    st.integers(0, 4096),
    st.integers(100, 128),
)
crowded = st.one_of(crowded4, crowded6)


@given(st.lists(crowded, max_size=30), st.lists(crowded, min_size=1, max_size=30))
def test_overlaps_are_those_of_comparing_every_pair(
    networks: list[IPNetwork], asked: list[IPNetwork]
):
    """The quick answer is the slow one, and names a network that was put in."""
    taken = Taken(networks)
    for network in asked:
        found = taken.overlaps(network)
        slow = [
            each for each in networks if each.version == network.version and each.overlaps(network)
        ]
        assert (found is not None) == bool(slow)
        assert found is None or found in slow


@given(pools4(), st.data())
def test_a_claim_finds_the_free_subnets(pool: Pool, data: st.DataObject):
    """Candidates less what is taken are exactly the free ones of the slow list."""
    everything = list(by_hand(pool))
    held = data.draw(st.lists(st.sampled_from(everything), unique=True))
    taken = Taken(held)
    config = ClusterConfig(pool, None)
    free = [
        subnets
        for subnets in candidates(config, "node")
        if all(taken.overlaps(subnet) is None for subnet in subnets)
    ]
    assert {subnets.ipv4 for subnets in free} == set(everything) - set(held)
    assert all(isinstance(subnets, Subnets) for subnets in free)
