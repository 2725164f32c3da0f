"""How the kernel's routes differ from those there should be: pure.

Both are compared by what a person can check with `ip route`: destination, gateway, metric, table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

WITHDRAWN = "withdrawn"
"""The state of a route that is not to be there at present."""

_STRANGE, _STILL = "of our protocol, and not ours", "it is withdrawn, and still there"
_TABLES = {"main": 254, "default": 253, "local": 255}


def difference(
    wanted: Sequence[Mapping[str, Any]], standing: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Give the routes that are missing, and those that nobody asked for.

    `wanted` is `/v1/routes`, `standing` what `ip -json route` gives.
    """
    there = {_key(each): each for each in map(_plain, standing)}
    withdrawn = {_key(each) for each in wanted if each.get("state") == WITHDRAWN}
    asked = {key: each for each in wanted if (key := _key(each)) not in withdrawn}
    missing = [
        {**_shown(route), "state": "missing", "detail": route.get("detail", "") or "deleted"}
        for key, route in asked.items()
        if key not in there
    ]
    strange = [
        {**_shown(route), "state": "strange", "detail": _STILL if key in withdrawn else _STRANGE}
        for key, route in there.items()
        if key not in asked
    ]
    return sorted(missing + strange, key=lambda each: (each["prefix"], each["state"]))


def _plain(route: Mapping[str, Any]) -> dict[str, Any]:
    """Write a route of `ip -json` as `/v1/routes` does."""
    width = "/32" if route.get("family", 4) == 4 else "/128"
    prefix = str(route["dst"])
    if prefix == "default":
        prefix = "0.0.0.0/0" if route.get("family", 4) == 4 else "::/0"
    table = route.get("table", "main")
    via = route.get("gateway") or (route.get("via") or {}).get("host", "")
    return {
        "prefix": prefix if "/" in prefix else prefix + width,
        "gateway": via,
        "metric": int(route.get("metric", 0)),
        "table": int(_TABLES.get(table, table))
        if str(table).isdigit() or table in _TABLES
        else table,
    }


def _key(route: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(route.get(name, "") for name in ("prefix", "gateway", "metric", "table"))


def _shown(route: Mapping[str, Any]) -> dict[str, Any]:
    return {name: route.get(name, "") for name in ("prefix", "gateway", "metric", "table")}
