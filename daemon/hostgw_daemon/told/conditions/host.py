"""The daemon's own surroundings."""

from __future__ import annotations

from hostgw_core.health import Kind, Severity

_NOTICE, _WARNING, _ERROR = Severity.NOTICE, Severity.WARNING, Severity.ERROR

_BY_SYSCTL = (
    "Run the command that the detail ends in and keep it for the next boot, or set --fix-sysctls."
)

HOST = (
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
        "probe_failing",
        _WARNING,
        "The other nodes cannot be probed, so it is not known whether packets reach them.",
        "Free the UDP port that the detail names, or set another --probe-port on every node.",
    ),
    Kind(
        "listener_failing",
        _WARNING,
        "Health and metrics cannot be served on an address.",
        "Free the address that the detail names, or set another one.",
    ),
    Kind(
        "forwarding_off",
        _ERROR,
        "This host does not forward packets.",
        _BY_SYSCTL,
    ),
    Kind(
        "rp_filter_strict",
        _WARNING,
        "The reverse path filter drops packets that take another way than their answers.",
        _BY_SYSCTL,
    ),
    Kind(
        "dead_ways_used",
        _WARNING,
        "The kernel goes on using a way to the other nodes whose link has no carrier.",
        _BY_SYSCTL,
    ),
    Kind(
        "bridge_filter_off",
        _WARNING,
        "Bridged packets do not pass iptables, so that services fail between containers of a host.",
        _BY_SYSCTL,
    ),
    Kind(
        "neighbour_table_small",
        _WARNING,
        "The kernel's neighbour table is nearly full, or too small for this cluster.",
        _BY_SYSCTL,
    ),
    Kind(
        "networkd_flushes",
        _WARNING,
        "The program systemd-networkd takes our routes away when it configures the link.",
        "Set ManageForeignRoutes=no for it, as the detail says.",
    ),
    Kind(
        "networkmanager_manages",
        _NOTICE,
        "NetworkManager looks after a bridge of containers.",
        "Have it leave that bridge alone, as the detail says.",
    ),
    Kind(
        "network_overlap",
        _WARNING,
        "The cluster's network and a network or a route of this host overlap.",
        "Do what the detail ends in; the routes to all other subnets work.",
        explained_by=("duplicate_address",),
    ),
    Kind(
        "host_unread",
        _NOTICE,
        "This host, or a part of it, cannot be checked.",
        "Do what the detail ends in, or see its words; routes do not depend on it.",
    ),
)
