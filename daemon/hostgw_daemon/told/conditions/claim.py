"""The lease of this node, and who this node is."""

from __future__ import annotations

from hostgw_core.health import Kind, Severity

_NOTICE, _WARNING, _ERROR = Severity.NOTICE, Severity.WARNING, Severity.ERROR

CLAIM = (
    Kind(
        "draining",
        _WARNING,
        "This node leaves on purpose: its lease is in quarantine until others have let go.",
        "Wait, or see why those that it names do not; `hostgwctl resume` lets this node stay.",
        unready=True,
    ),
    Kind(
        "drained",
        _WARNING,
        "This node has left on purpose: it has no subnet, and keeps nothing on its host.",
        "Stop it, or let it claim again with `hostgwctl resume` or a restart.",
        unready=True,
    ),
    Kind(
        "lease_lost",
        _ERROR,
        "This node has lost its lease.",
        "Nothing, if it passes within seconds; else see who holds the subnet in the store.",
        unready=True,
        explained_by=(
            "identity_unsure",
            "duplicate_identity",
            "duplicate_address",
            "subnets_exhausted",
            "no_config",
            "no_uplink",
        ),
    ),
    Kind(
        "lease_overdue",
        _ERROR,
        "The lease was not renewed in time, and the store may have given it up.",
        "Bring the store back; the same subnet is taken again wherever it is still free.",
        explained_by=("lease_lost",),
    ),
    Kind(
        "lease_disputed",
        _WARNING,
        "Something else writes over the lease of this node again and again.",
        "Stop it: a flanneld that still runs here, another host with this address, a script.",
    ),
    Kind(
        "subnets_exhausted",
        _ERROR,
        "No subnet of the network is free for this node.",
        "Widen the network in <prefix>/config, or release leases of nodes that are gone.",
        unready=True,
        explained_by=("no_config",),
    ),
    Kind(
        "subnet_moved",
        _WARNING,
        "This node has another subnet than before, because its former one was taken.",
        "Restart the containers that still have addresses of the former subnet.",
    ),
    Kind(
        "identity_unsure",
        _NOTICE,
        "A node with the same node id was alive a moment ago, perhaps a former life of this one.",
        "Wait a minute; if the other one still lives then, it is reported as a duplicate.",
        explained_by=("duplicate_identity",),
    ),
    Kind(
        "duplicate_identity",
        _ERROR,
        "Another living node has the same node id.",
        "Delete node-id in the state directory of the copy, give it a machine-id of its own, "
        "and restart it.",
        unready=True,
    ),
    Kind(
        "duplicate_address",
        _ERROR,
        "Another living node already has the address of this node.",
        "Give this host an address of its own.",
        unready=True,
    ),
    Kind(
        "address_claimed",
        _ERROR,
        "Another node claims the address of this node.",
        "Give the other host, which the detail names, an address of its own.",
        explained_by=("duplicate_address",),
    ),
)
