"""The routes."""

from __future__ import annotations

from hostgw_core.health import Kind, Severity

_WARNING, _ERROR = Severity.WARNING, Severity.ERROR

ROUTES = (
    Kind(
        "no_vrf",
        _ERROR,
        "There is no VRF as --vrf names it, so no route is written.",
        "Make it, as the detail says, or leave --vrf out; routes come by themselves.",
        unready=True,
    ),
    Kind(
        "uplink_outside_vrf",
        _WARNING,
        "The interface that leads to the other nodes is not in the VRF of --vrf.",
        "Put it in with the command that the detail names, or name another one with --iface.",
        explained_by=("no_vrf", "no_uplink"),
    ),
    Kind(
        "ecmp_link_missing",
        _WARNING,
        "A link of --ecmp-iface cannot be used, so that all packets take the others.",
        "Set it up and give it an address as the detail says, or leave it out of --ecmp-iface.",
    ),
    Kind(
        "route_src_missing",
        _WARNING,
        "An address of --route-src is not on this host, so routes are written without it.",
        "Give the address to an interface of this host, or correct --route-src.",
        explained_by=("no_uplink",),
    ),
    Kind(
        "paused",
        _WARNING,
        "Nothing is written to this host: routes, rules and files stay as they are.",
        "It ends by itself at the time that the detail names; `hostgwctl resume` ends it at once.",
    ),
    Kind(
        "route_mtu_impossible",
        _WARNING,
        "The interface does not carry the MTU of --route-mtu, so routes are written without one.",
        "Set --route-mtu to what the detail says at most, or give the interface a larger MTU.",
    ),
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
        "peers_out_of_reach",
        _WARNING,
        "Packets do not reach the containers of some nodes.",
        "See the cause of each, and what to do, with `hostgwctl peers --bad`.",
        explained_by=("no_uplink", "uplink_down"),
    ),
    Kind(
        "routes_withdrawn",
        _WARNING,
        "Routes to nodes that are out of reach are withdrawn, as --withdraw-states asks.",
        "See the cause of each with `hostgwctl peers --bad`; a route comes back with its node.",
        explained_by=("no_uplink", "uplink_down"),
    ),
    Kind(
        "routes_spared",
        _WARNING,
        "So many nodes are out of reach that no more routes are withdrawn: it may be this node.",
        "See whether this node is cut off; --withdraw-floor says how many keep their routes.",
        explained_by=("no_uplink", "uplink_down"),
    ),
)
