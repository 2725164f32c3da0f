"""What a claim is decided from: a listing that is understood, on values alone."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from hostgw_core.model import ClusterConfig
from hostgw_core.records import lease_value, presence_value, reservation_value
from hostgw_core.store import Entry, Header, Listing
from hostgw_daemon.claim.action import Wait
from hostgw_daemon.claim.shown import Shown, read_in
from hostgw_daemon.claim.sight import Sight, sight_of
from hostgw_daemon.claim.table import decide
from support.sights import CONFIG, HERE, KEYS, ME, THERE, subnets

NETWORK = b'{"Network":"10.5.0.0/16","SubnetLen":24,"Backend":{"Type":"host-gw"}}'


def entry(key: bytes, value: bytes, *, created: int = 3, modified: int = 4, on: int = 0) -> Entry:
    """Make an entry as it was listed."""
    return Entry(key, value, created, modified, 1, on)


def understood(*entries: Entry, last_good: ClusterConfig | None = None) -> Sight:
    """Understand a listing."""
    return sight_of(Listing(Header(1, 99, 2), entries), KEYS, ME, last_good)


def test_everything_that_is_listed_has_its_place():
    """Network, leases, reservations and presence, each with the revisions that compares need."""
    sight = understood(
        entry(KEYS.config, NETWORK, modified=40),
        entry(KEYS.lease(subnets(7)), lease_value(gateways=THERE, node_id="x"), modified=44, on=9),
        entry(KEYS.reservation(subnets(8)), reservation_value(node="web"), modified=45),
        entry(
            KEYS.node("me"),
            presence_value(instance="now", node="web", addresses=HERE),
            created=46,
            modified=47,
        ),
    )
    assert sight.config is not None
    assert (sight.config.revision, sight.config_gone) == (40, "")
    (held,) = sight.leases
    assert (held.node_id, held.modified, held.etcd_lease) == ("x", 44, 9)
    assert sight.occupied == (IPv4Network("10.5.7.0/24"),)
    assert [(r.node, r.modified) for r in sight.reservations] == [("web", 45)]
    assert sight.presence is not None
    assert (sight.presence.instance, sight.presence.created) == ("now", 46)


def test_a_lease_that_cannot_be_read_still_holds_its_subnet():
    """Its key says which; a key that says nothing holds nothing."""
    sight = understood(
        entry(KEYS.lease(subnets(7)), b"nonsense"), entry(KEYS.subnets.start + b"what", b"{}")
    )
    assert sight.leases == ()
    assert sight.occupied == (IPv4Network("10.5.7.0/24"),)
    assert KEYS.lease(subnets(7)) in [each.key for each in sight.spoilt]


def test_a_lease_of_another_backend_is_a_lease():
    """What is in quarantine is still its owner's, and nobody else's."""
    value = lease_value(gateways=HERE, backend="quarantine", node_id="me")
    (held,) = understood(entry(KEYS.lease(subnets(7)), value)).leases
    assert held.backend == "quarantine"


def test_a_presence_that_cannot_be_read_is_a_strangers():
    """It is not ours, whatever it is: nobody deposes what he does not understand."""
    sight = understood(entry(KEYS.config, NETWORK), entry(KEYS.node("me"), b"nonsense"))
    assert sight.presence is not None
    assert decide(sight) == Wait("identity_unsure", "? at no address runs under our node id me")


@pytest.mark.parametrize("value", [None, b"{}", b"nonsense"])
def test_the_last_good_network_stays_in_force(value: bytes | None):
    """A network that is deleted or spoilt is said, and the one before still judges what is held."""
    entries = [entry(KEYS.config, value)] if value is not None else []
    sight = understood(*entries, last_good=CONFIG)
    assert sight.config == CONFIG
    assert sight.config_gone
    assert understood(*entries).config is None


def test_what_was_read_is_compared_with_what_is_shown():
    """The network by its last write, our presence by its creation, both at the list's revision."""
    listing = Listing(
        Header(1, 99, 2),
        (
            entry(KEYS.node("me"), b"", created=7, modified=9),
            entry(KEYS.node("other"), b"", created=8),
            entry(KEYS.config, b"", created=2, modified=5),
        ),
    )
    assert read_in(listing, KEYS, ME) == Shown(99, config=5, presence=7)
    assert read_in(Listing(Header(1, 99, 2), ()), KEYS, ME) == Shown(99)


@pytest.mark.parametrize(
    ("before", "after", "breaks"),
    [
        (None, Shown(5), False),
        (Shown(5), Shown(5), False),
        (Shown(5), Shown(6), False),
        (Shown(5), Shown(4), True),
        (Shown(5), Shown(9, broken=True), True),
        (Shown(5, broken=True), Shown(9, broken=True), False),
    ],
)
def test_another_history_is_seen(before: Shown | None, after: Shown, breaks: bool):
    """Revisions that go back, or a view that says so: what was read is no measure any more."""
    assert after.breaks_with(before) is breaks


def test_a_network_that_another_one_of_this_node_has_is_no_network():
    """No subnet of it is taken; a lease that is held in the one before stays held."""
    listing = Listing(Header(1, 99, 2), (entry(KEYS.config, NETWORK),))
    sight = sight_of(listing, KEYS, ME, elsewhere=lambda config: f"{config.ipv4.network} is red's")
    assert (sight.config, sight.config_gone) == (None, "10.5.0.0/16 is red's")
    assert decide(sight) == Wait("no_config", "10.5.0.0/16 is red's")
    kept = sight_of(listing, KEYS, ME, CONFIG, elsewhere=lambda _config: "it is red's")
    assert (kept.config, kept.config_gone) == (CONFIG, "it is red's")
