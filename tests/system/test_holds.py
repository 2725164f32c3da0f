"""Leases that go from the store as if by accident, and what `hostgwctl hold` decides of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from support.daemon import Daemon, shows
from support.daemon_fixtures import Cluster
from support.hostgwctl import hold
from support.site import Site
from support.waiting import eventually

pytestmark = pytest.mark.root

PEERS = {f"10.77.{number}.0/24": f"192.168.51.{number}" for number in range(201, 213)}
LEAVING = [*PEERS][:8]
STAYING = {subnet: PEERS[subnet] for subnet in [*PEERS][8:]}


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose etcd may be wiped."""
    with Site.build(tmp_path_factory.mktemp("fragile")) as made:
        yield made


@pytest.fixture
def cluster(fragile: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Make a cluster on that site."""
    with ExitStack() as ends:
        made = Cluster(fragile, tmp_path_factory.mktemp("h"), ends)
        made.configure()
        yield made


@pytest.fixture
def daemon(cluster: Cluster) -> Daemon:
    """Run a daemon that holds, with twelve peers."""
    for subnet, gateway in PEERS.items():
        cluster.lease(subnet, gateway)
    made = cluster.daemon().start("--removal-grace=2s", "--removal-hold=5m")
    eventually(lambda: made.host.has(PEERS))
    return made


def held(daemon: Daemon) -> dict[str, dict[str, object]]:
    """Give what the command says is held, by subnet."""
    told = json.loads(hold(daemon, "list", "-o", "json").stdout)
    return {each["subnets"][0]: each for each in told["holds"]}


def test_many_leases_go_and_a_person_decides(cluster: Cluster, daemon: Daemon):
    """Eight of twelve are held, shown, extended, and let go one by one and all at once."""
    assert hold(daemon, "list").stdout == "nothing is held\n"
    assert "0 holds let go" in hold(daemon, "accept", "--all").stdout
    cluster.delete_together([f"subnets/{name.replace('/', '-')}".encode() for name in LEAVING])
    eventually(shows(daemon, "removals_held"))
    assert daemon.peers() == {**dict.fromkeys(STAYING, "ok"), **dict.fromkeys(LEAVING, "held")}
    lines = hold(daemon, "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["SUBNET", *LEAVING]
    assert all("if silent" in line and "many others" in line for line in lines[1:])
    before = held(daemon)
    assert daemon.metric('hostgw_holds{cause="many"}') == 8

    # Over TCP it is shown, and nothing can be done.
    assert daemon.http("/v1/holds").json == daemon.ask("/v1/holds").json
    assert daemon.http("/v1/holds/accept").status == 403

    extended = hold(daemon, "extend", "--all", "--for", "1h")
    assert (extended.returncode, extended.stderr) == (0, "")
    assert "8 holds extended: at least 1h from now; 8 held in all" in extended.stdout
    for subnet, each in held(daemon).items():
        assert isinstance(each["until"], float)
        assert each["until"] > float(str(before[subnet]["until"])) + 3000

    stranger = hold(daemon, "accept", LEAVING[0], "10.77.212.0/24")
    assert stranger.returncode == 1
    assert "not held here: 10.77.212.0/24; nothing was done" in stranger.stderr
    assert daemon.host.has(PEERS)
    one = hold(daemon, "accept", LEAVING[0])
    assert (one.returncode, one.stdout) == (0, "1 hold let go; 7 held still\n")
    eventually(lambda: daemon.host.has({k: v for k, v in PEERS.items() if k != LEAVING[0]}))
    every = hold(daemon, "accept", "--all")
    assert (every.returncode, every.stdout) == (0, "7 holds let go; 0 held still\n")
    eventually(lambda: daemon.host.has(STAYING))
    eventually(lambda: daemon.well)
    assert daemon.metric('hostgw_holds_ended_total{how="accepted"}') == 8
    eventually(lambda: said(daemon, "Holds are over"))
    assert (
        sum(each["count"] for each in said(daemon, "Leases that went from the store are held")) == 8
    )
    assert sum(each["accepted"] for each in said(daemon, "Holds are over")) == 8
    refused = hold(daemon, "accept", "--history")
    assert refused.returncode == 1
    assert "not broken" in refused.stderr


def said(daemon: Daemon, event: str) -> list[dict[str, int]]:
    """Give the lines of its log about an event."""
    return [line for line in daemon.lines() if line["event"] == event]


def test_a_wiped_store_is_believed_when_a_person_says_so(cluster: Cluster, daemon: Daemon):
    """What no node puts back is held without limit, until somebody believes the new history."""
    own = daemon.subnet
    cluster.site.wipe_etcd()
    eventually(lambda: set(held(daemon)) == set(PEERS), within=30)
    eventually(shows(daemon, "history_broken"))
    assert {each["until"] for each in held(daemon).values()} == {None}
    shown = hold(daemon, "list").stdout
    assert "another history: revision" in shown
    assert shown.count("you decide") == len(PEERS)
    assert daemon.host.has(PEERS)
    assert daemon.metric("hostgw_history_broken") == 1
    believed = hold(daemon, "accept", "--history")
    assert (believed.returncode, believed.stderr) == (0, "")
    assert "the history of the store is believed; 12 holds ended by it" in believed.stdout
    eventually(lambda: daemon.host.has({}))
    eventually(lambda: daemon.well)
    assert daemon.subnet == own
    assert set(cluster.leases()) == {own}
    assert daemon.metric("hostgw_history_broken") == 0


def test_without_a_daemon_the_command_says_so(cluster: Cluster):
    """Nobody there is another status than a refusal, and the sentence names the cure."""
    away = cluster.daemon()
    for words in (["list"], ["accept", "--all"], ["extend", "--all", "--for=1h"]):
        done = hold(away, *words)
        assert (done.returncode, done.stdout) == (3, "")
        assert "it is not there; start hostgwd" in done.stderr
