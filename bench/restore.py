"""A route that somebody deletes, and a link that goes down and up: how soon all is back.

A deletion is one netlink message of the benchmark's own; the clock starts just before it is sent
and stops when the witness has heard that the route is there again. Each time it is another route:
one deleted again and again is a fight, and hostgwd gives way after five times in ten seconds.

For the link the clock starts just before the message that sets it up. The kernel drops the routes
of a link that goes down without a word.
"""

from __future__ import annotations

import random
import select
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.population import LENGTH, Peer, peers
from bench.samples import Samples
from bench.stage import LINK, PROTOCOL, Stage
from bench.witness import Witness

WITHIN = 30.0  # seconds
PAUSE = (0.15, 0.35)  # seconds between two deletions: the pass that follows each one has ended
DOWN = 0.5  # seconds that the link stays down

_RTM_DELROUTE, _RTM_NEWLINK = 25, 16
_NLM_F_REQUEST_ACK = 0x5
_MAIN, _NOWHERE = 254, 255  # RT_TABLE_MAIN, RT_SCOPE_NOWHERE: of any scope
_IFF_UP = 1


@dataclass(frozen=True, slots=True)
class Restored:
    """With `count` peers: seconds until a deleted route, or all routes of a link, were back."""

    count: int
    back: Samples


def deletions(stage: Stage, sizes: Iterable[int], *, samples: int) -> list[Restored]:
    """Delete routes one at a time, `samples` of each size."""
    found = []
    for count in sizes:
        there = peers(count)
        with _running(stage, there):
            order = list(there)
            random.shuffle(order)
            with _kernel(stage) as kernel:
                taken = [
                    _delete(stage.witness, kernel, order[number % count])
                    for number in range(samples)
                ]
            stage.check(there)
        found.append(Restored(count, Samples.of(taken)))
    return found


def flaps(stage: Stage, sizes: Iterable[int], *, rounds: int) -> list[Restored]:
    """Take the link down and up, `rounds` times with each size."""
    found = []
    for count in sizes:
        there = peers(count)
        with _running(stage, there), _kernel(stage) as kernel:
            taken = [_flap(stage, kernel, count) for _ in range(rounds)]
            stage.check(there)
        found.append(Restored(count, Samples.of(taken)))
    return found


@contextmanager
def _running(stage: Stage, there: list[Peer]) -> Iterator[None]:
    stage.writer.populate(there)
    with stage.daemon():
        stage.witness.arrivals(PROTOCOL, len(there), within=WITHIN)
        stage.wait_ready()
        time.sleep(1.0)  # what a start leaves to do is no part of this
        yield
    stage.flush()


@contextmanager
def _kernel(stage: Stage) -> Iterator[socket.socket]:
    with stage.inside.enter():
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    with sock:
        sock.bind((0, 0))
        yield sock


def _delete(witness: Witness, kernel: socket.socket, peer: Peer) -> float:
    time.sleep(random.uniform(*PAUSE))
    witness.read()
    where = peer.subnet.network_address.packed
    began = time.perf_counter()
    _ask(kernel, _deletion(where))
    gone = False
    for seen in witness.follow(until=began + WITHIN):
        if seen.destination == where:
            if gone and not seen.gone:
                return seen.when - began
            gone = gone or seen.gone
    raise TimeoutError(f"{peer.subnet} was not put back within {WITHIN:g} s")


def _flap(stage: Stage, kernel: socket.socket, count: int) -> float:
    with stage.inside.enter():
        index = socket.if_nametoindex(LINK)
    _ask(kernel, _link(index, up=False))
    time.sleep(DOWN)
    stage.witness.read()
    began = time.perf_counter()
    _ask(kernel, _link(index, up=True))
    _, last = stage.witness.arrivals(PROTOCOL, count, within=WITHIN)
    return last - began


def _deletion(destination: bytes) -> bytes:
    """Give the message of `ip route delete DESTINATION proto 104`."""
    head = struct.pack("=8BI", socket.AF_INET, LENGTH, 0, 0, _MAIN, PROTOCOL, _NOWHERE, 0, 0)
    return _message(_RTM_DELROUTE, head + struct.pack("=HH4s", 8, 1, destination))


def _link(index: int, *, up: bool) -> bytes:
    """Give the message of `ip link set`."""
    body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, _IFF_UP if up else 0, _IFF_UP)
    return _message(_RTM_NEWLINK, body)


def _message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, _NLM_F_REQUEST_ACK, 1, 0) + body


def _ask(kernel: socket.socket, message: bytes) -> None:
    """Send one message and take its acknowledgement. Raise OSError when it is refused."""
    kernel.send(message)
    if not select.select([kernel], [], [], WITHIN)[0]:
        raise TimeoutError("the kernel gave no answer")
    error = -struct.unpack_from("=i", kernel.recv(4096), 16)[0]
    if error:
        raise OSError(error, "the kernel refused")
