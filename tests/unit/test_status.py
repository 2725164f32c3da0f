"""The status as people and programs read it."""

import json
from collections import Counter
from dataclasses import replace
from ipaddress import ip_address

from hostgw_core.health import Condition, Kind, Severity
from hostgw_core.model import Refusal
from hostgw_daemon.kernel import ForeignRoute, Outcome, Route, Verb, Verdict, Write
from hostgw_daemon.routes.report import PassKind, Report, RoutesState
from hostgw_daemon.told.listed import Listed
from hostgw_daemon.told.sentence import sentence
from hostgw_daemon.told.status import (
    ClaimStatus,
    ConditionStatus,
    PeersStatus,
    RefusalStatus,
    RoutesStatus,
    Status,
    StoreStatus,
    encode,
)

HELD = ClaimStatus("held", held=True, subnets=("10.5.3.0/24",))
GOOD = Status(
    version="1.0",
    node="n1",
    node_id="id",
    instance="i",
    boot_id="b",
    pid=7,
    started=5.0,
    ready=True,
    claim=HELD,
    store=StoreStatus(connected=True),
    routes=RoutesStatus(desired=41, installed=41, complete=True),
    peers=PeersStatus(count=41),
)


def write(destination: str, gateway: str, verdict: Verdict, message: str = "") -> Outcome:
    """Make one answer of the kernel."""
    route = Route(ip_address(destination).packed, 24, 1500, ip_address(gateway).packed, 2)
    return Outcome(Write(Verb.CREATE, route), verdict, 0, message)


def test_the_sentence_of_a_good_day():
    """All is well: the subnet, the routes, the store, and nothing else."""
    assert sentence(GOOD) == "10.5.3.0/24 held; 41 routes to 41 peers; etcd reachable"


def test_the_sentence_counts_in_english():
    """One route to one peer is not written in the plural."""
    status = replace(GOOD, routes=RoutesStatus(installed=1), peers=PeersStatus(count=1))
    assert "; 1 route to 1 peer;" in sentence(status)


def test_the_sentence_of_a_bad_day_names_what_is_wrong():
    """A ready node with a trouble says the trouble; one that is not ready says so."""
    kind = Kind("shadowed", Severity.WARNING, "T.", "C.")
    shown = ConditionStatus.of(Condition(kind, "d", 3.0))
    wrong = replace(GOOD, conditions=(shown,), store=StoreStatus())
    assert sentence(wrong).endswith("; etcd unreachable; wrong: shadowed")
    assert sentence(replace(wrong, ready=False)).endswith("; not ready: shadowed")


def test_the_sentence_before_the_first_lease():
    """Without a subnet the phase of the claim is said, and the check that is not yet met."""
    status = replace(
        GOOD,
        ready=False,
        why_not=("lease_held", "first_pass"),
        claim=ClaimStatus("waiting for the configuration"),
        routes=RoutesStatus(),
        peers=PeersStatus(),
    )
    assert sentence(status) == (
        "no subnet waiting for the configuration; 0 routes to 0 peers; etcd reachable; "
        "not ready: lease_held, first_pass"
    )


def test_json_is_plain():
    """Any JSON reader finds the values under the names of the fields."""
    read = json.loads(encode(GOOD))
    assert read["claim"]["subnets"] == ["10.5.3.0/24"]
    assert read["uplink"] is None
    assert read["routes"]["missing"] == {"count": 0, "first": []}
    assert encode(GOOD).endswith(b"}\n")


def test_routes_tell_what_is_missing_and_why():
    """The reconciler's state becomes prefixes, gateways and verdicts in words."""
    outcomes = (
        write("10.5.1.0", "192.0.2.1", Verdict.CREATED),
        write("10.5.2.0", "192.0.2.2", Verdict.OFF_LINK, "Nexthop has invalid gateway"),
    )
    report = Report(
        PassKind.FAST, "lease", 9, 2, outcomes=outcomes, seen=(1.0,), started=1.5, finished=2.0
    )
    foreign = ForeignRoute(ip_address("10.5.1.0").packed, 24, 0, 3, b"", 2)
    state = RoutesState(
        last=report,
        installed=1,
        missing=outcomes[1:],
        shadows=(foreign,),
        fights=("10.5.9.0/24",),
        drift=Counter({"deleted": 3}),
    )
    read = json.loads(encode(RoutesStatus.of(state, 1000.0)))
    assert read["desired"] == 2
    assert read["missing"]["first"] == [
        {
            "prefix": "10.5.2.0/24",
            "gateway": "192.0.2.2",
            "reason": "off_link",
            "detail": "Nexthop has invalid gateway",
        }
    ]
    assert read["shadows"]["first"] == [{"prefix": "10.5.1.0/24", "metric": 0, "protocol": 3}]
    assert read["fights"] == {"count": 1, "first": ["10.5.9.0/24"]}
    assert read["last_pass"]["ended"] == 1002.0
    assert read["last_pass"]["seconds"] == 0.5
    assert read["last_pass"]["outcomes"] == {"created": 1, "off_link": 1}
    assert read["last_full_pass"] is None
    assert read["drift"] == {"deleted": 3}


def test_long_lists_are_cut_and_counted():
    """Ten thousand refusals fill no screen: a hundred are shown, all are counted."""
    refusals = [Refusal(b"/x/%d" % n, "malformed", "d") for n in range(10_000)]
    listed = Listed.of(len(refusals), map(RefusalStatus.of, refusals))
    assert (listed.count, len(listed.first), listed.first[99].key) == (10_000, 100, "/x/99")


def test_a_key_of_any_bytes_is_shown():
    """A key that is no text is still named, and is still JSON."""
    read = json.loads(encode(RefusalStatus.of(Refusal(b"/x/\xff\x00", "malformed", "d"))))
    assert read["key"] == "/x/\\xff\x00"
