"""A stream of echo requests to many addresses, each answered or lost: when, and how many.

The kernel of the other end answers. Every address is a flow of its own to a route of several ways,
which the kernel chooses by source and destination.
"""

from __future__ import annotations

import itertools
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from hostgw_cli.lab.netns import Namespace

PACE = 0.001  # seconds between two requests
LATE = 1.0  # seconds that the last answers may take


class Echoes:
    """What was sent at which moment (seconds of time.monotonic), and what came back."""

    def __init__(self) -> None:
        self.sent: dict[int, float] = {}
        self.answered: set[int] = set()

    def lost(self, *, since: float = 0.0) -> int:
        """Count the requests sent since a moment that nobody has answered."""
        return sum(at >= since and n not in self.answered for n, at in self.sent.items())


@contextmanager
def echoes(sender: Namespace, source: str, destinations: Sequence[str]) -> Iterator[Echoes]:
    """Send while the block runs; at its end the last answers are waited for."""
    sender.run("sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
    with sender.enter():
        mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    seen, stop = Echoes(), threading.Event()

    def send() -> None:
        for number in itertools.count(1):
            if stop.wait(PACE):
                return
            seen.sent[number] = time.monotonic()
            request = struct.pack("!BBHHHI", 8, 0, 0, 0, number & 0xFFFF, number)
            with suppress(OSError):  # it counts as lost
                mouth.sendto(request, (destinations[number % len(destinations)], 0))

    with mouth:
        mouth.bind((source, 0))
        mouth.settimeout(LATE)
        threads = [
            threading.Thread(target=send, daemon=True),
            threading.Thread(target=_hear, args=(mouth, seen, stop), daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            yield seen
        finally:
            stop.set()
            for thread in threads:
                thread.join()


def _hear(mouth: socket.socket, seen: Echoes, stop: threading.Event) -> None:
    while True:
        try:
            answer = mouth.recv(64)
        except TimeoutError:
            if stop.is_set():
                return
        except OSError:
            continue  # somebody says that it cannot go on
        else:
            seen.answered.add(struct.unpack_from("!I", answer, 8)[0])
