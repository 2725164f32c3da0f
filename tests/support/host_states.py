"""What a check of the host may have come to, made of values."""

from __future__ import annotations

from hostgw_daemon.host.findings import Finding, Sysctl
from hostgw_daemon.host.hostcheck import HostState


def found(*codes: str) -> HostState:
    """Find these things wrong with the host."""
    return HostState(tuple(Finding(code, f"what {code} is", "the cure") for code in codes))


FORWARD = Sysctl("net/ipv4/ip_forward", 1)
UNFIXED = HostState(
    (Finding("forwarding_off", "v4", "cure it", (FORWARD,)), Finding("forwarding_off", "v6", "so")),
    refused={FORWARD: "it is read-only"},
)
