"""What the daemon costs when nothing happens: CPU time and memory, unscraped and scraped.

It serves HTTP all the time. A scrape is `GET /metrics` every 15 s, as Prometheus does it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from bench.population import peers
from bench.process import Memory, cpu_seconds, memory
from bench.stage import PROTOCOL, Stage

SCRAPE = 15.0  # seconds
SETTLED = 10.0  # seconds after the start


@dataclass(frozen=True, slots=True)
class Idle:
    """With `count` peers: the share of a core that was used for `seconds`, and memory after it."""

    count: int
    scraped: bool
    seconds: float
    share: float
    memory: Memory


def measure(stage: Stage, sizes: Iterable[int], *, seconds: float) -> list[Idle]:
    """Watch a daemon that has nothing to do, `seconds` unscraped and as long scraped."""
    found = []
    for count in sizes:
        there = peers(count)
        stage.writer.populate(there)
        with stage.daemon() as process:
            stage.witness.arrivals(PROTOCOL, count, within=60)
            stage.wait_ready()
            time.sleep(SETTLED)
            for scraped in (False, True):
                share = _share(stage, process.pid, seconds, every=SCRAPE if scraped else seconds)
                found.append(Idle(count, scraped, seconds, share, memory(process.pid)))
            stage.check(there)
        stage.flush()
    return found


def _share(stage: Stage, pid: int, seconds: float, *, every: float) -> float:
    began, before = time.perf_counter(), cpu_seconds(pid)
    while (left := began + seconds - time.perf_counter()) > 0:
        if every < seconds:
            status, _ = stage.host.http("/metrics", timeout=10)
            assert status == 200, status
        time.sleep(min(left, every))
    return (cpu_seconds(pid) - before) / (time.perf_counter() - began)
