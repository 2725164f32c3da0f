"""What the nodes share: the network and the link."""

from __future__ import annotations

from hostgw_core.health import Kind, Severity

_ERROR = Severity.ERROR

NETWORK = (
    Kind(
        "no_config",
        _ERROR,
        "The store holds no network configuration yet.",
        "Write the network's JSON to <prefix>/config, or correct --etcd-prefix.",
        unready=True,
        explained_by=("store_unavailable", "store_denied", "networks_overlap"),
    ),
    Kind(
        "networks_overlap",
        _ERROR,
        "A network has addresses of another one that this node serves, and is not taken up here.",
        "Give the networks ranges that do not overlap, or take one of them out of --networks.",
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

UPLINK = (
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
    Kind(
        "family_missing",
        _ERROR,
        "The cluster uses IPv6 and this host has no IPv6 address on the link; IPv4 goes on.",
        "Give the link an IPv6 address that stays, or switch IPv6 on: its sysctl is disable_ipv6.",
        explained_by=("no_uplink", "uplink_down"),
    ),
)
