"""The MTU of containers: what was asked for where that can be, the link's where it cannot."""

import pytest

from hostgw_core.model import Family
from hostgw_daemon.kernel import Link
from hostgw_daemon.link.mtu import Mtu, container_mtu


def link(mtu: int) -> Link:
    """Make an uplink."""
    return Link(2, "eth0", mtu, up=True, carrier=True)


@pytest.mark.parametrize(
    ("asked", "mtu", "families", "value"),
    [
        (0, 1500, (4,), 1500),
        (0, 9000, (4, 6), 9000),
        (1450, 1500, (4,), 1450),
        (1500, 1500, (4,), 1500),  # the link's own, said
        (68, 1500, (4,), 68),
        (1280, 1500, (6,), 1280),
        (1280, 1280, (4, 6), 1280),
        (0, 1400, (), 1400),
    ],
)
def test_an_mtu_that_can_be(asked: int, mtu: int, families: tuple[Family, ...], value: int):
    """It is had, and there is no trouble."""
    assert container_mtu(asked, link(mtu), families) == Mtu(value)


@pytest.mark.parametrize(
    ("asked", "mtu", "families", "trouble"),
    [
        (
            1501,
            1500,
            (4,),
            "an MTU of 1501 was asked for and eth0 carries 1500 at most: containers get 1500",
        ),
        (
            67,
            1500,
            (4,),
            "an MTU of 67 was asked for and IPv4 needs 68 at least: containers get 1500",
        ),
        (
            1279,
            1500,
            (4, 6),
            "an MTU of 1279 was asked for and IPv6 needs 1280 at least: containers get 1500",
        ),
        (0, 1279, (6,), "eth0 has an MTU of 1279, and IPv6 needs 1280 at least"),
        (1400, 1000, (4, 6), "eth0 has an MTU of 1000, and IPv6 needs 1280 at least"),
    ],
)
def test_an_mtu_that_cannot_be(asked: int, mtu: int, families: tuple[Family, ...], trouble: str):
    """Containers have the link's, and the sentence names both and the reason."""
    assert container_mtu(asked, link(mtu), families) == Mtu(mtu, trouble)
