"""From one lease in etcd to its route in the kernel: new, moved and deleted, one at a time.

The clock starts just before the write is sent to etcd and stops when the witness has heard of the
route; so etcd's own work is in it, and is given beside it: the time to etcd's answer. For a lease
that moves, the route through its new gateway counts; for one that is deleted, the end of the route.
Pauses between the writes are random, so that they fall in step with nothing.
"""

from __future__ import annotations

import random
import select
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.population import Peer, peers
from bench.samples import Samples
from bench.stage import PROTOCOL, Stage
from bench.witness import Seen

WITHIN = 10.0  # seconds
PAUSE = (0.005, 0.03)  # seconds, the least and the most

KINDS = ("new", "moved", "deleted")


@dataclass(frozen=True, slots=True)
class Latencies:
    """With `count` peers: seconds to the route for a kind of change, and to etcd's answer."""

    count: int
    kind: str
    route: Samples
    answer: Samples


def measure(stage: Stage, sizes: Iterable[int], *, samples: int) -> list[Latencies]:
    """Measure each size with that many samples of every kind."""
    found = []
    for count in sizes:
        there = peers(count)
        stage.writer.populate(there)
        with stage.daemon():
            stage.witness.arrivals(PROTOCOL, count, within=60)
            stage.wait_ready()
            time.sleep(1.0)  # what a start leaves to do is no part of this
            taken = _changes(stage, count, samples)
            stage.check(there)
        stage.flush()
        found += [
            Latencies(count, kind, Samples.of(a for a, _ in pairs), Samples.of(b for _, b in pairs))
            for kind, pairs in taken.items()
        ]
    return found


def _changes(stage: Stage, count: int, samples: int) -> dict[str, list[tuple[float, float]]]:
    """Add a peer, move it, delete it; again and again with other peers."""
    taken: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    put, gone = stage.writer.put, stage.writer.delete
    for number in range(samples):
        peer, life = Peer(count + number % 200), stage.writer.grant()
        moved = peer.elsewhere()
        taken["new"].append(_one(stage, "kv/put", put(peer, life), _came(peer)))
        taken["moved"].append(_one(stage, "kv/put", put(moved, life), _came(moved)))
        taken["deleted"].append(_one(stage, "kv/deleterange", gone(moved), _went(moved)))
    return taken


def _came(peer: Peer) -> Callable[[Seen], bool]:
    where, via = peer.subnet.network_address.packed, peer.gateway.packed
    return lambda seen: not seen.gone and seen.destination == where and seen.gateway == via


def _went(peer: Peer) -> Callable[[Seen], bool]:
    where = peer.subnet.network_address.packed
    return lambda seen: seen.gone and seen.destination == where


def _one(
    stage: Stage, verb: str, body: dict[str, Any], wanted: Callable[[Seen], bool]
) -> tuple[float, float]:
    """Write, and give the seconds to the route and to the answer, whichever comes first."""
    time.sleep(random.uniform(*PAUSE))
    stage.witness.read()
    watch = select.poll()
    watch.register(stage.witness, select.POLLIN)
    watch.register(stage.writer.socket, select.POLLIN)
    began = time.perf_counter()
    stage.writer.begin(verb, body)
    routed = answered = 0.0
    while not (routed and answered):
        ready = watch.poll(WITHIN * 1000)
        if not ready:
            raise TimeoutError(f"no route within {WITHIN:g} s of {verb}")
        for descriptor, _ in ready:
            if descriptor == stage.witness.fileno():
                routed = routed or _moment(stage.witness.read(), wanted)
            else:
                answered = time.perf_counter()
                stage.writer.finish()
    return routed - began, answered - began


def _moment(said: Sequence[Seen], wanted: Callable[[Seen], bool]) -> float:
    return next((seen.when for seen in said if wanted(seen)), 0.0)
