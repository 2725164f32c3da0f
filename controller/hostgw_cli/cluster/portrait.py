"""Who is in the picture of a cluster: the store's leases and the daemon's peers together: pure.

A lease that both know is one node; who is in the store alone is a node that the daemon does not
follow, and who is with the daemon alone is one whose lease is gone and held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hostgw_cli.cluster.census import Census
from hostgw_cli.cluster.picture import Node
from hostgw_cli.lease_list import Row, by_subnet


def portrait(
    census: Census, status: Mapping[str, Any], peers: Sequence[Mapping[str, Any]]
) -> list[Node]:
    """Give the nodes in the order of the leases, then those that the daemon alone knows."""
    seen = {peer["key"]: peer for peer in peers}
    own = status.get("claim", {}).get("key", "")
    found = [_of_row(row, census, seen.pop(row.key, None), own=own) for row in census.rows]
    if status and own not in {row.key for row in census.rows}:
        found.insert(0, _self(status))
    rest = sorted(seen.values(), key=lambda peer: by_subnet(peer["subnets"]))
    return found + [_of_peer(peer) for peer in rest]


def _of_row(row: Row, census: Census, peer: Mapping[str, Any] | None, *, own: str) -> Node:
    node = census.nodes.get(row.node_id)
    conditions = node.status.conditions if node and node.status else ()
    here = bool(own) and row.key == own
    if here:
        state = "self"
    elif peer is not None:
        state = peer["state"]
    else:
        state = "silent" if row.alive is False and row.state == "leased" else row.state
    name = row.node or row.node_id or "(flannel)"
    return Node(name, row.subnets, row.gateways, state, conditions, alive=row.alive, here=here)


def _of_peer(peer: Mapping[str, Any]) -> Node:
    subnets, gateways = tuple(peer["subnets"]), tuple(peer["gateways"])
    return Node(peer["node"] or "(flannel)", subnets, gateways, peer["state"])


def _self(status: Mapping[str, Any]) -> Node:
    """Give this host, which has no lease in the store."""
    wrong = tuple(each["code"] for each in status.get("conditions", ()))
    subnets = tuple(status.get("claim", {}).get("subnets", ()))
    addresses = tuple((status.get("uplink") or {}).get("addresses", ()))
    return Node(status["node"], subnets, addresses, "self", wrong, here=True)
