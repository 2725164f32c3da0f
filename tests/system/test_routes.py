"""The routes of a real daemon, in a real kernel that others change too."""

import itertools
import re
import signal

import pytest

from support.daemon import Daemon, shows
from support.daemon_fixtures import Cluster, neighbours
from support.site import GATEWAY
from support.waiting import eventually

pytestmark = pytest.mark.root

SOON = 5.0  # seconds
HOME = neighbours(5)
NUMBERS = itertools.count(40)


@pytest.fixture(scope="module")
def node(shared: Cluster) -> Daemon:
    """A daemon with five peers."""
    shared.populate(HOME, SubnetMin="10.77.100.0")
    return shared.daemon().start()


@pytest.fixture
def steady(node: Daemon) -> Daemon:
    """The same, in the state in which a test may begin."""
    eventually(lambda: node.host.has(HOME) and node.well, within=3)
    return node


@pytest.fixture
def peer(shared: Cluster, steady: Daemon):
    """A peer of the test's own, so that no test wears down the route of another."""
    subnet = f"10.77.{next(NUMBERS)}.0/24"
    shared.lease(subnet, gateway_of(subnet))
    eventually(lambda: subnet in steady.host.ours(), within=SOON)
    yield subnet
    shared.delete(f"subnets/{subnet.replace('/', '-')}")
    eventually(lambda: steady.host.has(HOME), within=SOON)


def gateway_of(subnet: str) -> str:
    """Give the gateway that the peers of these tests have."""
    return f"192.168.51.{subnet.split('.')[2]}"


def command_in(detail: str) -> list[str]:
    """Give the arguments of the `ip` command that a condition advises."""
    found = re.search(r"ip (route del [^;]+)", detail)
    assert found, detail
    return found[1].split()


# -- what the store says ------------------------------------------------------------------------


def test_a_peer_that_moves_its_address_is_followed_without_a_gap(
    shared: Cluster, steady: Daemon, peer: str
):
    """The new route stands before the old one goes, and no other route is touched."""
    with steady.host.route_changes() as changes:
        shared.lease(peer, "192.168.51.199")
        eventually(lambda: steady.host.ours().get(peer) == "192.168.51.199", within=SOON)
        eventually(lambda: len(steady.host.ip("route", "show", peer).splitlines()) == 1)
    assert [line.startswith("Deleted ") for line in changes] == [False, True]
    assert f"{peer} via 192.168.51.199 " in changes[0]
    assert f"{peer} via {gateway_of(peer)} " in changes[1]


# -- what others do to our routes ---------------------------------------------------------------


def test_a_route_deleted_by_hand_is_back(steady: Daemon, peer: str):
    """At once, by the kernel's own word; it is counted."""
    before = steady.metric('hostgw_route_drift_total{cause="deleted"}')
    with steady.host.route_changes() as changes:
        steady.host.ip("route", "del", peer)
        eventually(lambda: peer in steady.host.ours(), within=SOON)
    assert [line.startswith("Deleted ") for line in changes] == [True, False]
    assert steady.metric('hostgw_route_drift_total{cause="deleted"}') == before + 1


def test_all_routes_flushed_are_back(cluster: Cluster):
    """Also when somebody flushes the whole table, once what they lead through is there again.

    On a node of its own: each flush counts as a deletion of every route, and five are a fight.
    """
    cluster.populate(HOME, SubnetMin="10.77.100.0")
    node = cluster.daemon().start()
    host = node.host
    eventually(lambda: host.has(HOME) and node.well)
    for _ in range(2):
        host.ip("route", "flush", "proto", "104")
        eventually(lambda: host.has(HOME), within=SOON)
    foreign = host.foreign()
    host.ip("route", "flush", "table", "main")
    host.ip("route", "add", "172.31.0.0/16", "dev", "store0", "proto", "kernel",
            "scope", "link", "src", f"172.31.0.{host.number}")  # fmt: skip
    host.ip("route", "add", "192.168.48.0/20", "dev", "eth0", "proto", "kernel",
            "scope", "link", "src", host.address)  # fmt: skip
    host.ip("route", "add", "default", "via", GATEWAY, "dev", "eth0")
    eventually(lambda: host.has(HOME), within=SOON)
    assert host.foreign() == foreign


def test_a_fight_is_named_and_fought_no_further(cluster: Cluster):
    """A route deleted again and again is left alone for a while; all others are kept.

    It is over at once when the peer is gone: there is nothing left to fight for.
    """
    peer, other = "10.77.9.0/24", "10.77.10.0/24"
    cluster.lease(peer, gateway_of(peer))
    cluster.lease(other, gateway_of(other))
    node = cluster.daemon().start()

    def worn_down() -> bool:
        if peer in node.host.ours():
            node.host.ip("route", "del", peer)
        return "fight" in node.conditions

    eventually(worn_down)
    assert peer in node.conditions["fight"]
    assert node.peers() == {peer: "fight", other: "ok"}
    assert node.host.ours().keys() == {other}
    node.host.ip("route", "del", other)
    eventually(lambda: other in node.host.ours(), within=SOON)
    cluster.delete("subnets/10.77.9.0-24")
    eventually(lambda: node.well, within=SOON)


def test_a_route_that_took_our_place_is_named_and_left_alone(steady: Daemon, peer: str):
    """`ip route replace` over ours stays, with the command that would remove it; then ours is back.

    The kernel lets anybody replace a route of the same metric, whoever it belongs to.
    """
    metric = steady.host.metric(peer)
    thief = ("route", "replace", peer, "via", GATEWAY, "metric", str(metric), "proto", "static")
    steady.host.ip(*thief)
    assert peer not in steady.host.ours()
    eventually(shows(steady, "routes_conflict"), within=SOON)
    assert steady.peers()[peer] == "conflict"
    assert steady.metric('hostgw_routes{family="ipv4",state="missing"}') == 1
    theirs = steady.host.ip("route", "show", peer)
    assert "proto static" in theirs
    with steady.host.route_changes() as changes:
        steady.host.ip(*command_in(steady.conditions["routes_conflict"]))
        eventually(lambda: steady.host.ours().get(peer) == gateway_of(peer), within=SOON)
        eventually(lambda: not steady.conditions, within=SOON)
    assert [line.startswith("Deleted ") for line in changes] == [True, False]
    assert steady.peers()[peer] == "ok"


def test_a_route_that_shadows_ours_is_named_with_its_cure(steady: Daemon, peer: str):
    """A better metric wins in the kernel; ours stays beside it, and a person is told what to do."""
    before = steady.host.foreign()
    steady.host.ip("route", "add", peer, "via", GATEWAY, "metric", "5", "proto", "static")
    eventually(shows(steady, "shadowed"), within=SOON)
    assert steady.peers()[peer] == "shadowed"
    assert steady.host.ours()[peer] == gateway_of(peer)
    steady.host.ip(*command_in(steady.conditions["shadowed"]))
    eventually(lambda: not steady.conditions, within=SOON)
    assert steady.host.foreign() == before
    # One with a worse metric harms nobody, and is nobody's business.
    steady.host.ip("route", "add", peer, "via", GATEWAY, "metric", "9999", "proto", "static")
    steady.host.ip("route", "del", peer, "metric", "9999", "proto", "static")
    assert steady.conditions == {}


def test_routes_that_shadow_from_before_the_start_are_found(steady: Daemon, peer: str):
    """No event tells of a route that was there first."""
    steady.end()
    steady.host.ip("route", "add", peer, "via", GATEWAY, "metric", "5", "proto", "static")
    steady.start()
    eventually(shows(steady, "shadowed"), within=SOON)
    steady.host.ip("route", "del", peer, "metric", "5", "proto", "static")
    eventually(lambda: not steady.conditions, within=SOON)


# -- start and stop -----------------------------------------------------------------------------


def test_what_changed_while_the_daemon_was_away_is_made_right(shared: Cluster, steady: Daemon):
    """A peer that went is swept, one that moved is moved, one that came is there; only these."""
    for number in (21, 22):
        shared.lease(f"10.77.{number}.0/24", f"192.168.51.{number}")
    eventually(lambda: len(steady.host.ours()) == len(HOME) + 2, within=SOON)
    steady.end(signal.SIGKILL)
    shared.delete("subnets/10.77.21.0-24")
    shared.lease("10.77.22.0/24", "192.168.51.99")
    shared.lease("10.77.23.0/24", "192.168.51.23")
    with steady.host.route_changes() as changes:
        steady.start()
        now = {**HOME, "10.77.22.0/24": "192.168.51.99", "10.77.23.0/24": "192.168.51.23"}
        eventually(lambda: steady.host.has(now), within=SOON)
        eventually(lambda: len(steady.host.ip("route", "show", "10.77.22.0/24").splitlines()) == 1)
    assert len(changes) == 4, changes
    assert all(re.match(r"(Deleted )?10\.77\.2[123]\.0/24 ", line) for line in changes)
    shared.delete("subnets/10.77.22.0-24", "subnets/10.77.23.0-24")


def test_another_metric_is_taken_up_without_a_gap(cluster: Cluster):
    """Every new route stands before the first old one goes."""
    for subnet, gateway in HOME.items():
        cluster.lease(subnet, gateway)
    node = cluster.daemon().start()
    node.end()
    with node.host.route_changes() as changes:
        node.start("--route-metric=77")
        assert {node.host.metric(subnet) for subnet in HOME} == {77}
    assert [line.startswith("Deleted ") for line in changes] == [False] * 5 + [True] * 5


def test_no_foreign_route_is_touched_in_a_whole_life(cluster: Cluster):
    """Start, peers, flush, changes, stop: what others had is there, to the last attribute."""
    host = cluster.host()
    for zoo in (
        "add 10.77.9.0/24 via 192.168.51.250 metric 7000 proto static",
        "add 10.77.9.0/24 via 192.168.51.251 proto bird metric 32",
        "add 10.77.10.0/24 via 192.168.51.250",
        "add blackhole 10.77.0.0/16 metric 4000",
        "add unreachable 10.77.11.0/24 metric 4000 proto 105",
        "add 10.77.12.0/24 proto 103 nexthop via 192.168.51.250 nexthop via 192.168.51.251",
        "add 10.77.9.0/24 via 192.168.51.250 table 100 proto 103",
        "add 192.0.2.0/24 via 192.168.51.250 proto dhcp",
    ):
        host.ip("route", *zoo.split())

    def everything() -> str:
        shown = host.ip("-details", "-4", "route", "show", "table", "all").splitlines()
        ours = re.compile(r"unicast \S+ via \S+ dev eth0 table main proto 104 ")
        return "\n".join(line for line in shown if not ours.match(line))

    before = everything()
    for number in (9, 10, 11, 12, 13):
        cluster.lease(f"10.77.{number}.0/24", f"192.168.51.{number}")
    node = cluster.daemon(host).start()
    assert len(host.ours()) == 5
    assert everything() == before
    cluster.lease("10.77.9.0/24", "192.168.51.99")
    cluster.delete("subnets/10.77.10.0-24")
    host.ip("route", "flush", "proto", "104", "table", "main")
    eventually(lambda: len(host.ours()) == 4)
    assert everything() == before
    assert node.end() == 0
    assert len(host.ours()) == 4
    assert everything() == before
