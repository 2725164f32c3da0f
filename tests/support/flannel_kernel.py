"""What the stand-in for flanneld does to the kernel, by `ip` and `iptables`: routes and rules.

Nothing is taken back at the end, and no route tells whose it is: its protocol is `boot`, as that of
any `ip route add`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from ipaddress import IPv4Network
from typing import Any


def log(sentence: str) -> None:
    """Write a line of the log, which is standard error."""
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201 - it is the program's log


def run(*argv: str, text: str | None = None, check: bool = True) -> str:
    """Run a command and give what it says."""
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        sys.exit(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


class Routes:
    """The routes, as `route_network.go` treats them: by destination, gateway and link alone."""

    def __init__(self, iface: str) -> None:
        self.iface = iface
        self.known: dict[IPv4Network, str] = {}

    def add(self, subnet: IPv4Network, gateway: str) -> None:
        """Put a route up; the first one with this destination goes, if it is another."""
        self.known[subnet] = gateway
        first = next(iter(self._there(subnet)), None)
        if first is not None and not self._same(first, gateway):
            log(f"Replacing existing route to {subnet}")
            via = ["via", first["gateway"]] if "gateway" in first else []
            metric = ["metric", str(first["metric"])] if "metric" in first else []
            where = ["dev", first["dev"], "proto", first["protocol"]]
            run("ip", "route", "del", str(subnet), *via, *metric, *where, check=False)
        first = next(iter(self._there(subnet)), None)
        if first is not None and self._same(first, gateway):
            log(f"Route to {subnet} already exists, skipping.")
            return
        run("ip", "route", "add", str(subnet), "via", gateway, "dev", self.iface, check=False)

    def remove(self, subnet: IPv4Network) -> None:
        """Take a route down, of whatever metric and protocol."""
        gateway = self.known.pop(subnet, None)
        log(f"Subnet removed: {subnet}")
        via = ["via", gateway, "dev", self.iface] if gateway else []
        run("ip", "route", "del", str(subnet), *via, check=False)

    def recover(self) -> None:
        """Add those that are missing."""
        for subnet, gateway in self.known.items():
            if not any(self._same(each, gateway) for each in self._there(subnet)):
                where = ["via", gateway, "dev", self.iface]
                run("ip", "route", "add", str(subnet), *where, check=False)

    def _there(self, subnet: IPv4Network) -> list[dict[str, Any]]:
        said = run("ip", "-json", "-details", "route", "show", "exact", str(subnet), check=False)
        found: list[dict[str, Any]] = json.loads(said or "[]")
        return found

    def _same(self, route: dict[str, Any], gateway: str) -> bool:
        return route.get("gateway") == gateway and route.get("dev") == self.iface


def chain(table: str, parent: str, name: str, comment: str, *rules: str) -> None:
    """Make a chain of flannel's, and the jump to it, as `iptables.go` does."""
    said = ("-m", "comment", "--comment", comment)
    jump = (parent, *said, "-j", name)
    run("iptables", "-t", table, "-N", name, check=False)
    run("iptables", "-t", table, "-F", name)
    run("iptables", "-t", table, "-D", *jump, check=False)
    run("iptables", "-t", table, "-A", *jump)
    for rule in rules:
        condition, _, verdict = rule.rpartition(" -j ")
        run("iptables", "-t", table, "-A", name, *condition.split(), *said, "-j", *verdict.split())


def set_rules(network: IPv4Network, subnet: IPv4Network, *, masquerade: bool) -> None:
    """Set the rules: masquerade if it was asked for, forwarding by default."""
    if masquerade:
        chain(
            *("nat", "POSTROUTING", "FLANNEL-POSTRTG", "flanneld masq"),
            "-m mark --mark 0x4000/0x4000 -j RETURN",
            f"-s {subnet} -d {network} -j RETURN",
            f"-s {network} -d {subnet} -j RETURN",
            f"! -s {network} -d {subnet} -j RETURN",
            f"-s {network} ! -d 224.0.0.0/4 -j MASQUERADE --random-fully",
            f"! -s {network} -d {network} -j MASQUERADE --random-fully",
        )
    chain(
        *("filter", "FORWARD", "FLANNEL-FWD", "flanneld forward"),
        f"-s {network} -j ACCEPT",
        f"-d {network} -j ACCEPT",
    )
