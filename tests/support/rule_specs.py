"""What a host's daemon asks of the packet filter, in one family and in two."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

from hostgw_daemon.rules.ruleset import Elements, RulesetSpec

SPEC = RulesetSpec(
    networks=(ip_network("10.5.0.0/16"),),
    own=(ip_network("10.5.1.0/24"),),
    masquerade=True,
    forward_rules=True,
)
DUAL = replace(
    SPEC,
    networks=(*SPEC.networks, ip_network("fd00:5::/48")),
    own=(*SPEC.own, ip_network("fd00:5:0:1::/64")),
)

HOST, HOST6 = "192.0.2.1", "fd50::1"
NODES: Elements = {4: frozenset({HOST, "192.0.2.2"}), 6: frozenset({HOST6})}
