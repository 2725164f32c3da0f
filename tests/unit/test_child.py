"""What must be done for the host's own child of the uplink: every expectation by hand."""

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostgw_core.model import Subnets
from hostgw_daemon.cni.child import (
    AddAddress,
    Adjust,
    Delete,
    DropAddress,
    Make,
    host_child,
    steps,
)
from hostgw_daemon.kernel import Child

IPV4, IPV6 = ip_interface("10.5.1.1/24"), ip_interface("fd00:5:0:1::1/64")
OTHER = ip_interface("10.5.9.1/24")
WANTED = Child("macvlan", 2, 1500, frozenset({IPV4, IPV6}))


def test_the_host_has_the_first_address_of_each_subnet():
    """The same addresses that a bridge would have, and that subnet.env names."""
    subnets = Subnets(IPv4Network("10.5.1.0/24"), IPv6Network("fd00:5:0:1::/64"))
    assert host_child("macvlan", parent=2, subnets=subnets, mtu=1500) == WANTED
    only = host_child("ipvlan", parent=7, subnets=Subnets(subnets.ipv4), mtu=1400)
    assert only == Child("ipvlan", 7, 1400, frozenset({IPV4}))


@pytest.mark.parametrize(
    ("seen", "wanted", "expected"),
    [
        (None, None, []),
        (WANTED, WANTED, []),
        (replace(WANTED, index=9), WANTED, []),  # its number is the kernel's choice
        (None, WANTED, [Make(WANTED), AddAddress(IPV4), AddAddress(IPV6)]),
        (WANTED, None, [Delete()]),
        (replace(WANTED, up=False), WANTED, [Adjust(1500)]),
        (replace(WANTED, mtu=1400), WANTED, [Adjust(1500)]),
        (replace(WANTED, addresses=frozenset({IPV4})), WANTED, [AddAddress(IPV6)]),
        (
            replace(WANTED, addresses=frozenset({OTHER, IPV6})),
            WANTED,
            [AddAddress(IPV4), DropAddress(OTHER)],
        ),
        (
            replace(WANTED, parent=3),
            WANTED,
            [Delete(), Make(WANTED), AddAddress(IPV4), AddAddress(IPV6)],
        ),
        (
            replace(WANTED, kind="ipvlan"),
            WANTED,
            [Delete(), Make(WANTED), AddAddress(IPV4), AddAddress(IPV6)],
        ),
    ],
)
def test_what_is_left_to_be_done(seen: Child | None, wanted: Child | None, expected: list[object]):
    """A link that can be changed is not made anew: containers talk through it."""
    assert list(steps(seen, wanted)) == expected


CHILDREN = st.none() | st.builds(
    Child,
    st.sampled_from(["macvlan", "ipvlan"]),
    st.integers(2, 3),
    st.sampled_from([1400, 1500]),
    st.frozensets(st.sampled_from([IPV4, IPV6, OTHER])),
    st.booleans(),
)


@given(CHILDREN, CHILDREN)
def test_after_the_steps_nothing_is_left(seen: Child | None, wanted: Child | None):
    """Whatever is there, doing as told gives what was wanted, in a kernel made of six lines."""
    if wanted is not None:
        wanted = replace(wanted, up=True)
    link = seen
    for step in steps(seen, wanted):
        match step:
            case Make(child):
                assert link is None
                link = replace(child, addresses=frozenset())
            case Delete():
                link = None
            case Adjust(mtu):
                assert link is not None
                link = replace(link, mtu=mtu, up=True)
            case AddAddress(address):
                assert link is not None
                assert address not in link.addresses
                link = replace(link, addresses=link.addresses | {address})
            case DropAddress(address):
                assert link is not None
                assert address in link.addresses
                link = replace(link, addresses=link.addresses - {address})
    assert link == wanted
