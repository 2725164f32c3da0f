"""What is said of each cause (`evidence.Cause`): what is so, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SENTENCES: Final[Mapping[str, str]] = {
    "ok": "",
    "unprobed": "no packet can take its pods' way yet: it has no pods, or this node has none",
    "unresolved": "its address does not answer on the link (ARP, neighbour discovery): see"
    " whether the host is up, and on the same layer-2 network",
    "duplicate_address": "another host has {host}, too: on the link {hardware}; find the host with"
    " the first of the two, and give it an address of its own (a new network card of the node is"
    " known by the first answers of its daemon)",
    "unreachable": "it answers on the link and not to UDP port {port}: let that port through"
    " its firewall (this host's own, if it is so of all; or another host has its address), or see"
    " whether another program has taken it there, or the host hangs",
    "not_forwarding": "it does not forward packets: `sysctl -w net.ipv4.ip_forward=1` there"
    " (IPv6: net.ipv6.conf.all.forwarding)",
    "rp_filter": "its reverse-path filter drops what comes from our pods, for it has no route"
    " back to them: see why that route is missing there, or set net.ipv4.conf.all.rp_filter=2",
    "no_way_back": "packets of our pods arrive there, and its kernel has no route by which to"
    " answer them through this node: see `hostgwctl routes --diff` and `hostgwctl peers` there",
    "path_filtered": "packets from its address arrive and those from pods do not: turn off the"
    " cloud's source/destination check or port security, or look for a firewall between the hosts",
    "mtu": "small packets arrive and those as large as the link takes do not: raise the MTU of"
    " the network between, or set --mtu on every node",
}

DROPPED: Final = (
    "its firewall drops what it forwards between its pods and other hosts (a rule, or the policy of"
    " a FORWARD chain): `hostgwctl check` there names the chain, and the commands that let it pass"
)

UNHEARD: Final[Mapping[str, str]] = dict.fromkeys(
    ("not_forwarding", "path_filtered"),
    "; no hostgwd answers there (it is stopped, or the node is flannel's), so its kernel alone was"
    " asked: after a restart of the host see first why none runs",
)
"""What is added where a node's daemon has not told how it stands."""

BY_A_RULE: Final[Mapping[str, str]] = {
    "unprobed": "; or no rule sends this host's own packets to table {table}, where its routes"
    " are (--route-table), so that the way cannot be tried: see `ip rule`",
    "path_filtered": "; or no rule of this host sends what comes from its pods to its routes,"
    " in table {table} (--route-table): see `ip rule`",
    "no_way_back": "; or no rule there sends what goes to our pods to the table of its"
    " --route-table (here {table}): see `ip rule`",
}
"""What else it may be where the routes are not in the main table: rules are the operator's."""
