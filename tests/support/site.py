"""A small site for real daemons: a switch, an etcd beside it, and hosts that come and go.

    host n: eth0   192.168.50.n/20 --+-- br0, the nodes' network (default gateway .254)
            store0 172.31.0.n/16   --+-- br1, where etcd is, so that a host whose eth0 is down or
                                         whose address is somebody else's still reaches it

192.168.51.0/24 is on the link and has nobody: the gateways of peers that tests invent.
Everything is in namespaces of its own; the root namespace has no part in it. The etcd runs in the
switch's namespace, and so does its witness.
"""

from __future__ import annotations

import itertools
import json
import secrets
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hostgw_cli.lab.netns import Namespace, bridge, run_here
from support.etcd_server import EtcdCtl, EtcdServer
from support.waiting import eventually
from support.witness_routes import SeenRoute, WitnessRoutes

GATEWAY = "192.168.50.254"
STORE = "172.31.0.1"
MARK = "203.0.113.254"  # a destination that nobody else writes a route to (RFC 5737)


@dataclass(frozen=True)
class InsideCtl:
    """The witness `etcdctl`, run beside the etcd: call it for JSON, `.run` for text."""

    inside: Namespace
    ctl: EtcdCtl

    def run(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run one command and give its output."""
        with self.inside.enter():
            return self.ctl.run(*arguments, stdin=stdin)

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Any:
        """Run one command and give its JSON."""
        with self.inside.enter():
            return self.ctl(*arguments, stdin=stdin)

    def values(self, prefix: str) -> dict[str, str]:
        """Give every key under a prefix with its value."""
        with self.inside.enter():
            return self.ctl.values(prefix)

    def put_all(self, values: dict[str, str]) -> None:
        """Write keys in one transaction; a value is quoted as Go does it, for 3.4 spoils others."""
        puts = "\n".join(f"put {key} {json.dumps(value)}" for key, value in values.items())
        self.run("txn", stdin=f"\n{puts}\n\n\n".encode())


@dataclass(frozen=True)
class Host:
    """A machine on the switch: its namespace and its address on the shared network."""

    namespace: Namespace
    address: str
    number: int

    @property
    def ip(self) -> Any:
        """Run `ip` on it."""
        return self.namespace.ip

    def ours(self) -> dict[str, str]:
        """Give destination and gateway of the routes of protocol 104, as `ip` sees them."""
        return {dst: gateway for dst, gateway, _ in WitnessRoutes(self.namespace.name).ours()}

    def has(self, routes: dict[str, str]) -> bool:
        """Tell whether our routes are exactly these. An AssertionError shows the difference."""
        ours = self.ours()
        assert ours == routes, (
            f"not there: {routes.items() - ours.items()}, too many: {ours.items() - routes.items()}"
        )
        return True

    def foreign(self) -> set[SeenRoute]:
        """Give every route of somebody else in the main and the local table.

        Not those that the kernel makes for IPv6 by itself, some time after a link came up.
        """
        witness = WitnessRoutes(self.namespace.name)
        return {
            route
            for family in (4, 6)
            for table in (254, 255)
            for route in witness.routes(family, table=table)
            if route.protocol != "104" and (family, route.protocol) != (6, "kernel")
        }

    @contextmanager
    def route_changes(self) -> Iterator[list[str]]:
        """Give a list that has, after the block, every change of a route that `ip monitor` saw.

        Not those of the local table and of IPv6, which the kernel makes by itself.
        """
        seen: list[str] = []
        argv = self.namespace.argv("ip", "-4", "monitor", "route")
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as monitor:
            # A mark at the beginning and one at the end: the monitor hears, and has heard all.
            lines = iter(monitor.stdout or ())
            try:
                eventually(lambda: self._mark(monitor))
                yield seen
                self.namespace.ip("route", "add", "unreachable", MARK, "metric", "7")
                for line in lines:
                    if MARK in line and "metric 7" in line:
                        break
                    if MARK not in line and "table local" not in line:
                        seen.append(line.strip())
            finally:
                monitor.terminate()
        self.namespace.ip("route", "del", "unreachable", MARK, "metric", "7")

    def _mark(self, monitor: subprocess.Popen[str]) -> bool:
        self.namespace.ip("route", "replace", "unreachable", MARK, "metric", "1")
        self.namespace.ip("route", "del", "unreachable", MARK, "metric", "1")
        assert monitor.stdout is not None
        return bool(select.select([monitor.stdout], [], [], 0.05)[0])

    def metric(self, destination: str) -> int:
        """Give the metric of our route to a destination, as `ip` sees it."""
        (metric,) = (
            metric
            for dst, _, metric in WitnessRoutes(self.namespace.name).ours()
            if dst == destination
        )
        return metric


@dataclass
class Site:
    """The switch and what hangs on it. Made by `Site.build`, a context manager.

    `user` is the NAME:PASSWORD that the witness gives, once the etcd asks for one.
    """

    switch: Namespace
    folder: Path
    servers: list[EtcdServer]
    user: str = ""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(10))

    @classmethod
    @contextmanager
    def build(cls, folder: Path, *, members: int = 1, **etcd: Any) -> Iterator[Site]:
        """Make a site with an etcd of so many members, started; `etcd` are more fields of each."""
        with ExitStack() as ends:
            switch = Namespace.create(f"hgt-{secrets.token_hex(4)}")
            ends.callback(switch.delete)
            bridge(switch, "br0", address=f"{GATEWAY}/20")
            bridge(switch, "br1", address=f"{STORE}/16")
            with switch.enter():
                names = [f"m{number}" for number in range(members)]
                servers = [EtcdServer(folder / n, name=n, host=STORE, **etcd) for n in names]
            site = cls(switch, folder, servers)
            for server in servers:
                server.peers = servers
                ends.callback(server.kill)
            site.start_etcd()
            yield site

    @property
    def etcd(self) -> EtcdServer:
        """The etcd, or its first member."""
        return self.servers[0]

    @property
    def endpoints(self) -> str:
        """What a client is given."""
        return ",".join(server.url for server in self.servers)

    @property
    def ctl(self) -> InsideCtl:
        """The witness of the store, on its first member."""
        return self.ctl_on(self.etcd)

    def ctl_on(self, server: EtcdServer) -> InsideCtl:
        """Give the witness on one member."""
        return InsideCtl(self.switch, EtcdCtl((server.url,), self.user, server.tls))

    def start_etcd(self) -> None:
        """Start every member that does not run on the data it has, and wait until all serve."""
        with self.switch.enter():
            for server in self.servers:
                if server.process is None:
                    server.launch()
            for server in self.servers:
                server.wait_healthy()

    def wipe_etcd(self) -> None:
        """Let every member lose its folder at once, and start anew: another history."""
        for server in self.servers:
            server.kill()
            shutil.rmtree(server.folder / "data")
        self.start_etcd()

    @contextmanager
    def host(self, *, address: str = "", default: bool = True) -> Iterator[Host]:
        """Make a host; `default`: it has a default route through eth0 from the beginning."""
        number = next(self._numbers)
        address = address or f"192.168.50.{number}"
        made = Namespace.create(f"hgt-{secrets.token_hex(4)}")
        try:
            self._cable(made, "eth0", f"d{number}", bridge="br0")
            self._cable(made, "store0", f"s{number}", bridge="br1")
            _batch(
                made,
                f"address add {address}/20 dev eth0",
                f"address add 172.31.{number >> 8}.{number & 255}/16 dev store0",
                *([f"route add default via {GATEWAY} dev eth0"] if default else []),
            )
            with made.enter():  # what a container host has; a new namespace may have it or not
                for switch in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
                    Path("/proc/sys/net", switch).write_text("1")
            yield Host(made, address, number)
        finally:
            made.delete()

    def _cable(self, host: Namespace, name: str, port: str, *, bridge: str) -> None:
        peer = f"peer name {port} netns {self.switch.name}"
        _batch(host, f"link add {name} type veth {peer}", f"link set {name} up")
        _batch(self.switch, f"link set {port} master {bridge}", f"link set {port} up")


def _batch(inside: Namespace, *commands: str) -> None:
    run_here(["ip", "-n", inside.name, "-batch", "-"], input="\n".join(commands) + "\n")
