"""The audit of a census, against answers that were worked out by hand or by brute force."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address, ip_network

from hypothesis import given, settings
from hypothesis import strategies as st

from hostgw_controller.audit import KINDS, REASONS, audit
from hostgw_controller.census import Census, census_of
from hostgw_controller.occupancy import occupancy_of
from hostgw_core.keys import Keys
from hostgw_core.model import ClusterConfig, Pool, Subnets
from hostgw_core.store import Entry

KEYS = Keys("/coreos.com/network")
CONFIG = '{"Network": "10.5.0.0/16", "SubnetLen": 24, "Backend": {"Type": "host-gw"}}'


def entry(key: str, value: str, *, modified: int = 1) -> Entry:
    """Give a key below the prefix with its value."""
    return Entry(f"/coreos.com/network/{key}".encode(), value.encode(), 1, modified, 1, 0)


def lease(name: str, address: str, *, backend: str = "host-gw", node: str = "") -> Entry:
    """Give a lease as flannel or a node of ours writes it."""
    return entry(
        f"subnets/{name}",
        f'{{"PublicIP":"{address}","PublicIPv6":null,"BackendType":"{backend}","Node":"{node}"}}',
    )


def census(*entries: Entry, config: str = CONFIG) -> Census:
    """Give the census of a store with these entries and a configuration."""
    return census_of(KEYS, [entry("config", config), *entries])


def test_a_sound_cluster_has_no_findings() -> None:
    """Leases that lie apart, each with an address of its own, are nothing to speak of."""
    found = audit(census(lease("10.5.1.0-24", "192.0.2.1"), lease("10.5.2.0-24", "192.0.2.2")))
    assert found.findings == ()
    assert found.leases == 2


def test_an_overlap_names_both_keys_and_both_owners() -> None:
    """Two keys whose subnets nest are one finding, whichever comes first."""
    found = audit(
        census(
            lease("10.5.16.0-20", "192.0.2.1", node="wide"),
            lease("10.5.17.0-24", "192.0.2.2", node="narrow"),
            lease("10.5.32.0-24", "192.0.2.3", node="apart"),
        )
    )
    (overlap,) = found.of("overlap")
    assert overlap.keys == (
        b"/coreos.com/network/subnets/10.5.16.0-20",
        b"/coreos.com/network/subnets/10.5.17.0-24",
    )
    assert "10.5.16.0/20 of wide and 10.5.17.0/24 of narrow" in overlap.sentence


def test_one_subnet_under_a_plain_and_a_dual_stack_key_is_an_overlap() -> None:
    """A dual-stack key is another key for the same IPv4 subnet."""
    found = audit(
        census(lease("10.5.1.0-24", "192.0.2.1"), lease("10.5.1.0-24&fd00::-64", "192.0.2.2"))
    )
    assert [len(finding.keys) for finding in found.of("overlap")] == [2]


def test_an_unreadable_record_still_takes_its_subnet() -> None:
    """A record without a sensible value is refused, overlaps, and is not free."""
    found = audit(
        census(entry("subnets/10.5.1.0-24", "?"), lease("10.5.1.0-24&fd00::-64", "192.0.2.2"))
    )
    assert found.refused == {"malformed_value": 1}
    assert len(found.of("overlap")) == 1
    assert found.occupancy.leased == 1


def test_a_shared_address_is_one_finding_with_all_its_leases() -> None:
    """Three leases behind one address are one duplicate address."""
    found = audit(
        census(
            lease("10.5.1.0-24", "192.0.2.9", node="a"),
            lease("10.5.2.0-24", "192.0.2.9", node="b"),
            lease("10.5.3.0-24", "192.0.2.9"),
            lease("10.5.4.0-24", "192.0.2.4"),
        )
    )
    (duplicate,) = found.of("duplicate_address")
    assert duplicate.subject == "192.0.2.9"
    assert len(duplicate.keys) == 3
    assert "10.5.1.0/24 (a) and 10.5.2.0/24 (b) and 10.5.3.0/24 (192.0.2.9)" in duplicate.sentence


def test_a_lease_in_quarantine_shares_its_former_address_with_nobody() -> None:
    """Quarantine keeps the subnet taken and makes no finding."""
    found = audit(
        census(
            lease("10.5.1.0-24", "192.0.2.9", backend="quarantine"),
            lease("10.5.2.0-24", "192.0.2.9"),
        )
    )
    assert found.findings == ()
    assert found.occupancy.leased == 2


def test_a_lease_that_lacks_ipv6_is_named_as_what_it_is() -> None:
    """No subnet, or no address: IPv4 alone is routed to, and neither node need be drained."""
    both = CONFIG.replace("{", '{"EnableIPv6": true, "IPv6Network": "fd00:5::/48", ', 1)
    found = audit(
        census(
            lease("10.5.1.0-24", "192.0.2.1", node="without"),
            lease("10.5.2.0-24&fd00:5:0:2::-64", "192.0.2.2", node="nowhere"),
            entry(
                "subnets/10.5.3.0-24&fd00:5:0:3::-64",
                '{"PublicIP":"192.0.2.3","PublicIPv6":"2001:db8::3","BackendType":"host-gw"}',
            ),
            config=both,
        )
    )
    assert [each.kind for each in found.findings] == ["partial", "partial"]
    without, nowhere = (each.sentence for each in found.findings)
    assert "routed to without: an IPv6 subnet is missing" in without
    assert "routed to nowhere: it names no IPv6 address for fd00:5:0:2::/64" in nowhere


def test_another_backend_and_a_subnet_outside_are_named() -> None:
    """A node that nobody routes to, and one that the configuration has left behind, are told."""
    found = audit(
        census(
            lease("10.5.1.0-24", "192.0.2.1", backend="vxlan"),
            lease("10.6.1.0-24", "192.0.2.2"),
        )
    )
    assert [finding.kind for finding in found.findings] == ["outside_config", "other_backend"]
    assert "10.6.1.0/24 is not one of the /24 from 10.5.1.0 to 10.5.255.0" in (
        found.findings[0].sentence
    )


def test_a_missing_configuration_is_told_once_and_a_wrong_one_as_such() -> None:
    """Nothing is counted as free while nobody knows what there is."""
    missing = audit(census_of(KEYS, []))
    assert [finding.kind for finding in missing.findings] == ["no_config"]
    assert missing.occupancy.total == 0
    wrong = audit(census(config="{"))
    assert [(finding.kind, finding.subject) for finding in wrong.findings] == [
        ("refused", "bad_config")
    ]


def test_every_kind_and_reason_is_declared() -> None:
    """What the metrics declare beforehand is all that can come."""
    found = audit(
        census(
            lease("10.5.1.0-24", "127.0.0.1"),
            lease("nonsense", "192.0.2.1"),
            entry("subnets/10.5.9.0-24", "[]"),
            entry("hostgw/reservations/10.5.9.0-24", "{}"),
            config="[]",
        )
    )
    assert set(found.refused) == set(REASONS)
    assert {finding.kind for finding in found.findings} <= set(KINDS)


def test_states_of_subnets_are_counted_by_number() -> None:
    """Of 255 subnets: a lease takes 1, an old /22 takes 4, a reservation 1 unless it is leased."""
    found = audit(
        census(
            lease("10.5.1.0-24", "192.0.2.1"),
            lease("10.5.8.0-22", "192.0.2.2"),
            entry("hostgw/reservations/10.5.1.0-24", '{"Node":"a"}'),
            entry("hostgw/reservations/10.5.200.0-24", '{"Node":"b"}'),
        )
    )
    occupancy = found.occupancy
    assert (occupancy.total, occupancy.leased, occupancy.reserved, occupancy.free) == (
        255,
        5,
        1,
        249,
    )


def test_an_ipv6_pool_of_any_size_is_counted_at_once() -> None:
    """2^56 subnets less the first, of which one lease takes one."""
    config = (
        '{"EnableIPv4": false, "EnableIPv6": true, "IPv6Network": "fd00::/8",'
        ' "Backend": {"Type": "host-gw"}}'
    )
    value = '{"PublicIPv6":"2001:db8::1","BackendType":"host-gw"}'
    found = audit(census(entry("hostgw/subnets6/fd00:0:0:5::-64", value), config=config))
    assert found.occupancy.total == 2**56 - 1
    assert found.occupancy.free == 2**56 - 2


subnets = st.builds(
    lambda index, length: ip_network((0x0A050000 + (index << 8), length), strict=False),
    st.integers(0, 40),
    st.sampled_from([20, 22, 23, 24, 25, 26]),
)


@settings(max_examples=200)
@given(st.lists(subnets, max_size=12, unique=True), st.lists(subnets, max_size=4, unique=True))
def test_overlaps_and_counts_equal_brute_force(
    leased: list[IPv4Network], reserved: list[IPv4Network]
) -> None:
    """Every pair compared, every number looked at: the same overlaps, the same counts."""
    found = audit(
        census(
            *(
                lease(f"{each.network_address}-{each.prefixlen}", f"192.0.2.{number + 1}")
                for number, each in enumerate(leased)
            )
        )
    )
    pairs = {
        frozenset((one, other))
        for one in leased
        for other in leased
        if one != other and one.overlaps(other)
    }
    told = {
        frozenset(ip_network(name.strip()) for name in finding.subject.split(","))
        for finding in found.of("overlap")
    }
    assert told == pairs
    pool = Pool(IPv4Network("10.5.0.0/16"), 24, ip_address("10.5.1.0"), ip_address("10.5.30.0"))
    numbers = [ip_network((int(pool.first) + (number << 8), 24)) for number in range(30)]
    states = [
        "leased"
        if any(number.overlaps(each) for each in leased)
        else "reserved"
        if any(number.overlaps(each) for each in reserved)
        else "free"
        for number in numbers
    ]
    counted = occupancy_of(ClusterConfig(pool, None), map(Subnets, leased), map(Subnets, reserved))
    assert (counted.total, counted.leased, counted.reserved, counted.free) == (
        30,
        states.count("leased"),
        states.count("reserved"),
        states.count("free"),
    )
