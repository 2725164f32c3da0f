"""The law of the listeners, and what is fitted to counts, by numbers worked out by hand."""

from ipaddress import IPv4Address

import pytest
from bench.broadcast import fit
from bench.broadcast.cost import Cost
from bench.broadcast.counting import Count
from bench.broadcast.frames import announcement, parse
from bench.broadcast.law import Arrangement, Audience, audience
from bench.samples import Samples

BRIDGE, MACVLAN, ROUTED = Arrangement

NOBODY = Audience(0, 0, 0)
MAC = bytes.fromhex("02000af40102")


def counted(arrangement, hosts, containers, stacks):
    """A start that so many stacks heard."""
    heard = Audience(stacks, stacks, stacks)
    return Count(arrangement, hosts, containers, heard, heard, heard, ())


@pytest.mark.parametrize(
    ("arrangement", "hosts", "containers", "stacks", "interfaces"),
    [
        (BRIDGE, 1, 1, 1, 2),  # its host; the port and the bridge
        (BRIDGE, 2, 2, 5, 7),
        (BRIDGE, 100, 100, 10_099, 10_199),
        (MACVLAN, 1, 1, 0, 0),  # not even its host
        (MACVLAN, 2, 2, 4, 4),
        (MACVLAN, 100, 100, 10_098, 10_098),
        (ROUTED, 1, 1, 1, 2),
        (ROUTED, 2, 2, 2, 3),
        (ROUTED, 100, 100, 100, 101),
    ],
)
def test_the_law_says_who_must_hear(arrangement, hosts, containers, stacks, interfaces):
    """Each interface once."""
    assert audience(arrangement, hosts, containers) == Audience(stacks, interfaces, interfaces)


def test_a_start_is_lawful_only_when_both_broadcasts_are_heard_by_exactly_those():
    """One listener fewer, or one frame twice, is not; a question asked again is."""
    five = Audience(5, 7, 7)
    assert Count(BRIDGE, 2, 2, NOBODY, five, five, ()).lawful
    assert Count(BRIDGE, 2, 2, NOBODY, five, Audience(5, 7, 14), ()).lawful
    assert not Count(BRIDGE, 2, 2, NOBODY, five, Audience(4, 7, 7), ()).lawful
    assert not Count(BRIDGE, 2, 2, NOBODY, Audience(5, 7, 8), five, ()).lawful


def test_the_fit_finds_the_law_that_made_the_counts():
    """3 HC + 2 H - C + 5, at sizes that it was not shown."""
    counts = [
        counted(BRIDGE, hosts, containers, 3 * hosts * containers + 2 * hosts - containers + 5)
        for hosts in (2, 4, 7)
        for containers in (5, 9)
    ]
    found = fit.listeners([*counts, counted(ROUTED, 2, 2, 999)], BRIDGE)
    assert found is not None
    assert (found.product, found.hosts, found.containers, found.constant) == pytest.approx(
        (3, 2, -1, 5)
    )
    assert found.at(100, 100) == 30_105
    assert found.residual < 1e-9


def test_a_count_beside_the_law_is_seen_in_the_residual():
    """One listener too many somewhere."""
    counts = [
        counted(BRIDGE, hosts, containers, hosts * containers + (hosts == containers == 2))
        for hosts in (2, 3, 4)
        for containers in (2, 3, 4)
    ]
    found = fit.listeners(counts, BRIDGE)
    assert found is not None
    assert 0.1 < found.residual < 1


def test_too_few_sizes_give_no_fit():
    """Four unknowns, and sizes that lie on a line."""
    counts = [counted(BRIDGE, hosts, 5, 6 * hosts - 1) for hosts in range(1, 9)]
    assert fit.listeners(counts, BRIDGE) is None
    assert fit.listeners([], BRIDGE) is None


def test_the_cost_is_a_line_over_the_listeners():
    """2 us and 1 us a listener; a straggler in one round moves no median."""
    costs = [
        Cost(BRIDGE, 1, stacks, stacks, Samples.of([2e-6 + stacks * 1e-6] * 2 + [1.0]))
        for stacks in (5, 20, 200)
    ]
    line = fit.cost(costs)
    assert line is not None
    assert (line.own, line.listener) == pytest.approx((2e-6, 1e-6))
    assert line.at(10_099) == pytest.approx(0.010101)
    assert fit.cost(costs[:1]) is None


def test_an_announcement_asks_everybody_for_the_senders_own_address():
    """RFC 5227, 2.3; the least length of an Ethernet frame, byte for byte."""
    frame = announcement(MAC, IPv4Address("10.244.1.2"))
    assert frame.hex() == (
        "ffffffffffff" "02000af40102" "0806"
        "0001" "0800" "06" "04" "0001"
        "02000af40102" "0af40102" "000000000000" "0af40102"
    ) + "00" * 18  # fmt: skip
    read = parse(frame)
    assert read == (MAC, IPv4Address("10.244.1.2"), IPv4Address("10.244.1.2"))


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        announcement(MAC, IPv4Address("10.244.1.2"))[:41],
        MAC + announcement(MAC, IPv4Address("10.244.1.2"))[6:],  # to one alone
        announcement(MAC, IPv4Address("10.244.1.2")).replace(b"\x08\x06", b"\x86\xdd", 1),
    ],
)
def test_what_is_no_arp_broadcast_is_not_taken_for_one(frame):
    """Cut short, to one host alone, or of another protocol."""
    assert parse(frame) is None
