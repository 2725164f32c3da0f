"""What a real daemon says of itself in a real etcd: told when it stands, over when it is over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.daemon import Daemon
from support.daemon_fixtures import Cluster
from support.hostgwctl import Ctl
from support.site import GATEWAY
from support.waiting import eventually

pytestmark = pytest.mark.root

PEER, VIA = "10.77.201.0/24", "192.168.51.201"
TOLD = 40.0  # seconds: it has to stand for ten


def says(cluster: Cluster, node: Daemon) -> dict[str, Any]:
    """Give the node's presence, as etcdctl has it."""
    prefix = f"{cluster.prefix}/hostgw/nodes/"
    found = cluster.ctl.values(prefix)
    return dict(json.loads(found[prefix + node.status["node_id"]]))


def test_what_is_wrong_on_a_node_is_told_to_the_others(cluster: Cluster):
    """A route that a stranger took; each change is one write."""
    cluster.lease(PEER, VIA)
    node = cluster.daemon().start()
    eventually(lambda: node.host.has({PEER: VIA}) and node.well)
    first = says(cluster, node)
    assert first["Conditions"] == []
    assert first["Subnets"] == [node.subnet]
    peers = cluster.key(f"subnets/{PEER.replace('/', '-')}")
    assert first["Applied"] == int(peers["mod_revision"])
    writes = node.metric('hostgw_etcd_requests_total{op="commit",result="ok"}')
    how = (PEER, "via", GATEWAY, "metric", str(node.host.metric(PEER)))
    node.host.ip("route", "replace", *how)
    eventually(lambda: says(cluster, node)["Conditions"] == ["routes_conflict"], within=TOLD)
    shown = json.loads(nodes(cluster, "-o", "json").stdout)["nodes"]
    (row,) = (each for each in shown if each["node_id"] == node.status["node_id"])
    assert (row["conditions"], row["alive"]) == (["routes_conflict"], True)
    assert row["version"] == node.status["version"]
    assert nodes(cluster, "--bad").returncode == 1
    node.host.ip("route", "del", *how)
    eventually(lambda: says(cluster, node)["Conditions"] == [], within=TOLD)
    assert nodes(cluster, "--bad").stdout == "no node has a trouble\n"
    assert node.metric('hostgw_etcd_requests_total{op="commit",result="ok"}') == writes + 2


def nodes(cluster: Cluster, *words: str) -> Any:
    """Run `hostgwctl nodes` where the store is."""
    ctl = Ctl(cluster.site.endpoints, cluster.prefix)
    with cluster.site.switch.enter():
        done = ctl("nodes", *words)
    assert done.returncode in (0, 1), done.stderr
    return done
