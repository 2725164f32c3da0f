"""This host's kernel, asked without the daemon: the routes of our protocol, by `ip -json`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import Any

from hostgw_cli.endings import Unreachable

PROTOCOL = 104
"""The protocol of the daemon's routes; `ip` may know it by the name hostgw (rt_protos.d)."""


def routes() -> list[Mapping[str, Any]]:
    """Give the routes of our protocol in every table, both families. Raise Unreachable."""
    return [
        {**route, "family": family}
        for family in (4, 6)
        for route in _ip(f"-{family}", "route", "show", "table", "all", "proto", str(PROTOCOL))
    ]


def way(address: str) -> Mapping[str, Any] | None:
    """Give the way that the kernel would send a packet, None when it has none."""
    try:
        found = _ip("route", "get", address)
    except Unreachable:
        return None
    return found[0] if found else None


def neighbour(address: str, link: str) -> str:
    """Give the state of an entry of the neighbour table, "" where there is none."""
    try:
        found = _ip("neigh", "show", "to", address, "dev", link)
    except Unreachable:
        return ""
    return " ".join(found[0].get("state", ())) if found else ""


def addresses() -> frozenset[str]:
    """Give the addresses of this host, none where the kernel could not be asked."""
    try:
        links = _ip("address", "show")
    except Unreachable:
        return frozenset()
    return frozenset(
        each["local"] for link in links for each in link.get("addr_info", ()) if "local" in each
    )


def kernel_lines() -> list[str]:
    """Say what stands of ours, for who cannot ask the daemon."""
    try:
        count = len(routes())
    except Unreachable as error:
        return [error.message]
    noun = "route" if count == 1 else "routes"
    sentence = f"The kernel holds {count} {noun} of protocol {PROTOCOL}"
    return [f"{sentence}; what is there carries packets, whether the daemon answers or not."]


def _ip(*arguments: str) -> list[dict[str, Any]]:
    try:
        done = subprocess.run(
            ["ip", "-json", *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except FileNotFoundError:
        raise Unreachable("there is no `ip` on this host: install iproute2") from None
    except subprocess.TimeoutExpired:
        raise Unreachable("the kernel did not answer `ip` within 10 s") from None
    if done.returncode != 0:
        raise Unreachable(f"`ip {' '.join(arguments)}`: {done.stderr.strip()}")
    found: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    return found
