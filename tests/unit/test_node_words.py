"""The status in words, and how the kernel's routes differ: documents in, lines out."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from hostgw_cli.node.route_diff import difference
from hostgw_cli.node.status_words import lines
from hostgw_daemon.told.listed import Listed
from hostgw_daemon.told.status import (
    ClaimStatus,
    ConditionStatus,
    NetworkStatus,
    PassStatus,
    PeersStatus,
    RoutesStatus,
    Status,
    StoreStatus,
    UplinkStatus,
    encode,
)

NOW = 1_700_000_000.0
WELL = Status(
    version="0.1.0",
    node="n1",
    node_id="id",
    instance="i",
    boot_id="b",
    pid=7,
    started=NOW - 3700,
    ready=True,
    claim=ClaimStatus(
        "held", held=True, subnets=("10.5.1.0/24", "fd00:5::/64"), expires=NOW + 86000, how="kept"
    ),
    uplink=UplinkStatus("eth0", 2, 1500, True, ("192.0.2.1",), ("192.0.2.0/24",), "eth0: named"),
    store=StoreStatus(True, "http://192.0.2.9:2379", "c", 42, 5, last_contact=NOW - 2),
    routes=RoutesStatus(
        3, 3, True, last_pass=PassStatus("full", "audit", 42, NOW - 12, 0.0012, {"created": 3})
    ),
    peers=PeersStatus(3, {"ok": 2, "mtu": 1}),
)


def said(status: Status) -> dict[str, str]:
    """Read the lines of a status as the command does."""
    return dict(lines(msgspec.json.decode(encode(status)), NOW))


def test_a_node_that_is_well_is_six_lines():
    """One for each thing that a person asks for, and none about what is not wrong."""
    assert lines(msgspec.json.decode(encode(WELL)), NOW) == [
        ("n1", "ready: hostgwd 0.1.0, pid 7, up 1h1m"),
        ("lease", "10.5.1.0/24 and fd00:5::/64, held, kept, good for 23h53m without the store"),
        ("link", "eth0 up, 192.0.2.1, MTU 1500 (eth0: named)"),
        ("store", "connected to http://192.0.2.9:2379, revision 42, heard 2s ago"),
        ("routes", "3 of 3 in the kernel; last pass full (audit) 12s ago, 1.2 ms"),
        ("peers", "3: 2 ok, 1 mtu"),
    ]


def test_what_is_wrong_has_its_cure():
    """The code, the sentence, the particulars, and what to do."""
    wrong = ConditionStatus("uplink_down", "error", "It is down.", "eth0 is down", "Up.", NOW)
    status = Status(
        **{
            **{name: getattr(WELL, name) for name in Status.__dataclass_fields__},
            "ready": False,
            "conditions": (wrong,),
            "uplink": None,
            "store": StoreStatus(last_contact=NOW - 300),
            "routes": RoutesStatus(3, 1, missing=Listed(2), shadows=Listed(1)),
        }
    )
    found = lines(msgspec.json.decode(encode(status)), NOW)
    assert found[0] == ("n1", "not ready: hostgwd 0.1.0, pid 7, up 1h1m")
    assert ("link", "none leads to the other nodes") in found
    assert ("store", "not connected; it last answered 5m0s ago") in found
    assert ("routes", "1 of 3 in the kernel, 2 missing, 1 shadowed") in found
    assert found[-3:] == [
        ("error", "uplink_down: It is down. (2023-11-14 22:13:20 UTC)"),
        ("", "eth0 is down"),
        ("", "Cure: Up."),
    ]


def test_a_store_that_never_answered():
    """It is not said when it did so last."""
    status = replace(WELL, store=StoreStatus())
    assert said(status)["store"] == "not connected; it has not answered since the start"


def test_not_ready_without_a_condition_says_why():
    """The checks of /readyz."""
    status = Status(
        **{
            **{name: getattr(WELL, name) for name in Status.__dataclass_fields__},
            "ready": False,
            "why_not": ("first_pass: no complete pass",),
        }
    )
    assert said(status)["not ready"] == "first_pass: no complete pass"


WANTED = [
    {"prefix": "10.5.2.0/24", "gateway": "192.0.2.2", "metric": 1500, "table": 254, "detail": ""},
    {"prefix": "10.5.3.0/24", "gateway": "192.0.2.3", "metric": 1501, "table": 254, "detail": ""},
    {"prefix": "fd00:5:0:2::/64", "gateway": "fe80::1", "metric": 2100, "table": 254, "detail": ""},
]
STANDING = [
    {"dst": "10.5.2.0/24", "gateway": "192.0.2.2", "metric": 1500, "family": 4},
    {"dst": "10.5.3.0/24", "gateway": "192.0.2.3", "metric": 1501, "table": "main", "family": 4},
    {"dst": "fd00:5:0:2::/64", "gateway": "fe80::1", "metric": 2100, "family": 6},
]


def test_the_same_routes_are_no_difference():
    """Whether the kernel names the table or not."""
    assert difference(WANTED, STANDING) == []


def test_missing_and_strange_routes_are_told_apart():
    """One with another gateway is both."""
    moved = [STANDING[0], {**STANDING[1], "gateway": "192.0.2.9"}, {"dst": "10.5.9.9", "family": 4}]
    found = [(each["prefix"], each["gateway"], each["state"]) for each in difference(WANTED, moved)]
    assert found == [
        ("10.5.3.0/24", "192.0.2.3", "missing"),
        ("10.5.3.0/24", "192.0.2.9", "strange"),
        ("10.5.9.9/32", "", "strange"),
        ("fd00:5:0:2::/64", "fe80::1", "missing"),
    ]


def test_a_withdrawn_route_is_missed_by_nobody():
    """And one that stands nevertheless is strange, and said to be what it is."""
    wanted = [{**WANTED[0], "state": "withdrawn"}, *WANTED[1:]]
    assert difference(wanted, STANDING[1:]) == []
    (still,) = difference(wanted, STANDING)
    assert (still["prefix"], still["state"]) == ("10.5.2.0/24", "strange")
    assert still["detail"] == "it is withdrawn, and still there"


def test_a_table_that_has_a_name_of_its_own_is_another_one():
    """A route of ours in it is strange, whatever its number."""
    other = [*STANDING, {**STANDING[0], "table": "containers"}]
    assert [each["table"] for each in difference(WANTED, other)] == ["containers"]


def test_each_further_network_has_a_line():
    """Its own lease and peers; the first one's are above."""
    held = ClaimStatus("held", held=True, subnets=("10.6.1.0/24",), how="new")
    networks = (
        NetworkStatus(name="default", prefix="/a", ready=True, claim=WELL.claim),
        NetworkStatus(
            name="blue", prefix="/b", ready=True, claim=held, peers=PeersStatus(1, {"ok": 1})
        ),
        NetworkStatus(name="green", prefix="/c", ready=False, claim=ClaimStatus("no_config")),
    )
    found = lines(msgspec.json.decode(encode(replace(WELL, networks=networks))), NOW)
    assert found[6:] == [
        ("blue", "ready: 10.6.1.0/24, held, new; peers 1: 1 ok"),
        ("green", "not ready: none, no_config; peers 0"),
    ]
