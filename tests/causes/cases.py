"""The causes: a host, a switch, a cloud or a person that does this, and what every node says."""

from __future__ import annotations

import subprocess
from typing import Any

from causes.cluster import CLEARED, NAMED, NODES, Case, Cluster, about, both_ways, by
from hostgw_cli.lab.machine import SWITCH_BRIDGE
from hostgw_cli.lab.netns import Namespace
from support.waiting import eventually

TRUCE = 30.0  # seconds for which a daemon leaves alone what is fought over
FIGHTERS: list[subprocess.Popen[Any]] = []

CLOUD = (
    "add table ip cloud; add chain ip cloud out { type filter hook postrouting priority 300; };"
    " add rule ip cloud out oifname eth0 ip saddr != 198.18.0.2 drop"
)
WALL = (
    "add table ip wall; add chain ip wall in { type filter hook input priority 0; };"
    " add rule ip wall in udp dport 9746 drop"
)
ABSENT = '{"PublicIP":"198.18.0.77","BackendType":"host-gw","Node":"%s"}'
"""The lease of a node that is not there; it is dead before anybody can find that out."""

NOWHERE = '{"PublicIP":"127.0.0.1","BackendType":"host-gw","Node":"far"}'
"""The lease of a node that nobody can ever reach by the address that it gives."""

OFF_LINK = '{"PublicIP":"203.0.113.7","BackendType":"host-gw","Node":"far"}'


def _taken_address(cluster: Cluster) -> str:
    return str(cluster.host("n1").plan.address.ip)


def take_address(cluster: Cluster) -> None:
    """Start n2 anew with the address of n1.

    It only claims the address: a host that answers for it takes the store away from both, now the
    one and now the other, which is tried where a stranger does it.
    """
    host, address = cluster.host("n2"), _taken_address(cluster)
    host.run(
        "nft",
        "add table arp quiet; add chain arp quiet out { type filter hook output priority 0; };"
        f" add rule arp quiet out arp saddr ip {address} drop",
    )
    host.stop_daemon()
    host.ip("address", "add", f"{address}/32", "dev", "eth0")
    host.start_daemon(f"--public-ip={address}", wait=False)
    eventually(lambda: cluster.speaks("n2"), within=60.0)


def give_address_back(cluster: Cluster) -> None:
    """Start n2 anew with its own address."""
    host = cluster.host("n2")
    host.stop_daemon()
    host.ip("address", "del", f"{_taken_address(cluster)}/32", "dev", "eth0")
    host.run("nft", "delete table arp quiet")
    host.start_daemon(wait=False)
    eventually(lambda: cluster.speaks("n2"), within=60.0)


def _stranger(cluster: Cluster) -> Namespace:
    switch = cluster.lab.namespace("switch").name
    return Namespace(f"{switch.removesuffix('switch')}stranger")


def _stranger_comes(cluster: Cluster) -> None:
    """A host that is no node has the address of n1, and speaks to all others again and again."""
    switch, stranger = cluster.lab.namespace("switch"), _stranger(cluster)
    Namespace.create(stranger.name)
    cable = ("type", "veth", "peer", "name", "eth0", "netns", stranger.name)
    switch.ip("link", "add", "stranger", *cable)
    switch.ip("link", "set", "stranger", "master", SWITCH_BRIDGE, "up")
    stranger.ip("address", "add", str(cluster.host("n1").plan.address), "dev", "eth0")
    stranger.ip("link", "set", "eth0", "up")
    others = " ".join(str(cluster.host(name).plan.address.ip) for name in NODES[1:])
    script = (
        f"while ip neigh flush dev eth0; do for to in {others}; do"
        " ping -n -q -c 1 -W 0.2 $to; done >&2; sleep 0.5; done"
    )
    FIGHTERS.append(stranger.popen(["sh", "-c", script], stderr=subprocess.DEVNULL))


def _stranger_goes(cluster: Cluster) -> None:
    _giving_up(cluster)
    _stranger(cluster).delete()


def sysctl(cluster: Cluster, name: str, value: int) -> None:
    """Set one of n2, below `net`."""
    cluster.host("n2").run("sysctl", "-qw", f"net.{name}={value}")


def _nft(cluster: Cluster, script: str) -> None:
    cluster.host("n2").run("nft", script)


def _strange_route(cluster: Cluster, verb: str) -> None:
    """Add or delete a route on n2 that hides the one to the containers of n1."""
    cluster.host("n2").ip("route", verb, "unreachable", cluster.subnet("n1"), "metric", "5")


def _detour(cluster: Cluster, verb: str) -> None:
    """Send packets of n2 for the containers of n1 by way of n3."""
    way = ("via", "198.18.0.3", "metric", "5")
    cluster.host("n2").ip("route", verb, cluster.subnet("n1"), *way)


def _steal(cluster: Cluster) -> None:
    """Replace the route of n2 to the containers of n1, as somebody does who knows its metric."""
    (ours,) = cluster.host("n2").ip_json("route", "show", cluster.subnet("n1"))
    metric = str(ours["metric"])
    cluster.host("n2").ip(
        "route", "replace", cluster.subnet("n1"), "via", "198.18.0.3", "metric", metric
    )


def _give_back(cluster: Cluster) -> None:
    cluster.host("n2").ip("route", "del", cluster.subnet("n1"), "via", "198.18.0.3")


def _strict(cluster: Cluster) -> None:
    sysctl(cluster, "ipv4.conf.all.rp_filter", 1)
    _strange_route(cluster, "add")


def _loose(cluster: Cluster) -> None:
    _strange_route(cluster, "del")
    sysctl(cluster, "ipv4.conf.all.rp_filter", 0)


def _far(cluster: Cluster, record: str) -> None:
    cluster.lab.etcd.ctl("put", _lease(250), record)


def _lease(number: int) -> str:
    return f"/coreos.com/network/subnets/10.244.{number}.0-24"


def _agreed(cluster: Cluster, peers: int) -> None:
    """Wait until every node has so many others."""
    eventually(lambda: all(len(cluster.peers(n)) == peers for n in NODES), within=NAMED)


def _nonsense(cluster: Cluster) -> None:
    """Something writes nonsense over a good record."""
    cluster.lab.etcd.ctl("put", _lease(250), ABSENT % "far")
    _agreed(cluster, len(NODES))
    cluster.lab.etcd.ctl("put", _lease(250), "nonsense")
    eventually(lambda: "rejected_kept" in cluster.verdicts().values(), within=NAMED)


def _many_gone(cluster: Cluster) -> None:
    """Somebody deletes more leases at once than ever end together."""
    for number in range(240, 246):
        cluster.lab.etcd.ctl(
            "put", _lease(number), ABSENT.replace("77", str(number)) % f"x{number}"
        )
    _agreed(cluster, len(NODES) - 1 + 6)
    cluster.lab.etcd.ctl("del", _lease(240), _lease(246))
    eventually(lambda: set(cluster.verdicts().values()) == {"held"}, within=NAMED)


def _believed(cluster: Cluster) -> None:
    for name in NODES:
        cluster.order(name, "hold", "accept", "--all")


def _deleting(cluster: Cluster) -> None:
    """A script on n2 deletes its route to n1 whenever it sees it."""
    script = f"while sleep 0.3; do ip route del {cluster.subnet('n1')}; done"
    FIGHTERS.append(
        cluster.host("n2").namespace.popen(["sh", "-c", script], stderr=subprocess.DEVNULL)
    )


def _giving_up(_cluster: Cluster) -> None:
    while FIGHTERS:
        fighter = FIGHTERS.pop()
        fighter.terminate()
        fighter.wait(10)


def _far_gone(cluster: Cluster) -> None:
    cluster.lab.etcd.ctl("del", _lease(250))


def _port(cluster: Cluster, mtu: int) -> None:
    """Set what the switch takes at the port of n2."""
    cluster.lab.namespace("switch").ip("link", "set", "n2", "mtu", str(mtu))


CASES = {
    "not_forwarding": Case(
        lambda c: sysctl(c, "ipv4.ip_forward", 0),
        lambda c: sysctl(c, "ipv4.ip_forward", 1),
        lambda _: about("n2", "not_forwarding"),
    ),
    "unresolved": Case(
        lambda c: c.host("n2").unplug(),
        lambda c: c.host("n2").plug(),
        lambda _: about("n2", "unresolved"),
        also=by("n2", "unresolved"),
    ),
    "unreachable": Case(
        lambda c: _nft(c, WALL),
        lambda c: _nft(c, "delete table ip wall"),
        lambda _: both_ways("n2", "unreachable"),
    ),
    "rp_filter": Case(
        _strict,
        _loose,
        lambda _: {("n1", "n2"): "rp_filter", ("n2", "n1"): "shadowed"},
    ),
    "no_way_back": Case(
        lambda c: _strange_route(c, "add"),
        lambda c: _strange_route(c, "del"),
        lambda _: {("n1", "n2"): "no_way_back", ("n2", "n1"): "shadowed"},
    ),
    "path_filtered": Case(
        lambda c: _nft(c, CLOUD),
        lambda c: _nft(c, "delete table ip cloud"),
        lambda _: both_ways("n2", "path_filtered"),
    ),
    "mtu": Case(
        lambda c: _port(c, 1400),
        lambda c: _port(c, 1500),
        lambda _: both_ways("n2", "mtu"),
    ),
    "shadowed": Case(
        lambda c: _detour(c, "add"),
        lambda c: _detour(c, "del"),
        lambda _: {("n2", "n1"): "shadowed"},
    ),
    "conflict": Case(_steal, _give_back, lambda _: {("n2", "n1"): "conflict"}),
    "fight": Case(
        _deleting,
        _giving_up,
        lambda _: {("n2", "n1"): "fight"},
        also={("n1", "n2"): "no_way_back", ("n2", "n1"): "failed"},
        cleared=TRUCE + CLEARED,
    ),
    "duplicate_address": Case(
        take_address,
        give_address_back,
        lambda _: {**about("n1", "duplicate_address"), **about("n2", "duplicate_address")},
        started="n2",
    ),
    # Where it leads to, packets for n1 do not come back to it: it has no way to know why.
    "duplicate_address of a stranger": Case(
        _stranger_comes,
        _stranger_goes,
        lambda _: about("n1", "duplicate_address"),
        also=by("n1", "unreachable"),
    ),
    "rejected_kept": Case(_nonsense, _far_gone, lambda _: about("far", "rejected_kept")),
    "rejected": Case(
        lambda c: _far(c, NOWHERE),
        _far_gone,
        lambda _: about("far", "rejected"),
        explained="bad_address",
    ),
    "off_subnet": Case(
        lambda c: _far(c, OFF_LINK), _far_gone, lambda _: about("far", "off_subnet")
    ),
    # The last: for ten minutes after it, the guard counts what was removed.
    "held": Case(
        _many_gone,
        _believed,
        lambda _: {
            pair: it for n in range(240, 246) for pair, it in about(f"x{n}", "held").items()
        },
        explained="kept in force",
    ),
}
