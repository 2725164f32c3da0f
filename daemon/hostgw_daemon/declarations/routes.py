"""How routes are written, watched, and let go."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hostgw_core.settings import Check, Setting, Value, kinds

_DAY = 86400
_LOCAL_TABLE = 255
_LEAST_MTU = 1280  # RFC 8200, section 5: no IPv6 route may have less

_STATES = kinds.choice("unreachable", "unresolved", "not_forwarding", "path_filtered")
_NOWHERE = kinds.choice("none", "blackhole", "unreachable")

ROUTES = (
    Setting(
        name="route-table",
        kind=kinds.integer(1, 2**32 - 1),
        default="254",
        help="The routing table for all routes; 254 is main. What sends packets to another one "
        "(ip rule) is yours.",
    ),
    Setting(
        name="vrf",
        kind=kinds.LINK,
        help="A VRF device: its table is where the routes go, also when it gets another one. The "
        "interface that leads to the other nodes must be in it.",
    ),
    Setting(
        name="route-src",
        kind=kinds.address(),
        repeatable=True,
        separator=",",
        help="The source address, one a family, of what this host itself sends to containers "
        "elsewhere; by default the interface's. It must be on this host: while it is not, routes "
        "are written without it.",
    ),
    Setting(
        name="route-mtu",
        kind=kinds.integer(0, 65520, "BYTES"),
        default="0",
        help="The MTU of all routes to other nodes; 0 leaves it to the interface.",
    ),
    Setting(
        name="route-metric",
        kind=kinds.integer(0, 2**32 - 1),
        default="0",
        help="One metric for all routes to other nodes; 0 gives each its own, computed from its "
        "destination, which the kernel handles much faster.",
    ),
    Setting(
        name="ipv4-via-ipv6",
        kind=kinds.BOOLEAN,
        default="false",
        help="Reach IPv4 subnets by the IPv6 addresses of their nodes, for a link on which nodes "
        "have no IPv4 addresses. This node then needs an IPv6 address, and tells it with its "
        "lease; a peer that tells none is reached by its IPv4 address.",
    ),
    Setting(
        name="own-subnet-route",
        kind=_NOWHERE,
        default="none",
        help="What becomes of packets to this node's own subnet while no bridge is there for it: "
        "blackhole drops them, unreachable answers with an ICMP error. none: they leave by the "
        "default route, and may come back.",
    ),
    Setting(
        name="ip-blackhole-route",
        kind=kinds.BOOLEAN,
        default="false",
        flannel=True,
        help="The same as --own-subnet-route=blackhole, which it yields to.",
    ),
    Setting(
        name="unassigned-route",
        kind=_NOWHERE,
        default="none",
        help="The same for packets to the parts of the cluster's network that no node has.",
    ),
    Setting(
        name="audit-interval",
        kind=kinds.seconds(1, _DAY),
        default="60s",
        help="How often all routes are compared with the kernel's, beside whenever it says that "
        "something changed.",
    ),
    Setting(
        name="removal-grace",
        kind=kinds.seconds(0, 3600),
        default="2s",
        help="How long a route outlives the lease that goes from the store, unless somebody else "
        "gets the subnet: time to put back what was deleted by mistake.",
    ),
    Setting(
        name="removal-hold",
        kind=kinds.seconds(0, 7 * _DAY),
        default="5m",
        help="How long routes outlive leases that go in such number that it looks like an "
        "accident; after that those go whose gateway does not answer on the link. 0: not at all.",
    ),
    Setting(
        name="withdraw-states",
        kind=replace(_STATES, word="STATE"),
        repeatable=True,
        separator=",",
        help="Withdraw the routes to nodes that are in one of these states, as probes find it: "
        "unreachable, unresolved, not_forwarding, path_filtered. Another route, or an ICMP error, "
        "may then take their place; they are put back at once when it is over. By default no state "
        "removes a route.",
    ),
    Setting(
        name="withdraw-after",
        kind=kinds.seconds(1, _DAY),
        default="30s",
        help="How long a node must be in such a state before its routes are withdrawn; each time "
        "that it comes and goes within ten minutes, twice as long.",
    ),
    Setting(
        name="withdraw-floor",
        kind=kinds.PERCENT,
        default="50%",
        help="The share of the other nodes, in each family, whose routes are never withdrawn. If "
        "more are in such a state than may go, nobody's routes go: it may be this node that is "
        "cut off.",
    ),
)


def _not_local(table: Value) -> str:
    return (
        f"{table.text} is the kernel's own table of this host's addresses; take another"
        if table.value == _LOCAL_TABLE
        else ""
    )


def _one_table(table: Value, vrf: Value) -> str:
    return (
        f"the VRF {vrf.text} has a table of its own; leave one of the two out"
        if vrf.value and table.given
        else ""
    )


def _one_a_family(sources: Value) -> str:
    counts = Counter(address.version for address in sources.value)
    many = [version for version, count in counts.items() if count > 1]
    return f"names several IPv{many[0]} addresses; a route has one" if many else ""


def _enough(mtu: Value) -> str:
    if not 0 < mtu.value < _LEAST_MTU:
        return ""
    return f"{mtu.text} is less than {_LEAST_MTU}, which IPv6 needs"


def _probed(states: Value, probe: Value) -> str:
    return (
        "needs probes, by which a state is found; leave --probe=false out"
        if states.value and not probe.value
        else ""
    )


ROUTE_CHECKS = (
    Check(("route-table",), _not_local),
    Check(("route-table", "vrf"), _one_table),
    Check(("route-src",), _one_a_family),
    Check(("route-mtu",), _enough),
    Check(("withdraw-states", "probe"), _probed),
)
