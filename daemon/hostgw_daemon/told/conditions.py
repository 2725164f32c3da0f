"""Every condition the daemon can be in: the whole table, as data.

Readiness is decided elsewhere (`checks`: lease held, first complete pass done, last pass right). A
kind is `unready` only where the node must not be given work at all; a store that does not answer is
*not*: the routes stand, and an outage of etcd must not take every node out of service at once.

A kind names in `explained_by` what makes it a mere symptom. Titles say what is so, cures say what
to do: one plain sentence each.
"""

from __future__ import annotations

from hostgw_core.health import Kind, Severity

_NOTICE, _WARNING, _ERROR = Severity.NOTICE, Severity.WARNING, Severity.ERROR

# What the cluster shares.
_NETWORK = (
    Kind(
        "no_config",
        _ERROR,
        "The store holds no network configuration yet.",
        "Write the network's JSON to <prefix>/config, or correct --etcd-prefix.",
        unready=True,
        explained_by=("store_unavailable", "store_denied"),
    ),
    Kind(
        "bad_config",
        _ERROR,
        "The network configuration in the store cannot be used; the last good one is in force.",
        "Correct the JSON at <prefix>/config as the detail says.",
    ),
    Kind(
        "outside_config",
        _ERROR,
        "The subnet of this node lies outside the network configuration.",
        "Widen the configuration again, or drain this node and let it take a new subnet.",
    ),
)

# The link that the nodes share.
_UPLINK = (
    Kind(
        "no_uplink",
        _ERROR,
        "No interface was found that leads to the other nodes.",
        "Name it with --iface or --iface-cidr, or give the host a default route.",
        unready=True,
    ),
    Kind(
        "uplink_down",
        _ERROR,
        "The interface that leads to the other nodes is down.",
        "Set the link up and look at its cable; the routes come back by themselves.",
        explained_by=("no_uplink",),
    ),
)

# The store.
_STORE = (
    Kind(
        "store_unavailable",
        _WARNING,
        "The store does not answer; the routes stay as they are.",
        "Look at etcd and the way to it; nothing is to be done on this node.",
        explained_by=("store_denied",),
    ),
    Kind(
        "store_denied",
        _ERROR,
        "The store refuses the credentials or the permission.",
        "Correct the user, password or certificate, or grant the role access to the prefix.",
    ),
    Kind(
        "store_full",
        _ERROR,
        "The store has no room and takes no writes; routes and leases stay as they are.",
        "Run etcdctl compact <the revision>, etcdctl defrag --cluster and etcdctl alarm disarm.",
        explained_by=("store_unavailable", "store_denied"),
    ),
    Kind(
        "store_grows",
        _WARNING,
        "The store fills up, because nobody compacts its history or because it holds too much.",
        "Run etcd with --auto-compaction-retention=1h; etcdctl compact <the revision> and defrag.",
        explained_by=("store_full", "store_unavailable", "store_denied"),
    ),
    Kind(
        "records_refused",
        _WARNING,
        "Some records in the store are not used.",
        "Correct or delete the records that the status lists under refusals.",
    ),
)

# What the guard keeps back.
_GUARD = (
    Kind(
        "headless",
        _WARNING,
        "The store has not answered since the start; this node goes by what it remembers.",
        "Look at etcd and the way to it; nothing is to be done on this node.",
    ),
    Kind(
        "removals_held",
        _WARNING,
        "Leases went from the store as if by accident; the routes to their nodes are kept.",
        "See `hostgwctl hold list`; let go of nodes that are gone with `hostgwctl hold accept`.",
        explained_by=("history_broken", "foreign_history"),
    ),
    Kind(
        "history_broken",
        _ERROR,
        "The store was wiped or restored, and what contradicts the network is not believed.",
        "Nothing, if it passes within minutes; else see `hostgwctl hold list`, and accept or mend.",
    ),
    Kind(
        "foreign_history",
        _ERROR,
        "The store of another cluster answers, and nothing in it is believed.",
        "Correct --etcd-endpoints, or say that it is ours: `hostgwctl hold accept --history`.",
    ),
)

# The lease of this node, and who this node is.
_CLAIM = (
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
        "Widen the network in <prefix>/config, or release the leases of nodes that are gone.",
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
    ),
)

# The routes.
_ROUTES = (
    Kind(
        "routes_failing",
        _ERROR,
        "The kernel refuses some routes.",
        "See the reason of each under missing routes in the status.",
        explained_by=("no_uplink", "uplink_down"),
    ),
    Kind(
        "routes_conflict",
        _ERROR,
        "Routes of somebody else hold the very place that routes of ours need.",
        "Delete the routes that the detail names, or set another --route-metric.",
    ),
    Kind(
        "gateways_off_link",
        _WARNING,
        "Some nodes have addresses that are not on the link of this node.",
        "Put all nodes on one layer-2 network, or correct the address that those nodes publish.",
        explained_by=("no_uplink", "uplink_down"),
    ),
    Kind(
        "shadowed",
        _WARNING,
        "Routes of somebody else take precedence over routes of ours.",
        "Delete the routes that the detail names, or give them a metric above ours.",
    ),
    Kind(
        "fight",
        _ERROR,
        "Something on this host deletes our routes as fast as they are put back.",
        "Find the program (ip monitor route) and make it leave routes of protocol 104 alone.",
    ),
    Kind(
        "masquerade_failing",
        _ERROR,
        "The masquerade and forwarding rules could not be set.",
        "See the detail for the words of nft, or turn off --ip-masq and --iptables-forward-rules.",
    ),
)

# The daemon's own surroundings.
_HOST = (
    Kind(
        "subnet_file_failing",
        _ERROR,
        "The subnet file cannot be written, so containers may start with an old network.",
        "Make room or correct the permissions of the folder of --subnet-file.",
    ),
    Kind(
        "state_dir_failing",
        _WARNING,
        "The state directory cannot be used, so a restart may forget what this node knows.",
        "Make room or correct the permissions of --state-dir.",
    ),
    Kind(
        "listener_failing",
        _WARNING,
        "Health and metrics cannot be served on an address.",
        "Free the address that the detail names, or set another one.",
    ),
)

KINDS: tuple[Kind, ...] = (*_NETWORK, *_UPLINK, *_STORE, *_GUARD, *_CLAIM, *_ROUTES, *_HOST)
CODES: frozenset[str] = frozenset(kind.code for kind in KINDS)
