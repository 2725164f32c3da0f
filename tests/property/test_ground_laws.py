"""Who holds which subnet, against a plain list that is searched from end to end."""

from __future__ import annotations

from ipaddress import ip_network

import hypothesis.strategies as st
from hypothesis import given, settings

from hostgw_daemon.routes.ground import Ground

WHOLE = {4: ip_network("10.5.0.0/16"), 6: ip_network("fd00:5::/48")}
LENGTHS = {4: (16, 20, 24, 27, 32), 6: (48, 56, 64, 128)}


@st.composite
def subnets(draw):
    """Draw a subnet of either family."""
    family = draw(st.sampled_from([4, 4, 4, 6]))
    whole, length = WHOLE[family], draw(st.sampled_from(LENGTHS[family]))
    number = draw(st.integers(0, min(1 << (length - whole.prefixlen), 4096) - 1))
    first = int(whole.network_address) + (number << (whole.max_prefixlen - length))
    return type(whole)((first, length))


def searched(held, subnet):
    """Find everybody who holds a part of it, one by one."""
    return [
        (other, key)
        for other, key in held
        if other.version == subnet.version and other.overlaps(subnet)
    ]


def step(ground, held, subnet):
    """Take it if it is free, else let its holders go; say the same of both."""
    there = searched(held, subnet)
    if not there:
        key = str(subnet).encode()
        ground.take(subnet, key)
        return [*held, (subnet, key)]
    for other, _ in there:
        ground.free(other)
    return [each for each in held if each not in there]


@given(st.integers(0, 600), st.lists(subnets(), max_size=25), st.lists(subnets(), max_size=10))
@settings(max_examples=100, deadline=None)
def test_the_ground_is_what_a_search_finds(many, acts, asked):
    """However many there are, whatever is taken and freed, and every copy by itself."""
    ground, held = Ground(), []
    for subnet in list(WHOLE[4].subnets(new_prefix=26))[:many]:
        held.append((subnet, str(subnet).encode()))
        ground.take(*held[-1])
    before, was_held = ground.copy(), held
    for subnet in acts:
        held = step(ground, held, subnet)
    for one, those in ((ground, held), (before, was_held)):
        for subnet in (*asked, *acts):
            found = sorted(searched(those, subnet), key=lambda each: each[0].network_address)
            assert one.holder(subnet) == (found[-1][1] if found else None)
