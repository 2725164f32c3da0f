"""The causes: a host, a switch, a cloud or a person that does this, and what every node says."""

from __future__ import annotations

from causes.cluster import Case, Cluster, about, both_ways, by

CLOUD = (
    "add table ip cloud; add chain ip cloud out { type filter hook postrouting priority 300; };"
    " add rule ip cloud out oifname eth0 ip saddr != 198.18.0.2 drop"
)
WALL = (
    "add table ip wall; add chain ip wall in { type filter hook input priority 0; };"
    " add rule ip wall in udp dport 9746 drop"
)
OFF_LINK = '{"PublicIP":"203.0.113.7","BackendType":"host-gw","Node":"far"}'


def _sysctl(cluster: Cluster, name: str, value: int) -> None:
    cluster.host("n2").run("sysctl", "-qw", f"net.ipv4.{name}={value}")


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
    _sysctl(cluster, "conf.all.rp_filter", 1)
    _strange_route(cluster, "add")


def _loose(cluster: Cluster) -> None:
    _strange_route(cluster, "del")
    _sysctl(cluster, "conf.all.rp_filter", 0)


def _far(cluster: Cluster) -> None:
    key = "/coreos.com/network/subnets/10.244.250.0-24"
    cluster.lab.etcd.ctl("put", key, OFF_LINK)


def _far_gone(cluster: Cluster) -> None:
    cluster.lab.etcd.ctl("del", "/coreos.com/network/subnets/10.244.250.0-24")


def _port(cluster: Cluster, mtu: int) -> None:
    """Set what the switch takes at the port of n2."""
    cluster.lab.namespace("switch").ip("link", "set", "n2", "mtu", str(mtu))


CASES = {
    "not_forwarding": Case(
        lambda c: _sysctl(c, "ip_forward", 0),
        lambda c: _sysctl(c, "ip_forward", 1),
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
    "off_subnet": Case(_far, _far_gone, lambda _: {**about("far", "off_subnet")}),
}
