"""A machine with hostgw's units on a small LAN, whose other host runs etcd with two peers in it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hostgw_cli.lab.netns import Namespace
from support.machine import Machine
from support.waiting import eventually

CONFIG = '{"Network": "10.5.0.0/16", "Backend": {"Type": "host-gw"}}'
PEERS = {"10.5.201.0/24": "192.168.50.201", "10.5.202.0/24": "192.168.50.202"}


@dataclass
class ServiceSite:
    """A machine on the first host of a LAN, and an etcd on the second that is started on demand."""

    machine: Machine
    host: Namespace
    other: Namespace
    folder: Path
    etcd: subprocess.Popen[bytes] | None = None

    def start_etcd(self) -> None:
        """Start etcd, with a network configuration and the leases of two peers."""
        url = "http://192.168.50.2:2379"
        with (self.folder / "etcd.log").open("wb") as log:
            self.etcd = self.other.popen(
                [
                    *("setpriv", "--pdeathsig", "KILL", "etcd"),
                    *("--data-dir", str(self.folder / "etcd"), "--logger", "zap"),
                    *("--listen-client-urls", url, "--advertise-client-urls", url),
                    *("--listen-peer-urls", "http://127.0.0.1:2380"),
                ],
                stdout=log,
                stderr=log,
            )
        eventually(lambda: "healthy" in self.etcdctl("endpoint", "health"), what="etcd")
        for subnet, address in PEERS.items():
            value = json.dumps({"PublicIP": address, "BackendType": "host-gw"})
            key = f"/coreos.com/network/subnets/{subnet.replace('/', '-')}"
            self.etcdctl("put", key, value)
        self.etcdctl("put", "/coreos.com/network/config", CONFIG)

    def etcdctl(self, *arguments: str) -> str:
        """Run etcdctl on the other host and give everything it says."""
        done = self.other.run(
            "env",
            "ETCDCTL_API=3",
            "etcdctl",
            "--endpoints=http://192.168.50.2:2379",
            *arguments,
            check=False,
        )
        return done.stdout + done.stderr

    def routes(self) -> dict[str, str]:
        """Give destination and gateway of every route of our protocol on the host."""
        found = self.host.ip_json("route", "show", "proto", "104")
        return {route["dst"]: route["gateway"] for route in found}

    def subnet(self) -> str:
        """Give the subnet that subnet.env tells the container runtime."""
        said = self.machine.run("cat", "/run/flannel/subnet.env")
        found = re.search(r"^FLANNEL_SUBNET=(.+)$", said, re.MULTILINE)
        assert found is not None, said
        return found[1]

    def start(self, unit: str = "hostgwd") -> None:
        """Start a unit and wait for it as an administrator does; its log is in the failure."""
        try:
            self.machine.run("systemctl", "start", unit)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.machine.journal(unit)}") from error

    def state(self, unit: str = "hostgwd") -> str:
        """Give the unit's state, as `systemctl is-active` does."""
        return self.machine.show(unit, "ActiveState")["ActiveState"]

    def pid(self) -> int:
        """Give the daemon's process id, as it is in the container."""
        return int(self.machine.show("hostgwd", "MainPID")["MainPID"])


@contextmanager
def no_route_lost(site: ServiceSite) -> Iterator[None]:
    """Fail if the kernel says that somebody deleted a route to a peer meanwhile."""
    said = site.folder / "monitor"
    with said.open("wb") as file:
        monitor = site.host.popen(["ip", "monitor", "route"], stdout=file)
    try:
        # A route of nobody's comes and goes until the monitor has seen it: from then on it hears.
        def hears() -> bool:
            for verb in ("add", "delete"):
                site.host.ip("route", verb, "unreachable", "198.51.100.0/24")
            return "198.51.100.0/24" in said.read_text()

        eventually(hears, what="the monitor")
        yield
    finally:
        monitor.terminate()
        monitor.wait(10)
    lost = [line for line in said.read_text().splitlines() if line.startswith("Deleted 10.5.20")]
    assert lost == []
