from __future__ import annotations

import pytest

from hostgw_daemon.kernel import RouteLost, Verb, Verdict, Write
from hostgw_daemon.netlink.monitor import Monitor

pytestmark = pytest.mark.root


@pytest.mark.parametrize(
    ("commands", "kept", "told"),
    [
        (["link set u0 down"], set(), {6}),
        (["link set u0 down", "link set u0 up"], set(), {6}),
        (["link del u0"], set(), {6}),
        (["address del 172.16.0.1/16 dev u0"], {6}, set()),
        (["address del fd00::1/64 dev u0"], {4, 6}, set()),
        (["link set u1 down"], {4, 6}, set()),
        (["link set u0 mtu 1400"], {4, 6}, set()),
        (["link set u0 name v0"], {4, 6}, set()),
        (["link set u0 address 02:00:00:00:00:77"], {4, 6}, set()),
        (["link add br9 type bridge", "link set u0 master br9"], {4, 6}, set()),
    ],
    ids=lambda value: "; ".join(value) if isinstance(value, list) else None,
)
def test_what_an_event_takes_and_what_it_tells(underlay, kernel, *, commands, kept, told):
    """The kernel takes IPv4 routes without a word: only the link's or address's own event tells."""
    routes = {
        4: underlay.route("10.1.0.0/24", "172.16.0.2"),
        6: underlay.route("fd01::/64", "fd00::2"),
    }
    outcomes = kernel.write([Write(Verb.CREATE, route) for route in routes.values()])
    assert [outcome.verdict for outcome in outcomes] == [Verdict.CREATED] * 2
    with underlay.netns.enter():
        monitor = Monitor.open(echo_of=kernel.port_id)
    with monitor:
        for command in commands:
            underlay.netns.ip(*command.split())
        heard = monitor.read()
    assert heard
    assert {family for family in (4, 6) if kernel.routes(family)} == kept
    assert {event.route for event in heard if isinstance(event, RouteLost)} == {
        routes[family] for family in told
    }
