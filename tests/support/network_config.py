"""The network configuration as JSON holds it, in either family, and a reading of it."""

from __future__ import annotations

import json
from typing import Any

from hostgw_core.network import Reading, read_config

BACKEND: dict[str, Any] = {"Backend": {"Type": "host-gw"}}
BASE: dict[str, Any] = {"Network": "10.5.0.0/16", **BACKEND}
BASE6: dict[str, Any] = {
    "EnableIPv4": False,
    "EnableIPv6": True,
    "IPv6Network": "fd00:5::/48",
    **BACKEND,
}


def read(fields: Any) -> Reading:
    """Read a configuration given as what JSON holds."""
    return read_config(json.dumps(fields).encode(), source="F", revision=3)
