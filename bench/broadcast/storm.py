"""The loop without a spanning tree: one broadcast, and how often everybody hears it.

Bounded three times over. A fuse cuts the loop after a fraction of a second; it cuts too when this
program ends in any way; and two cables make no more than two copies that go round, one in each
direction: the machine is as busy as one core can be, and its memory does not fill. What is counted
are the kernel's own frame counters, for a witness in Python could not keep up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from bench.broadcast.counters import Counters
from bench.broadcast.fuse import Fuse
from bench.broadcast.twin import TRUNKS, Twin
from bench.broadcast.voice import Voice

from hostgw_cli.lab.waiting import wait_for

LASTS: Final = 0.2  # seconds
_WITHIN: Final = 10.0  # seconds until the last frame is where it goes
_STILL: Final = 0.1  # seconds between two readings that must be equal


@dataclass(frozen=True, slots=True)
class Storm:
    """One announcement in a loop that was closed for `seconds`.

    `heard` is how many frames each other container received, the least and the most; `crossings`
    how many went over the two cables between the switches. `after` is what one announcement brought
    to each other container when the loop was cut: 1.
    """

    hosts: int
    containers: int
    seconds: float
    heard: tuple[int, int]
    crossings: int
    after: tuple[int, int]


def measure(twin: Twin) -> Storm:
    """Let it storm once, and see that it is over. Raise LabError, OSError."""
    hosts = twin.lab.hosts
    sender, *others = [each for host in hosts for each in host.containers]
    with Voice.of(sender) as voice, ExitStack() as ends:
        ears = [ends.enter_context(Counters.open(each.namespace)) for each in others]
        trunks = [ends.enter_context(Counters.open(each)) for each in twin.switches]

        def heard() -> list[int]:
            return [each.received()["eth0"] for each in ears]

        def crossed() -> int:
            return sum(each.received()[trunk] for each in trunks for trunk in TRUNKS)

        with Fuse.armed(twin.lab.switch, TRUNKS[1], LASTS) as fuse:
            twin.close()
            before, crossings = heard(), crossed()
            fuse.light()
            voice.say()
            seconds = fuse.blown()
        _calm(heard)
        stormed, crossings = heard(), crossed() - crossings
        voice.say()
        _calm(heard)
        after = heard()
    return Storm(
        len(hosts),
        len(hosts[0].containers),
        seconds,
        _extremes(before, stormed),
        crossings,
        _extremes(stormed, after),
    )


def _calm(heard: Callable[[], list[int]]) -> None:
    """Wait until nobody hears anything any more."""

    def look() -> bool:
        before = heard()
        time.sleep(_STILL)
        return heard() == before

    wait_for(look, what="the end of the storm", within=_WITHIN)


def _extremes(before: list[int], after: list[int]) -> tuple[int, int]:
    grown = [late - early for early, late in zip(before, after, strict=True)]
    return min(grown), max(grown)
