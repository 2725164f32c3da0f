"""Real etcd processes on loopback, in temporary folders: alone or as a cluster, plain or with TLS.

Ports are looked for below the kernel's ephemeral range, so that a member that restarts finds its
port free. A process dies with the tests (`setpriv --pdeathsig`), and is only ever stopped by us
through its own `Popen`. Auto-compaction is off, as in etcd's default: tests compact by hand.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.certificates import Identity
from support.waiting import eventually


def free_port() -> int:
    """Give a TCP port of loopback that nobody listens on, and that no connection is given."""
    while True:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@dataclass
class EtcdServer:
    """One member. `tls` makes it ask its clients for certificates of the same authority."""

    folder: Path
    name: str = "default"
    tls: Identity | None = None
    arguments: Sequence[str] = ()
    host: str = "127.0.0.1"
    client_port: int = field(default_factory=free_port)
    peer_port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    peers: Sequence[EtcdServer] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.client_port}"

    @property
    def peer_url(self) -> str:
        """Where the other members reach it."""
        return f"http://127.0.0.1:{self.peer_port}"

    @property
    def pid(self) -> int:
        """The process id, while it runs."""
        assert self.process is not None, f"etcd {self.name} is not running"
        return self.process.pid

    def launch(self) -> None:
        """Start the process; `wait_healthy` says when it serves."""
        cluster = ",".join(f"{member.name}={member.peer_url}" for member in self.peers or [self])
        tls = self.tls
        command = [
            *("setpriv", "--pdeathsig", "KILL", "etcd", "--name", self.name),
            *("--data-dir", str(self.folder / "data"), "--logger", "zap", "--log-level", "warn"),
            *("--listen-client-urls", self.url, "--advertise-client-urls", self.url),
            *("--listen-peer-urls", self.peer_url, "--initial-advertise-peer-urls", self.peer_url),
            *("--initial-cluster", cluster, "--initial-cluster-state", "new"),
            *("--listen-metrics-urls", f"http://127.0.0.1:{self.metrics_port}"),
            *(("--cert-file", str(tls.cert), "--key-file", str(tls.key)) if tls else ()),
            *(("--trusted-ca-file", str(tls.ca), "--client-cert-auth") if tls else ()),
            *self.arguments,
        ]
        # The administrator's ETCD_* would be read as flags.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ETCD")}
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def wait_healthy(self, within: float = 20.0) -> None:
        """Wait until it serves with a leader."""

        def healthy() -> bool:
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"etcd {self.name} has ended: {self.log()}")
            url = f"http://127.0.0.1:{self.metrics_port}/health"
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:
                    return bool(json.load(answer)["health"] == "true")
            except (urllib.error.URLError, OSError):
                return False

        eventually(healthy, within=within, what=f"a healthy etcd\n{self.log()}")

    def start(self) -> EtcdServer:
        """Start and wait until it serves; its data folder is kept from before."""
        self.launch()
        self.wait_healthy()
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process, also a paused one; one that has ended is no error."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.send_signal(signal.SIGCONT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def kill(self) -> None:
        """End it as a crash would."""
        self.stop(signal.SIGKILL)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Freeze the process: its sockets stay open, and nobody answers."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            if self.process is not None:
                os.kill(self.pid, signal.SIGCONT)

    def log(self) -> str:
        """Give the end of what it has written."""
        path = self.folder / "log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""


@dataclass
class EtcdCluster:
    """Several members that make a quorum."""

    members: list[EtcdServer]

    @classmethod
    def build(cls, folder: Path, size: int, *, arguments: Sequence[str] = ()) -> EtcdCluster:
        """Give a cluster that is not started yet."""
        members = [
            EtcdServer(folder / f"m{i}", name=f"m{i}", arguments=arguments) for i in range(size)
        ]
        for member in members:
            member.peers = members
        return cls(members)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The clients' URLs of all members."""
        return tuple(member.url for member in self.members)

    def start(self) -> EtcdCluster:
        """Start every member and wait until each serves with a leader."""
        for member in self.members:
            member.launch()
        for member in self.members:
            member.wait_healthy()
        return self

    def stop(self) -> None:
        """End every member."""
        for member in self.members:
            member.stop(signal.SIGKILL)

    def by_url(self, url: str) -> EtcdServer:
        """Give the member that serves at this endpoint."""
        return next(member for member in self.members if member.url == url)

    def leader(self) -> EtcdServer:
        """Give the member that leads, as the members themselves say."""
        ctl = EtcdCtl(self.endpoints)
        statuses = ctl("endpoint", "status")
        for status in statuses:
            if status["Status"]["leader"] == status["Status"]["header"]["member_id"]:
                return self.by_url(status["Endpoint"])
        raise AssertionError(f"no leader in {statuses}")


@dataclass
class EtcdCtl:
    """The independent witness: etcd's own command, giving what `-w json` prints."""

    endpoints: Sequence[str]
    user: str = ""
    tls: Identity | None = None

    def run(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run one command and give its output; an AssertionError carries what it said."""
        tls = self.tls
        command = [
            *("etcdctl", "--endpoints", ",".join(self.endpoints)),
            *(("--user", self.user) if self.user else ()),
            *(("--cacert", str(tls.ca), "--cert", str(tls.cert)) if tls else ()),
            *(("--key", str(tls.key)) if tls else ()),
            *arguments,
        ]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ETCD")}
        done = subprocess.run(
            command,
            env={**environment, "ETCDCTL_API": "3"},
            input=stdin,
            capture_output=True,
            timeout=20,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr.decode()}"
        return done.stdout.decode()

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Any:
        """Run one command; give its JSON, or the bare text where it knows no JSON."""
        output = self.run(*arguments, "-w", "json", stdin=stdin)
        try:
            return json.loads(output)
        except ValueError:
            return output

    def revision(self) -> int:
        """Give the store's revision."""
        return int(self("get", "\\0")["header"]["revision"])

    def values(self, prefix: str) -> dict[str, str]:
        """Every key under a prefix with its value, in key order."""
        lines = self.run("get", "--prefix", prefix).splitlines()
        return dict(zip(lines[::2], lines[1::2], strict=True))
