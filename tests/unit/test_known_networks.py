"""What is known of several networks together, and which routes may go by that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hostgw_core.keys import Keys
from hostgw_core.store import Header
from hostgw_core.view import Snapshot
from hostgw_daemon.routes.judgement import accept
from hostgw_daemon.routes.networks import Networks, Trust
from hostgw_daemon.routes.peers import Policy
from hostgw_daemon.routes.understanding import Understanding
from support.lease_world import config, route

RED = accept([], Policy(Keys("/p"), config("10.5.0.0/16"), "id-me"))
BLUE = accept([], Policy(Keys("/p/b"), config("10.6.0.0/16", ipv6="fd00:6::/48"), "id-me"))


def understood(roster, revision=7, **changes):
    """Make what is understood of a network."""
    return replace(Understanding(Snapshot(Header(1, revision, 1)), roster=roster), **changes)


@pytest.fixture
def known():
    """Know nothing of two networks yet."""
    return Networks(["red", "blue"])


def test_nothing_may_go_before_anything_was_read(known):
    """What is only remembered is no reason; nor is a network that has no configuration."""
    assert (known.rosters, known.revisions, known.families) == ((), {}, ())
    assert not known.trust
    known.take("red", understood(RED, headless=True))
    known.take("blue", understood(None))
    assert known.rosters == (RED,)
    assert not known.trust
    assert not known.trust.may_go(route("10.5.1.0/24", "172.16.0.2"))


@pytest.mark.parametrize(
    ("prefix", "goes"),
    [
        ("10.5.1.0/24", True),
        ("10.5.0.0/16", True),  # the route for what nobody has leased
        ("10.4.0.0/15", False),
        ("10.6.1.0/24", False),
        ("10.9.1.0/24", False),
        ("fd00:6:0:1::/64", False),
    ],
)
def test_what_leads_into_a_network_that_was_read_may_go(known, prefix, goes):
    """The rest waits for the other network, and goes when that was read, too."""
    gateway = "fd00::2" if ":" in prefix else "172.16.0.2"
    for other in (None, understood(None), understood(BLUE, headless=True)):
        if other is not None:
            known.take("blue", other)
        known.take("red", understood(RED))
        assert known.trust.may_go(route(prefix, gateway)) == goes
        assert known.trust
    known.take("blue", understood(BLUE))
    assert known.trust == replace(known.trust, whole=True)
    assert known.trust.may_go(route(prefix, gateway))


def test_one_network_is_trusted_as_it_was_read():
    """Alone, it is the whole or nothing."""
    known = Networks([""])
    known.take("", understood(RED, headless=True))
    assert not known.trust
    known.take("", understood(RED))
    assert known.trust.may_go(route("10.9.1.0/24", "172.16.0.2"))
    assert Trust().may_go(route("10.9.1.0/24", "172.16.0.2"))


def test_they_stand_in_the_order_of_their_names(known):
    """However they are read: the revision of each, and the families of all, then of each."""
    known.take("blue", understood(BLUE, 9))
    known.take("red", understood(RED, 7))
    assert known.rosters == (RED, BLUE)
    assert known.revisions == {"red": 7, "blue": 9}
    assert known.families == ((4, 6), (4,))
    with pytest.raises(KeyError):
        known.take("green", understood(RED))
