"""The journal of a real daemon: who did what to its routes, and what it did about it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from support.daemon import Daemon
from support.daemon_fixtures import Cluster
from support.hostgwctl import hostgwctl
from support.site import GATEWAY, Host
from support.waiting import eventually

pytestmark = pytest.mark.root

PEER, VIA = "10.77.201.0/24", "192.168.51.201"
MANY = {f"10.77.{number}.0/24": f"192.168.51.{number}" for number in range(10, 90)}


@pytest.fixture(scope="module")
def node(shared: Cluster) -> Daemon:
    """A daemon with one peer."""
    shared.configure(SubnetMin="10.77.100.0")
    shared.lease(PEER, VIA)
    made = shared.daemon().start()
    eventually(lambda: made.host.has({PEER: VIA}))
    return made


@contextmanager
def ip_that_stays(host: Host, command: str) -> Iterator[int]:
    """Run a command of `ip`, which stays until the end; give the number of its process."""
    argv = host.namespace.argv("ip", "-force", "-batch", "-")
    with subprocess.Popen(argv, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        process.stdin.write(f"{command}\n")
        process.stdin.flush()
        yield process.pid


def last(node: Daemon) -> int:
    """Give the number of the latest event."""
    return int(node.ask("/v1/events").json["last"])


def events(node: Daemon, since: int, *kinds: str) -> list[dict[str, Any]]:
    """Give the events of these kinds, as they came."""
    found = node.ask(f"/v1/events?since={since}").json["events"]
    return [event for event in found if event["kind"] in kinds]


def test_the_journal_begins_with_what_the_daemon_did_first(node: Daemon):
    """It started, found its link, took its lease and made a route, for a reason."""
    kinds = {"started", "link", "lease_held", "route_created"}
    eventually(lambda: {event["kind"] for event in events(node, 0, *kinds)} == kinds)
    (route,) = events(node, 0, "route_created")
    assert (route["subject"], route["by"]["who"]) == (PEER, "hostgwd")
    assert route["cause"]
    assert route["revision"] > 0
    (lease,) = events(node, 0, "lease_held")
    assert lease["subject"] == node.subnet


def test_who_deletes_a_route_is_named_and_our_answer_follows(node: Daemon):
    """The process, how long the route stood, and that it is back within moments."""
    before = last(node)
    with ip_that_stays(node.host, f"route del {PEER}") as pid:
        eventually(lambda: events(node, before, "route_restored"))
    lost, back = events(node, before, "route_lost", "route_restored")
    assert (lost["kind"], back["kind"]) == ("route_lost", "route_restored")
    assert lost["subject"] == back["subject"] == PEER
    assert lost["by"] == {"who": "other", "port": pid, "process": "ip", "protocol": 104}
    assert 0 < lost["stood"] < 3600
    assert (back["by"]["who"], back["cause"]) == ("hostgwd", "a route was lost")
    assert 0 <= back["stood"] < 5
    assert node.host.has({PEER: VIA})


def test_a_process_that_is_gone_is_known_by_its_number(node: Daemon):
    """`ip route del` lives for a millisecond: its name may be known or not, its number is."""
    before = last(node)
    node.host.ip("route", "del", PEER)
    eventually(lambda: events(node, before, "route_restored"))
    (lost,) = events(node, before, "route_lost")
    assert lost["by"]["port"] > 0
    assert lost["by"]["process"] in {"ip", ""}


def test_a_stranger_who_replaces_a_route_is_named(node: Daemon):
    """With his protocol; the conflict is raised, and over when his route is gone."""
    before = last(node)
    metric = node.host.metric(PEER)
    how = f"{PEER} via {GATEWAY} metric {metric} proto static"
    with ip_that_stays(node.host, f"route replace {how}") as pid:
        eventually(lambda: events(node, before, "condition_raised"))
    taken, raised = events(node, before, "route_taken", "condition_raised")
    assert taken["by"] == {"who": "other", "port": pid, "process": "ip", "protocol": 4}
    assert (taken["subject"], raised["subject"]) == (PEER, "routes_conflict")
    assert taken["stood"] > 0
    eventually(lambda: events(node, before, "peer"))
    assert "conflict" in events(node, before, "peer")[0]["says"]
    node.host.ip("route", "del", *how.split())
    eventually(lambda: events(node, before, "condition_over"))
    kinds = ("foreign_went", "route_restored", "condition_over")
    assert [event["kind"] for event in events(node, before, *kinds)] == [*kinds]
    (over,) = events(node, before, "condition_over")
    assert over["subject"] == "routes_conflict"
    assert over["stood"] > 0
    eventually(lambda: events(node, before, "peer")[-1]["says"] == "conflict is over")


def test_many_routes_at_once_are_few_events(shared: Cluster, node: Daemon):
    """Eighty that somebody flushes, and that come back, are not a hundred and sixty lines."""
    shared.put_together(
        (
            f"subnets/{subnet.replace('/', '-')}".encode(),
            json.dumps({"PublicIP": via, "BackendType": "host-gw"}).encode(),
        )
        for subnet, via in MANY.items()
    )
    eventually(lambda: node.host.has({PEER: VIA, **MANY}))
    eventually(lambda: any(event["count"] >= 80 for event in events(node, 0, "route_created")))
    before = last(node)
    node.host.ip("route", "flush", "proto", "104")
    eventually(lambda: node.host.has({PEER: VIA, **MANY}))
    eventually(lambda: sum(e["count"] for e in events(node, before, "route_restored")) >= 81)
    assert any(event["count"] > 32 for event in events(node, before, "route_lost"))
    assert last(node) - before < 81


def test_an_operator_reads_it(node: Daemon):
    """`hostgwctl events`: a line an event, and JSON for programs."""
    shown = hostgwctl(node, "events")
    assert shown.returncode == 0, shown.stderr
    assert "route_created" in shown.stdout
    document = json.loads(hostgwctl(node, "events", "-o", "json").stdout)
    assert [event["number"] for event in document["events"]] == [*range(1, last(node) + 1)]


def test_they_are_counted(node: Daemon):
    """By kind, for who would rather be told than read."""
    for kind in ("started", "route_lost", "condition_raised"):
        found = len(events(node, 0, kind))
        assert node.metric(f'hostgw_events_total{{kind="{kind}"}}') == found > 0
