"""Every change of every host's IPv4 routes, as the kernels tell it: read by nobody's daemon."""

from __future__ import annotations

import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

from bench.witness import Seen, Witness

from chaos.record import RouteChange
from hostgw_cli.lab.netns import Namespace

_TURN = 0.05  # seconds between two looks at who takes part


class RouteWitness:
    """Listens in a thread of its own. Made by `witnessing`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._witnesses: dict[int, Witness] = {}
        self._changes: list[RouteChange] = []
        self._end = False

    def open(self, host: int, inside: Namespace) -> None:
        """Listen to a host, in place of what it was before."""
        self.close(host)
        witness = Witness.open(inside)
        with self._lock:
            self._witnesses[host] = witness

    def close(self, host: int) -> None:
        """Listen to a host no longer: an open socket would keep its namespace alive."""
        with self._lock:
            witness = self._witnesses.pop(host, None)
            if witness is not None:
                self._take(host, witness)
                witness.__exit__()

    def changes(self) -> list[RouteChange]:
        """Give what has been seen since the last call."""
        with self._lock:
            for host, witness in self._witnesses.items():
                self._take(host, witness)
            found, self._changes = self._changes, []
        return found

    def run(self) -> None:
        """Read what is said as it is said, until `end`."""
        while not self._end:
            poll = select.poll()
            with self._lock:
                for witness in self._witnesses.values():
                    poll.register(witness, select.POLLIN)
            poll.poll(_TURN * 1000)
            with self._lock:
                for host, witness in self._witnesses.items():
                    self._take(host, witness)

    def end(self) -> None:
        """Let `run` end."""
        self._end = True

    def _take(self, host: int, witness: Witness) -> None:
        self._changes += [_change(host, seen) for seen in witness.read()]


@contextmanager
def witnessing() -> Iterator[RouteWitness]:
    """Run a witness while the block lasts."""
    made = RouteWitness()
    thread = threading.Thread(target=made.run, name="routes", daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.end()
        thread.join(5.0)
        for host in list(made._witnesses):
            made.close(host)


def _change(host: int, seen: Seen) -> RouteChange:
    return RouteChange(
        host,
        when=seen.when,
        gone=seen.gone,
        protocol=seen.protocol,
        table=seen.table,
        destination=f"{IPv4Address(seen.destination or bytes(4))}/{seen.length}",
        gateway=str(IPv4Address(seen.gateway)) if seen.gateway else "",
        metric=seen.metric,
    )
