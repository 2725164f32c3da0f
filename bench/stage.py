"""The stage: one host with a real hostgwd process, one etcd, in namespaces of their own.

The daemon is started without a shell or `ip netns exec` around it, so that the time from its start
is its own. Its state folder is empty at each start; Python's bytecode cache is warm, as it is on
every host where it has run once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.population import CLUSTER, LENGTH, Peer
from bench.witness import Witness
from bench.writer import Writer

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.host import Host
from hostgw_cli.lab.netns import Namespace
from hostgw_cli.lab.topology import CLIENT_PORT, LabSpec

PROTOCOL = 104
LINK = "eth0"
PRESENCES = "/coreos.com/network/hostgw/nodes/"
READY_WITHIN = 60.0  # seconds
AT_ONCE = ("--removal-grace=0s", "--removal-hold=0s")
"""A deleted lease is timed to its route's end, and not to the end of the daemon's patience."""


class Stage:
    """What every measurement stands on."""

    def __init__(self, lab: Lab, writer: Writer, witness: Witness) -> None:
        self.lab = lab
        self.writer = writer
        self.witness = witness
        self.host: Host = lab.hosts[0]
        self.inside: Namespace = self.host.namespace
        self.folder: Path = self.host.folder
        self.folder.mkdir(parents=True, exist_ok=True)

    @classmethod
    @contextmanager
    def up(cls, name: str) -> Iterator[Stage]:
        """Build it for as long as the block lasts."""
        spec = LabSpec(
            nodes=1, name=name, network=CLUSTER, subnet_len=LENGTH, containers=0, daemons=False
        )
        with Lab.up(spec) as lab:
            member = lab.etcd.members[0].namespace
            with (
                Writer.open(member, CLIENT_PORT) as writer,
                Witness.open(lab.hosts[0].namespace) as witness,
            ):
                yield cls(lab, writer, witness)

    def start(self, argv: Sequence[str], *, log: str = "log") -> subprocess.Popen[bytes]:
        """Start a program in the host's namespace."""
        with (
            (self.folder / log).open("ab") as output,
            self.inside.enter(),
        ):
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )

    def daemon_argv(self, *extra: str) -> list[str]:
        """Give the daemon's command."""
        return self.host.daemon_argv([f"--iface={LINK}", *AT_ONCE, *extra])

    @contextmanager
    def daemon(self, *extra: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run the daemon from an empty state for as long as the block lasts; its routes stay."""
        self.forget_daemon()
        process = self.start(self.daemon_argv(*extra))
        try:
            yield process
        finally:
            end(process)

    def forget_daemon(self) -> None:
        """Leave nothing of an earlier run but its lease: no file, no presence."""
        for name in ("state", "run"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.host.subnet_file.unlink(missing_ok=True)
        self.writer.forget([PRESENCES])

    def wait_ready(self) -> None:
        """Wait until the daemon says that it is ready. Raise TimeoutError."""
        end = time.perf_counter() + READY_WITHIN
        while not self.host.ready:
            if time.perf_counter() > end:
                raise TimeoutError(f"not ready; see {self.folder / 'log'}")
            time.sleep(0.02)

    def flush(self, protocol: int | str = PROTOCOL) -> None:
        """Remove all routes of a protocol."""
        self.inside.ip("-4", "route", "flush", "proto", str(protocol))
        self.witness.read()

    def routes(self, protocol: int | str = PROTOCOL) -> dict[str, tuple[str, int]]:
        """Give gateway and metric of each destination, as `ip` shows them."""
        found: list[dict[str, Any]] = self.inside.ip_json("route", "show", "proto", str(protocol))
        return {each["dst"]: (each["gateway"], each.get("metric", 0)) for each in found}

    def check(self, peers: Sequence[Peer], protocol: int | str = PROTOCOL) -> None:
        """See with `ip` that the table holds exactly these peers. Raise AssertionError."""
        there = {prefix: gateway for prefix, (gateway, _) in self.routes(protocol).items()}
        wanted = {str(peer.subnet): str(peer.gateway) for peer in peers}
        if there != wanted:
            odd = sorted(set(there.items()) ^ set(wanted.items()))[:3]
            raise AssertionError(f"{len(there)} routes, {len(wanted)} wanted; such as {odd}")


def end(process: subprocess.Popen[bytes], *, within: float = 10.0) -> None:
    """Ask a program to end, and kill it when it does not."""
    process.terminate()
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
