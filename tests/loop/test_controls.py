"""Who obeys orders about the daemon, in virtual time: what is for a while ends by itself."""

from __future__ import annotations

import asyncio
import time

import pytest

from hostgw_core import logs
from hostgw_daemon.controls import Controls
from hostgw_daemon.halt import Halt
from hostgw_daemon.told.controls import Drain, LogLevel, Pause, Resume, Resync

pytestmark = pytest.mark.looptime

BY = "uid 0, pid 7"


class Site:
    """A daemon that can be looked at, halted and made loud, and notes what it is told."""

    def __init__(self) -> None:
        self.halt = Halt()
        self.rung = 0
        self.halt.heed(self._ring)
        self.looks = 0
        self.told: list[str] = []
        self.left: list[tuple[bool, float]] = []
        self.level = logs.Control("warning")
        self.controls = Controls(
            self.halt,
            self.level,
            look=self._look,
            leave=self._leave,
            told=self.told.append,
            log=logs.get(),
        )

    def _ring(self) -> None:
        self.rung += 1

    def _leave(self, *, on: bool, wait: float = 0.0) -> None:
        self.left.append((on, wait))

    def _look(self) -> None:
        self.looks += 1


@pytest.fixture
def site() -> Site:
    """Give one."""
    return Site()


async def test_a_look_at_everything(site: Site):
    """As SIGHUP asks for it."""
    assert "looked at anew" in site.controls.obey(Resync(), BY).done
    assert site.looks == 1


async def test_a_pause_ends_by_itself(site: Site):
    """Until then it says until when and by whose wish; then every bell is rung, once."""
    begun = time.time()
    answer = site.controls.obey(Pause(60, "ann"), BY)
    assert answer.until is not None
    assert 60 <= answer.until - begun < 70
    assert site.halt.on
    assert site.told[0].startswith("until 20")
    assert site.told[0].endswith(" UTC, by the wish of ann (uid 0, pid 7)")
    await asyncio.sleep(59)
    assert (site.halt.on, site.rung) == (True, 0)
    await asyncio.sleep(2)
    assert (site.halt.on, site.rung, site.told[1:]) == (False, 1, [""])
    await asyncio.sleep(600)
    assert site.rung == 1


async def test_a_pause_is_ended_at_once(site: Site):
    """And its own end does nothing more."""
    assert site.controls.obey(Resume(), BY).done == "it was neither paused nor drained"
    assert (site.rung, site.told) == (0, [])
    site.controls.obey(Pause(60), BY)
    assert site.controls.obey(Resume(), BY).done == "the pause is over"
    assert (site.halt.on, site.rung) == (False, 1)
    await asyncio.sleep(30)
    site.controls.obey(Pause(60), BY)
    await asyncio.sleep(40)
    assert site.halt.on  # the end of the first one came and went


@pytest.mark.parametrize(("first", "second"), [(60, 600), (600, 60)])
async def test_of_two_pauses_the_later_order_counts(site: Site, first: float, second: float):
    """It may be longer or shorter."""
    site.controls.obey(Pause(first, "ann"), BY)
    site.controls.obey(Pause(second, "bob"), BY)
    assert site.told[-1].endswith("bob (uid 0, pid 7)")
    await asyncio.sleep(second - 1)
    assert site.halt.on
    await asyncio.sleep(2)
    assert (site.halt.on, site.rung) == (False, 1)


async def test_a_level_falls_back_by_itself(site: Site):
    """To that of the settings, whatever was ordered in between."""
    site.controls.obey(LogLevel("info", None), BY)
    await asyncio.sleep(86400)
    assert site.level.level == "info"
    site.controls.obey(LogLevel("debug", 60), BY)
    await asyncio.sleep(59)
    assert site.level.level == "debug"
    await asyncio.sleep(2)
    assert site.level.level == "warning"


async def test_a_signal_counts_as_an_order_does(site: Site):
    """The end of what was ordered before does not undo it."""
    site.controls.obey(LogLevel("error", 60), BY)
    site.controls.loud()
    await asyncio.sleep(100)
    assert site.level.level == "debug"
    site.controls.usual()
    assert site.level.level == "warning"


async def test_a_node_that_leaves_stays_away_until_it_is_resumed(site: Site):
    """Once; a pause beside it is ended by the same word."""
    assert "quarantine" in site.controls.obey(Drain(20), BY).done
    await asyncio.sleep(100_000)
    assert site.left == [(True, 20)]
    site.controls.obey(Pause(60), BY)
    answer = site.controls.obey(Resume(), BY)
    assert answer.done == "the pause is over; a subnet is claimed again"
    assert site.left == [(True, 20), (False, 0.0)]
    site.controls.obey(Resume(), BY)
    assert site.left == [(True, 20), (False, 0.0)]
