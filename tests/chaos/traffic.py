"""The driver's hand on the pinger: who takes part, and what became of the packets."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos.record import Loss
from hostgw_cli.lab.container import Container

PROGRAM = Path(__file__).with_name("pinger.py")


@dataclass(frozen=True, slots=True)
class Traffic:
    """What became of the packets since the last report; those still on their way do not count."""

    sent: int
    answered: int
    losses: tuple[Loss, ...]


class Pinging:
    """The process that pings. Made by `pinging`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def open(self, host: int, container: Container) -> None:
        """Let a container take part, from the address that it has now."""
        # Ping sockets are for the groups in this range; a new namespace has none.
        container.run("sysctl", "-q", "-w", "net.ipv4.ping_group_range=0 0")
        self._tell(open=[host, str(container.namespace.path), str(container.address)])

    def close(self, host: int) -> None:
        """Let a host's container take part no longer."""
        self._tell(close=host)

    def report(self) -> Traffic:
        """Give what has happened since the last report."""
        said = self._tell(report=True)
        losses = tuple(Loss(*each) for each in said["losses"])
        return Traffic(said["sent"], said["answered"], losses)

    def _tell(self, **command: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
        if not (line := self._process.stdout.readline()):
            raise AssertionError(f"the pinger has ended with {self._process.wait()}")
        return json.loads(line)


@contextmanager
def pinging() -> Iterator[Pinging]:
    """Run the pinger while the block lasts."""
    with subprocess.Popen(
        [sys.executable, "-P", str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            yield Pinging(process)
        finally:
            process.kill()
