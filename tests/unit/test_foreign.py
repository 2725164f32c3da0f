"""Other people's routes at our destinations: what they do to ours, and how it is told."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from hostgw_daemon.kernel import ForeignRoute, Route, RouteForeign
from hostgw_daemon.routes.foreign import Effect, Foreign, cure, effect


def foreign(prefix="10.5.1.0/24", metric=0, *, gateway="172.16.0.66", protocol=3, table=254):
    """Write a foreign route by hand."""
    network = ip_network(prefix)
    packed = ip_address(gateway).packed if gateway else b""
    return ForeignRoute(
        network.network_address.packed, network.prefixlen, metric, protocol, packed, 2, table
    )


def ours(prefix="10.5.1.0/24", metric=1500, *, table=254):
    """Write a route of ours by hand."""
    network = ip_network(prefix)
    gateway = ip_address("172.16.0.4").packed
    return Route(network.network_address.packed, network.prefixlen, metric, gateway, 2, table)


OURS = ours()
PREFIXES = {(OURS.destination, OURS.length): OURS}


@pytest.mark.parametrize(
    ("stranger", "mine", "does"),
    [
        (foreign(metric=0), OURS, Effect.SHADOWS),
        (foreign(metric=1499), OURS, Effect.SHADOWS),
        (foreign(metric=1500), OURS, Effect.HOLDS),
        (foreign(metric=1501), OURS, Effect.NONE),
        (foreign(metric=0), None, Effect.NONE),
        (foreign(metric=0, table=100), OURS, Effect.NONE),
        (foreign(metric=0), ours(table=100), Effect.NONE),
    ],
)
def test_the_metric_says_what_a_foreign_route_does(stranger, mine, does):
    """A better metric shadows, the same one holds the key, a worse one or another table is fine."""
    assert effect(stranger, mine) is does


@pytest.mark.parametrize(
    ("stranger", "command"),
    [
        (foreign(), "ip route del 10.5.1.0/24 proto 3"),
        (foreign(metric=50, protocol=16), "ip route del 10.5.1.0/24 metric 50 proto 16"),
        (foreign("fd00::/64", 1024, gateway=""), "ip route del fd00::/64 metric 1024 proto 3"),
    ],
)
def test_the_cure_is_a_command(stranger, command):
    """What is told ends with what an administrator can type."""
    assert cure(stranger) == command


def harmful(*events):
    """Follow these notifications; give what harms us then."""
    seen = Foreign()
    for event in events:
        seen.heard(event)
    return seen.harmful(PREFIXES)


def came(route, *, took=False):
    """Say that a route came."""
    return RouteForeign(route, added=True, took=took)


def went(route):
    """Say that a route went."""
    return RouteForeign(route, added=False)


def test_notifications_are_followed():
    """What came is there until it goes; what we never heard of may go, too."""
    assert harmful(came(foreign())) == (foreign(),)
    assert harmful(came(foreign()), went(foreign())) == ()
    assert harmful(went(foreign())) == ()
    assert harmful(came(foreign()), came(foreign()), went(foreign())) == ()


def test_what_was_replaced_is_gone():
    """A replacement tells only of the new route: the old one of that key is forgotten."""
    old, new = foreign(metric=5), foreign(metric=5, gateway="172.16.0.67")
    other = foreign(metric=6)
    assert harmful(came(old), came(other), came(new, took=True)) == (new, other)
    assert harmful(came(old), came(new)) == (old, new)


def test_only_what_harms_is_told_in_order():
    """Destinations in their order; what only lies beside ours is not told."""
    low = ours("10.5.0.0/24")
    prefixes = {**PREFIXES, (low.destination, low.length): low}
    seen = Foreign()
    seen.replace([foreign(), foreign(metric=9999), foreign("10.5.0.0/24"), foreign("10.9.0.0/24")])
    assert seen.harmful(prefixes) == (foreign("10.5.0.0/24"), foreign())


def test_who_holds_our_very_key_is_told_from_who_comes_first():
    """The kernel has one route of a key: ours is not there, where another holds it."""
    seen = Foreign()
    holder = foreign(metric=ours().metric)
    seen.replace([foreign(), holder, foreign(metric=9999)])
    assert seen.harmful(PREFIXES) == (foreign(), holder)
    assert seen.holders(PREFIXES) == {holder}


def test_a_reading_replaces_what_was_heard():
    """What was just read is what there is."""
    seen = Foreign()
    seen.heard(came(foreign()))
    seen.replace([foreign(metric=7)])
    assert seen.harmful(PREFIXES) == (foreign(metric=7),)
    seen.replace([])
    assert seen.harmful(PREFIXES) == ()
