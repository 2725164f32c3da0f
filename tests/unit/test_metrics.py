"""The metrics, as Prometheus and its own tool read them."""

import re
import subprocess
import sys
from collections import Counter
from ipaddress import ip_address
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from hostgw_core.health import Condition, Severity
from hostgw_core.model import ClusterConfig
from hostgw_core.store import (
    Compacted,
    Header,
    Room,
    StoreDenied,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
)
from hostgw_core.upkeep import UpkeepState
from hostgw_core.view import ViewState
from hostgw_daemon.kernel import Outcome, Overrun, Route, RouteLost, Verb, Verdict, Write
from hostgw_daemon.routes.report import PassKind, Report, RoutesState
from hostgw_daemon.told.conditions import CODES, KINDS
from hostgw_daemon.told.metrics import Metrics
from support.host_facts import HEALTHY

ROUTE = Route(ip_address("10.5.1.0").packed, 24, 1500, ip_address("192.0.2.1").packed, 2)
OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3"
DOCS = Path(__file__).parents[2] / "docs"


class Reading:
    """A registry with the daemon's metrics, and the value of any series."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry, version="1.2.3")

    def __call__(self, name: str, **labels: str) -> float | None:
        """Give a sample, or None if there is no such series."""
        return self.registry.get_sample_value(f"hostgw_{name}", labels)


@pytest.fixture
def read() -> Reading:
    """Declare everything in a fresh registry."""
    return Reading()


def fill(metrics: Metrics) -> None:
    """Tell every part something."""
    metrics.node.info(node="n1", node_id="i", subnet="10.5.3.0/24", address="::1", interface="e")
    metrics.node.ready(True)
    metrics.node.conditions([Condition(KINDS[0], "d", 1.0)])
    metrics.node.loop_lag(0.002)
    metrics.lease.stands(held=True, expires=1e9)
    metrics.lease.renewal("ok", 0.002)
    metrics.store.request("commit", "lost", 0.003)
    metrics.store.view(ViewState(connected=True, restarts={"compacted": 1}), 0.0)
    metrics.peers.show({"ok": 3}, {"overlap": 1})
    outcomes = (Outcome(Write(Verb.CREATE, ROUTE), Verdict.CREATED),)
    metrics.routes.passed(Report(PassKind.FAST, "c", 1, 1, outcomes, seen=(0.5,)), 0.0)
    metrics.routes.stand(RoutesState(installed=3))
    metrics.routes.heard([Overrun()])
    metrics.host.show(HEALTHY.tables, resolved=2)
    metrics.rules.show(resyncs=1, drifts=0)


@pytest.mark.parametrize("filled", [False, True])
def test_promtool_finds_nothing_to_say(read: Reading, filled: bool):
    """Prometheus' own linter is content with names, types and help, empty and full."""
    if filled:
        fill(read.metrics)
    text, kind = read.metrics.exposition("")
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    assert kind.startswith("text/plain; version=0.0.4")


def test_the_form_is_negotiated(read: Reading):
    """A scrape that asks for OpenMetrics gets it, to the end mark."""
    text, kind = read.metrics.exposition(OPENMETRICS)
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith(b"# EOF\n")
    assert not re.search(rb"^\w+_created\b", text, re.MULTILINE)


@pytest.mark.parametrize("accept", ["", "*/*", "text/plain;version=1.0.0", "\0"])
def test_any_other_wish_gets_plain_text(read: Reading, accept: str):
    """An Accept header that does not name OpenMetrics gets the form that everybody reads."""
    text, kind = read.metrics.exposition(accept)
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    assert b"hostgw_ready 0.0" in text


def test_nothing_of_the_wish_comes_back(read: Reading):
    """What the header says beside the type is neither believed nor repeated."""
    _, kind = read.metrics.exposition("application/openmetrics-text;version=9.x\r\nSet-Cookie: a")
    assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8"


def test_the_page_is_current():
    """docs/metrics.md says what the program declares."""
    rendered = subprocess.run(
        [sys.executable, DOCS / "render_metrics.py"], capture_output=True, check=True, text=True
    )
    assert (DOCS / "metrics.md").read_text() == rendered.stdout


def test_every_name_has_the_prefix_and_a_base_unit(read: Reading):
    """Names are hostgw_*, counters end in _total, and no unit but seconds is used."""
    for metric in read.metrics.declared:
        assert re.fullmatch(r"hostgw_[a-z0-9_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert not re.search(r"_(ms|micros|minutes)", metric.name)


def test_two_daemons_in_one_process_do_not_meet():
    """Nothing is registered globally: a second set of metrics has numbers of its own."""
    first, second = Reading(), Reading()
    first.metrics.lease.claims(conflicts=1, retaken=0)
    assert first("lease_conflicts_total") == 1
    assert second("lease_conflicts_total") == 0


def test_a_pass_is_counted(read: Reading):
    """Writes by outcome, refusals by the kernel's answer, and each change's way to the kernel."""
    report = Report(
        PassKind.FULL,
        "test",
        revision=9,
        desired=2,
        outcomes=(
            Outcome(Write(Verb.CREATE, ROUTE), Verdict.CREATED),
            Outcome(Write(Verb.CREATE, ROUTE), Verdict.CONFLICT, 17, "File exists"),
            Outcome(Write(Verb.CREATE, ROUTE), Verdict.FAILED, 9999, "?"),
        ),
        seen=(10.0, 10.001),
        started=10.0015,
        finished=10.0018,
    )
    read.metrics.routes.passed(report, 1000.0)
    assert read("route_operations_total", family="ipv4", op="create", result="created") == 1
    assert read("route_operations_total", family="ipv4", op="create", result="conflict") == 1
    assert read("route_operations_total", family="ipv6", op="create", result="created") == 0
    assert read("route_errors_total", errno="EEXIST") == 1
    assert read("route_errors_total", errno="other") == 1
    assert read("convergence_seconds_bucket", le="0.001") == 1
    assert read("convergence_seconds_bucket", le="0.002") == 2
    assert read("reconcile_duration_seconds_count", kind="full") == 1
    assert read("reconcile_failures_total") == 1
    assert read("last_reconcile_success_timestamp_seconds") == 0


def test_only_a_full_pass_without_a_refusal_is_a_success(read: Reading):
    """A fast pass looked at little: it proves nothing about the rest."""
    read.metrics.routes.passed(Report(PassKind.FAST, "c", 1, 1, finished=5.0), 1000.0)
    assert read("last_reconcile_success_timestamp_seconds") == 0
    read.metrics.routes.passed(Report(PassKind.FULL, "c", 1, 1, finished=6.0), 1000.0)
    assert read("last_reconcile_success_timestamp_seconds") == 1006.0


def test_totals_counted_elsewhere_never_go_back(read: Reading):
    """A level that is told twice counts once, and one that was lost does not count down."""
    for drift in ({"deleted": 3}, {"deleted": 3}, {"deleted": 5, "from mars": 2}, {"deleted": 0}):
        read.metrics.routes.stand(RoutesState(drift=Counter(drift)))
    assert read("route_drift_total", cause="deleted") == 5
    assert read("route_drift_total", cause="other") == 2


def test_conditions_come_and_go(read: Reading):
    """Every code has a series from the start: 1 while the condition stands, 0 otherwise."""
    shadowed = next(kind for kind in KINDS if kind.code == "shadowed")
    assert {read("condition", code=code) for code in CODES} == {0}
    read.metrics.node.conditions([Condition(shadowed, "d", 1.0)])
    assert read("condition", code="shadowed") == 1
    read.metrics.node.conditions([])
    assert read("condition", code="shadowed") == 0
    assert shadowed.severity is Severity.WARNING


def test_who_this_node_is_has_one_series(read: Reading):
    """A new subnet replaces the old one; nothing is left to be counted twice."""
    who = {"node": "n1", "node_id": "i", "address": "192.0.2.1", "interface": "eth0"}
    read.metrics.node.info(**who, subnet="10.5.3.0/24")
    read.metrics.node.info(**who, subnet="10.5.4.0/24")
    assert read("node_info", **who, subnet="10.5.3.0/24") is None
    assert read("node_info", **who, subnet="10.5.4.0/24") == 1


def test_peers_and_refusals_are_levels(read: Reading):
    """What is no longer counted is zero; a state nobody declared is still counted."""
    read.metrics.peers.show({"ok": 3, "conflict": 1}, {"overlap": 2})
    read.metrics.peers.show({"ok": 4, "new state": 2, "newer": 1}, {})
    assert read("peers", state="ok") == 4
    assert read("peers", state="conflict") == 0
    assert read("peers", state="other") == 3
    assert read("refused_records", reason="overlap") == 0


def test_the_store(read: Reading):
    """Requests one by one, the view as a level on the wall clock."""
    read.metrics.store.request("commit", "ok", 0.002)
    state = ViewState(
        connected=True,
        header=Header(1, 77, 2),
        entries=5,
        relists=2,
        restarts={"compacted": 1, "new reason": 4},
        contact=3.0,
    )
    read.metrics.store.view(state, 1000.0)
    for error in (StoreUnavailable, StoreDenied, StoreRefused, StoreFull, Compacted):
        read.metrics.store.request("watch", error.__name__, 0.002)
    assert read("etcd_requests_total", op="commit", result="ok") == 1
    for result in ("unavailable", "denied", "refused", "full", "compacted"):
        assert read("etcd_requests_total", op="watch", result=result) == 1
    assert read("etcd_request_duration_seconds_count", op="commit") == 1
    assert read("etcd_connected") == 1
    assert read("etcd_last_revision") == 77
    assert read("etcd_last_contact_timestamp_seconds") == 1003.0
    assert read("etcd_relists_total") == 2
    assert read("etcd_watch_restarts_total", reason="compacted") == 1
    assert read("etcd_watch_restarts_total", reason="other") == 4
    read.metrics.store.view(ViewState(), 1000.0)
    assert read("etcd_last_contact_timestamp_seconds") == 0


def test_the_room_of_the_store(read: Reading):
    """How large it is and how long its history; nothing where it may not be asked."""
    room = Room(Header(1, 300_000, 2), size=5_000, in_use=2_000)
    read.metrics.store.upkeep(UpkeepState(room, kept=299_998))
    assert read("etcd_db_bytes", part="allocated") == 5_000
    assert read("etcd_db_bytes", part="in_use") == 2_000
    assert read("etcd_kept_revisions") == 299_998
    read.metrics.store.upkeep(UpkeepState())
    assert read("etcd_db_bytes", part="allocated") == 0
    assert read("etcd_kept_revisions") == 0


def test_the_certificates(read: Reading):
    """When they end; one that was taken out of the settings is 0 again."""
    read.metrics.store.certificates({"cert": 1_800_000_000.0, "ca": 1_900_000_000.0})
    assert read("tls_certificate_expiry_timestamp_seconds", file="cert") == 1_800_000_000
    assert read("tls_certificate_expiry_timestamp_seconds", file="ca") == 1_900_000_000
    read.metrics.store.certificates({})
    assert read("tls_certificate_expiry_timestamp_seconds", file="cert") == 0


def test_the_network_configuration(read: Reading):
    """A change that is taken up or refused is counted once, however often it is shown."""
    good = ClusterConfig(None, None, 5)
    for _ in range(2):
        read.metrics.network.show(None, "", now=10.0)
    assert read("config_reloads_total", result="taken") == 0
    for _ in range(2):
        read.metrics.network.show(good, "", now=20.0)
        read.metrics.network.show(good, "", now=30.0)
    assert read("config_reloads_total", result="taken") == 1
    assert read("config_reload_success_timestamp_seconds") == 20
    read.metrics.network.show(good, "Network is no network", now=40.0)
    assert read("config_reloads_total", result="refused") == 1
    assert read("config_reload_success_timestamp_seconds") == 20
    assert read("config_revision") == 5


def test_the_lease(read: Reading):
    """Held until a moment, renewed with a result, lost races counted."""
    read.metrics.lease.stands(held=True, expires=1234.0)
    read.metrics.lease.renewal("error", 1.5)
    for _ in range(2):
        read.metrics.lease.claims(conflicts=2, retaken=1)
    assert read("lease_held") == 1
    assert read("lease_expiry_timestamp_seconds") == 1234.0
    assert read("lease_renewals_total", result="error") == 1
    assert read("lease_renew_duration_seconds_sum") == 1.5
    assert read("lease_reacquired_total") == 1
    assert read("lease_conflicts_total") == 2


def test_kernel_events_by_type(read: Reading):
    """A dropped notification is counted as loudly as one that came."""
    read.metrics.routes.heard([RouteLost(ROUTE), Overrun(), Overrun()])
    assert read("netlink_events_total", type="route_lost") == 1
    assert read("netlink_events_total", type="overrun") == 2


def test_ten_thousand_changes_are_counted_in_a_moment(read: Reading):
    """A pass that carries ten thousand changes is counted as that many."""
    report = Report(PassKind.FULL, "c", 1, 1, seen=(1.0,) * 10_000, finished=1.4)
    read.metrics.routes.passed(report, 0.0)
    assert read("convergence_seconds_count") == 10_000
