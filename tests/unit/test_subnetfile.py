"""subnet.env, byte by byte as flannel writes it."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostgw_core.model import ClusterConfig, Pool, Subnets
from hostgw_daemon.disk.subnetfile import parse_subnet_env, subnet_env

NETWORK4 = Pool(ip_network("10.5.0.0/16"), 24, ip_address("10.5.1.0"), ip_address("10.5.255.0"))
NETWORK6 = Pool(
    ip_network("fd00:5::/48"), 64, ip_address("fd00:5:0:1::"), ip_address("fd00:5:0:ffff::")
)
SUBNET4 = IPv4Network("10.5.34.0/24")
SUBNET6 = IPv6Network("fd00:5:0:1::/64")


def test_ipv4_as_flannel_writes_it():
    """The four lines of flannel's file, in its order, with the bridge's address as the subnet."""
    config = ClusterConfig(NETWORK4, None)
    assert subnet_env(config, Subnets(SUBNET4), mtu=1500, ipmasq=False) == (
        b"FLANNEL_NETWORK=10.5.0.0/16\n"
        b"FLANNEL_SUBNET=10.5.34.1/24\n"
        b"FLANNEL_MTU=1500\n"
        b"FLANNEL_IPMASQ=false\n"
    )


def test_both_families_as_flannel_writes_them():
    """IPv6 comes between IPv4 and the MTU, under names of its own."""
    config = ClusterConfig(NETWORK4, NETWORK6)
    assert subnet_env(config, Subnets(SUBNET4, SUBNET6), mtu=9000, ipmasq=True) == (
        b"FLANNEL_NETWORK=10.5.0.0/16\n"
        b"FLANNEL_SUBNET=10.5.34.1/24\n"
        b"FLANNEL_IPV6_NETWORK=fd00:5::/48\n"
        b"FLANNEL_IPV6_SUBNET=fd00:5:0:1::1/64\n"
        b"FLANNEL_MTU=9000\n"
        b"FLANNEL_IPMASQ=true\n"
    )


@pytest.mark.parametrize(
    ("config", "subnets"),
    [
        (ClusterConfig(NETWORK4, NETWORK6), Subnets(SUBNET4)),
        (ClusterConfig(NETWORK4, None), Subnets(SUBNET4, SUBNET6)),
    ],
)
def test_a_family_needs_the_network_and_the_lease(config: ClusterConfig, subnets: Subnets):
    """A family that only one of the two has is left out, never half written."""
    assert b"IPV6" not in subnet_env(config, subnets, mtu=1500, ipmasq=False)


def test_what_was_written_is_read_back():
    """The address of the bridge leads back to the subnet."""
    subnets = Subnets(SUBNET4, SUBNET6)
    written = subnet_env(ClusterConfig(NETWORK4, NETWORK6), subnets, mtu=1500, ipmasq=True)
    assert parse_subnet_env(written) == subnets


@pytest.mark.parametrize(
    "content",
    [
        b'# by hand\r\nexport FLANNEL_SUBNET="10.5.34.1/24"\r\n',
        b"FLANNEL_SUBNET='10.5.34.7/24'\nFLANNEL_NEW_THING=7\n=\n",
        b"FLANNEL_IPV6_SUBNET=::g/64\n FLANNEL_SUBNET = 10.5.34.1/24\nFLANNEL_IPV6_SU",
    ],
)
def test_a_file_written_by_hand_is_read(content: bytes):
    """Quotes, export, blanks, unknown names and other line ends are no obstacle."""
    assert parse_subnet_env(content) == Subnets(SUBNET4)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"FLANNEL_SUBNET=",
        b"FLANNEL_SUBNET=10.5.34.1",
        b"FLANNEL_SUBNET=10.5.34.1/24x",
        b"\xff\x00FLANNEL_SUBNET=10.5.34.1/24",
    ],
)
def test_a_torn_file_says_nothing(content: bytes):
    """A value cut short is no subnet: least of all one of another length."""
    assert parse_subnet_env(content) == Subnets()


@given(st.binary())
def test_no_bytes_raise(content: bytes):
    """Whatever lies there, reading it gives a value."""
    parse_subnet_env(content)
