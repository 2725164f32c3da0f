"""What else happens to packets: masquerade and forwarding."""

from __future__ import annotations

from hostgw_core.health import Kind, Severity

_ERROR = Severity.ERROR

PACKETS = (
    Kind(
        "masquerade_failing",
        _ERROR,
        "The masquerade and forwarding rules could not be set.",
        "See the detail for the words of nft, or turn off --ip-masq and --iptables-forward-rules.",
    ),
)
