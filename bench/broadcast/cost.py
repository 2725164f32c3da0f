"""What a broadcast costs the machine: CPU time, by how many must hear it.

A container sends many announcements from a thread that is kept on one core. The kernel carries a
frame through veth cables and bridges in the very system call that sends it (net_rx_action, in the
softirq that ends it), on the same core, so all the copies that it makes and all the stacks that
look at them are in the thread's CPU time. Whether that was so is seen each time: the farthest
container must have received every frame when the last call returns, or the round does not count.
With macvlan the kernel hands broadcasts to a worker of its own, so this cannot be measured there.

No packet socket listens meanwhile. One machine does here what all hosts of a cluster do together:
the time is that of all of them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from bench.broadcast.attachment import Attachment
from bench.broadcast.counters import Counters
from bench.broadcast.law import Arrangement, audience
from bench.broadcast.voice import Voice
from bench.samples import Samples

from hostgw_cli.lab.topology import LabError

FRAMES: Final = 50  # a round
ROUNDS: Final = 11
MOST: Final = 300  # rounds that are tried for these
_PAUSE: Final = 0.05  # seconds between two, for what else the core has to do


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of one broadcast that `stacks` hear, a sample a round."""

    arrangement: Arrangement
    hosts: int
    containers: int
    stacks: int
    broadcast: Samples


def measure(attachment: Attachment) -> Cost | None:
    """Send from the first host's first container; None where it cannot be measured.

    Raise LabError when the kernel did the work elsewhere in too many rounds, OSError.
    """
    if attachment.arrangement is Arrangement.FLAT_MACVLAN:
        return None
    hosts = attachment.lab.hosts
    sender = hosts[0].containers[0]
    # The last that is flooded to: with host-gw no other host's container hears it.
    far = hosts[0 if attachment.arrangement is Arrangement.HOST_GW else -1].containers[-1]
    with Voice.of(sender) as voice, Counters.open(far.namespace) as counters, _one_core():
        rounds: list[float] = []
        for _ in range(MOST):
            before = counters.received()["eth0"]
            began = time.thread_time()
            for _ in range(FRAMES):
                voice.say()
            took = time.thread_time() - began
            if counters.received()["eth0"] - before == FRAMES:
                rounds.append(took / FRAMES)
            if len(rounds) == ROUNDS:
                break
            time.sleep(_PAUSE)
        else:
            raise LabError(
                f"the kernel carried the frames elsewhere in {MOST - len(rounds)} of {MOST} rounds:"
                " the machine is too busy to measure CPU time"
            )
    count, containers = len(hosts), len(hosts[0].containers)
    stacks = audience(attachment.arrangement, count, containers).stacks
    return Cost(attachment.arrangement, count, containers, stacks, Samples.of(rounds))


@contextmanager
def _one_core() -> Iterator[None]:
    """Keep the calling thread on one of the cores that it may use."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
