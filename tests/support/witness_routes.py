"""What `ip -json` says about routes: a witness that shares no code with the program it judges."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any, NamedTuple


class SeenRoute(NamedTuple):
    """One route as `ip` prints it; what it does not print is empty or 0."""

    dst: str
    gateway: str
    dev: str
    protocol: str
    metric: int = 0


@dataclass(frozen=True)
class WitnessRoutes:
    """Reads the routing tables of one namespace."""

    namespace: str

    def ip(self, *arguments: str) -> list[dict[str, Any]]:
        """Run `ip -json -n NAMESPACE ...` and give its objects."""
        argv = ["ip", "-json", "-n", self.namespace, *arguments]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        objects: list[dict[str, Any]] = json.loads(done.stdout or "[]")
        return objects

    def routes(self, family: int = 4, *, table: int = 254, protocol: str = "") -> set[SeenRoute]:
        """Give the routes of one table, each leg of a multipath by itself."""
        only = ["proto", protocol] if protocol else []
        try:
            shown = self.ip(f"-{family}", "route", "show", "table", str(table), *only)
        except subprocess.CalledProcessError as error:
            if "table does not exist" in error.stderr:
                return set()
            raise
        return {
            SeenRoute(
                dst=route["dst"],
                gateway=leg.get("gateway", leg.get("via", {}).get("host", "")),
                dev=leg.get("dev", ""),
                protocol=route.get("protocol", "boot"),
                metric=route.get("metric", 0),
            )
            for route in shown
            for leg in route.get("nexthops", [route])
        }

    def ours(self, family: int = 4, *, table: int = 254) -> set[tuple[str, str, int]]:
        """Give destination, gateway and metric of the routes of protocol 104."""
        return {
            (route.dst, route.gateway, route.metric)
            for route in self.routes(family, table=table, protocol="104")
        }
