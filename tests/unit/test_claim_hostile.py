"""A claim among records that somebody wrote to hinder it: one bad key costs one subnet at most."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, Subnets
from hostgw_core.records import lease_value, presence_value
from hostgw_core.store import Entry, Header, Listing
from hostgw_core.subnets import candidates
from hostgw_daemon.claim.action import Hold
from hostgw_daemon.claim.sight import Me, sight_of
from hostgw_daemon.claim.table import decide

KEYS = Keys("/p")
HERE = Addresses(IPv4Address("192.0.2.1"))
THERE = Addresses(IPv4Address("192.0.2.2"))
ME = Me("me", "web", "now", addresses=HERE)
NETWORK = b'{"Network":"10.5.0.0/16","SubnetLen":24,"Backend":{"Type":"host-gw"}}'
LEASE = lease_value(gateways=THERE, node_id="other")


def claimed(*records: tuple[str, bytes]) -> Subnets:
    """Give what is claimed beside records, each at a path below the prefix."""
    presence = presence_value(instance="now", node="web", addresses=HERE)
    entries = [
        Entry(key, value, 3, 4, 1, 0)
        for key, value in (
            (KEYS.config, NETWORK),
            (KEYS.node("me"), presence),
            *((f"/p/{path}".encode(), value) for path, value in records),
        )
    ]
    listing = Listing(Header(1, 99, 2), tuple(sorted(entries, key=lambda entry: entry.key)))
    action = decide(sight_of(listing, KEYS, ME))
    assert isinstance(action, Hold)
    return action.subnets


def first_two() -> list[Subnets]:
    """Give the subnets that this node would like best."""
    config = sight_of(
        Listing(Header(1, 9, 2), (Entry(KEYS.config, NETWORK, 3, 4, 1, 0),)), KEYS, ME
    )
    assert config.config is not None
    wanted = candidates(config.config, "me")
    return [next(wanted), next(wanted)]


@pytest.mark.parametrize("name", ["0.0.0.0-0", "10.0.0.0-8", "10.5.0.0-16", "10.5.0.0-17"])
def test_a_lease_of_the_whole_network_keeps_nobody_from_claiming(name: str):
    """What is too much for any node is nobody's: it takes no subnet from others."""
    assert claimed((f"subnets/{name}", LEASE)) == first_two()[0]


@pytest.mark.parametrize("rest", ["33", "24x", "", "16", "24&fd00::-999"])
def test_a_key_that_says_nothing_costs_the_subnet_it_begins_with(rest: str):
    """The write that takes a subnet wants no key there: it would fail for ever."""
    best, second = first_two()
    assert isinstance(best.ipv4, IPv4Network)
    stuck = f"subnets/{best.ipv4.network_address}-{rest}"
    assert claimed((stuck, LEASE)) == second


@pytest.mark.parametrize("value", [b"nonsense", b"{}", b""])
def test_a_reservation_that_cannot_be_read_keeps_its_subnet(value: bytes):
    """Nobody knows whom it is for: the next subnet is taken, and the claim does not hang."""
    best, second = first_two()
    name = str(best).replace("/", "-")
    assert claimed((f"hostgw/reservations/{name}", value)) == second
    assert claimed((f"hostgw/reservations/{name}x", value)) == second
