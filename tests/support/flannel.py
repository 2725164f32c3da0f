"""flannel on a host of the lab: the stand-in of `flanneld.py`, beside or instead of hostgwd."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from hostgw_cli.lab import processes
from hostgw_cli.lab.host import Host
from support import flanneld
from support.waiting import eventually


class Flannel:
    """flannel on one host, with the `subnet.env` that the host's hostgwd has too."""

    def __init__(self, host: Host, endpoints: str) -> None:
        self.host = host
        self.log = host.folder / "flanneld.log"
        self.process: processes.Process | None = None
        self._endpoints = endpoints

    def start(self, *flags: str) -> Flannel:
        """Start it and wait until it runs its backend."""
        self.host.folder.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        argv = [
            *[sys.executable, "-P", "-m", flanneld.__name__],
            f"-etcd-endpoints={self._endpoints}",
            f"-subnet-file={self.host.subnet_file}",
            *flags,
        ]
        self.process = processes.start(
            "flanneld",
            argv,
            inside=self.host.namespace,
            log=self.log,
            environment={"PYTHONPATH": str(Path(flanneld.__file__).parent.parent)},
        )
        eventually(lambda: "Running backend" in self.said(), what=f"flannel on {self.host.name}")
        return self

    def said(self) -> str:
        """Give its log, which must not have ended."""
        text = self.log.read_text()
        assert self.running, f"flannel has ended: {text}"
        return text

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.alive

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it; everything that it has made stays."""
        assert self.process is not None
        assert processes.stop(self.process, number)

    def renew(self) -> None:
        """Let it renew its lease, as it does an hour before the lease's end."""
        assert self.process is not None
        processes.send(self.process, signal.SIGUSR1)
        eventually(lambda: "Lease renewed" in self.said())
