from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

import pytest

from hostgw_core.keys import Keys, is_node_id, quoted
from hostgw_core.model import Refusal, Subnets
from hostgw_core.store import Span

KEYS = Keys("/coreos.com/network")
V4 = Subnets(IPv4Network("10.5.52.0/24"))
DUAL = Subnets(IPv4Network("10.5.52.0/24"), IPv6Network("fd00:5:0:1::/64"))
V6 = Subnets(ipv6=IPv6Network("fd00:5:0:1::/64"))


def test_everything_lies_where_flannel_and_the_documents_say():
    """The keys under the usual prefix are the ones that etcdctl users type."""
    assert KEYS.config == b"/coreos.com/network/config"
    assert KEYS.subnets == Span(b"/coreos.com/network/subnets/", b"/coreos.com/network/subnets0")
    assert KEYS.subnets6.start == b"/coreos.com/network/hostgw/subnets6/"
    assert KEYS.reservations.start == b"/coreos.com/network/hostgw/reservations/"
    assert KEYS.nodes.start == b"/coreos.com/network/hostgw/nodes/"
    assert KEYS.node("d9428888-122b") == b"/coreos.com/network/hostgw/nodes/d9428888-122b"


@pytest.mark.parametrize(
    ("subnets", "key"),
    [
        (V4, b"/coreos.com/network/subnets/10.5.52.0-24"),
        (DUAL, b"/coreos.com/network/subnets/10.5.52.0-24&fd00:5:0:1::-64"),
        (V6, b"/coreos.com/network/hostgw/subnets6/fd00:5:0:1::-64"),
        (
            Subnets(IPv4Network("10.5.52.0/30"), IPv6Network("fd00::/126")),
            b"/coreos.com/network/subnets/10.5.52.0-30&fd00::-126",
        ),
    ],
)
def test_a_lease_has_one_key_and_the_key_says_the_lease(subnets: Subnets, key: bytes):
    """Naming and reading are inverse, in flannel's spelling."""
    assert KEYS.lease(subnets) == key
    assert KEYS.subnets_of(key) == subnets


@pytest.mark.parametrize(
    ("prefix", "config"),
    [
        ("/coreos.com/network/", b"/coreos.com/network/config"),
        ("//a//b//", b"/a/b/config"),
        ("a", b"a/config"),
        ("/", b"/config"),
    ],
)
def test_slashes_of_the_prefix_are_tolerated(prefix: str, config: bytes):
    """A slash at the end, or doubled ones, name the same prefix, as in flannel's path.Join."""
    assert Keys(prefix).config == config
    assert Keys(prefix) == Keys(Keys(prefix).prefix)


@pytest.mark.parametrize(
    "name",
    [
        b"",
        b"10.5.52.0",
        b"10.5.52.0-",
        b"10.5.52.0/24",
        b"10.5.52.0-33",
        b"10.5.52.1-24",
        b"10.5.52.0-024",
        b"10.05.52.0-24",
        b"10.5.52.00-24",
        b"10.5.256.0-24",
        b"10x5x52x0-24",
        b"10.5.52.0-24 ",
        b" 10.5.52.0-24",
        b"10.5.52.0-24\n",
        b"x10.5.52.0-24",
        b"sub/10.5.52.0-24",
        b"10.5.52.0-24&",
        b"10.5.52.0-24&fd00::",
        b"10.5.52.0-24&fd00::-129",
        b"10.5.52.0-24&fd00::1-64",
        b"10.5.52.0-24&FD00::-64",
        b"10.5.52.0-24&fd00:0:0:0::-64",
        b"10.5.52.0-24&fd00::-064",
        b"10.5.52.0-24&fd00::-64&fd01::-64",
        b"10.5.52.0-24&:::::-64",
        b"fd00::-64",
        "\u0661\u0660.5.52.0-24".encode(),  # digits to Unicode
        b"\xff\xfe",
        b"10.5.52.0-24\x00",
    ],
)
def test_any_other_spelling_is_refused(name: bytes):
    """A subnet has one key: what flannel's open regular expression lets pass is refused here."""
    refusal = KEYS.subnets_of(KEYS.subnets.start + name)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "malformed_key"
    assert refusal.key == KEYS.subnets.start + name


@pytest.mark.parametrize(
    "key",
    [
        b"/coreos.com/network/subnetsX/10.5.52.0-24",
        b"/coreos.com/network/subnets",
        b"/other/subnets/10.5.52.0-24",
        b"/coreos.com/network/hostgw/subnets6/10.5.52.0-24",
        b"/coreos.com/network/hostgw/subnets6/10.5.52.0-24&fd00::-64",
        b"",
    ],
)
def test_a_lease_lies_in_its_own_place_only(key: bytes):
    """A subnet's name elsewhere, or one family's name at the other's place, is no lease."""
    assert isinstance(KEYS.subnets_of(key), Refusal)


def test_a_refusal_names_the_usual_spelling():
    """Who wrote fd00:0::-64 by hand learns how it is spelled."""
    refusal = KEYS.subnets_of(KEYS.subnets6.start + b"fd00:0:0:0::-64")
    assert isinstance(refusal, Refusal)
    assert "the usual spelling of that subnet is fd00::" in refusal.detail


def test_a_block_holds_every_key_of_its_subnet_and_no_other():
    """The range that a claim compares meets dual-stack keys and other lengths, not neighbours."""
    block = KEYS.block(V4)
    assert block == Span(KEYS.subnets.start + b"10.5.52.0-", KEYS.subnets.start + b"10.5.52.0.")
    assert KEYS.lease(V4) in block
    assert KEYS.lease(DUAL) in block
    assert KEYS.subnets.start + b"10.5.52.0-25" in block
    assert KEYS.subnets.start + b"10.5.53.0-24" not in block
    assert KEYS.subnets.start + b"10.5.52.0" not in block
    assert KEYS.subnets.start + b"110.5.52.0-24" not in block
    assert KEYS.block(DUAL) == block


def test_the_block_of_ipv6_alone_lies_where_flannel_does_not_look():
    """For a cluster of IPv6 alone the range is the same thing under subnets6."""
    block = KEYS.block(V6)
    assert KEYS.lease(V6) in block
    assert KEYS.lease(Subnets(ipv6=IPv6Network("fd00:5:0:2::/64"))) not in block
    assert block.start.startswith(KEYS.subnets6.start)


def test_reservations_are_named_like_leases():
    """The same spelling, under hostgw/reservations/, for all three kinds."""
    for subnets in (V4, DUAL, V6):
        key = KEYS.reservation(subnets)
        assert key.startswith(b"/coreos.com/network/hostgw/reservations/")
        assert KEYS.reserved_by(key) == subnets
        assert key in KEYS.reservation_block(subnets)
    assert isinstance(KEYS.reserved_by(KEYS.lease(V4)), Refusal)
    assert isinstance(KEYS.reserved_by(KEYS.reservations.start + b"x"), Refusal)


def test_nothing_has_no_key():
    """To name no subnet is a programmer's error."""
    for name in (KEYS.lease, KEYS.reservation, KEYS.block, KEYS.reservation_block):
        with pytest.raises(ValueError, match="no subnet"):
            name(Subnets())


@pytest.mark.parametrize("text", ["", "a/b", "a b", "-a", ".", "..", "ä", "a" * 254, "a\n"])
def test_a_node_id_is_a_short_word(text: str):
    """What could leave its place, or not be typed, is no node id."""
    assert not is_node_id(text)
    with pytest.raises(ValueError, match="not a node id"):
        KEYS.node(text)
    assert isinstance(KEYS.node_of(KEYS.nodes.start + text.encode()), Refusal)


def test_a_foreign_text_is_quoted_short_and_printable():
    """An escape sequence or a megabyte in a key does not reach the terminal."""
    assert quoted(b"\x1b[31mred\xff\n") == r"'\x1b[31mred\\xff\n'"
    assert len(quoted("x" * 1_000_000)) < 200
    assert len(quoted(b"\xff" * 1_000_000)) < 200
