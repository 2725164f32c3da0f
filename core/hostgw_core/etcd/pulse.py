"""Whether the member behind a silent watch lives.

A member that is frozen, or whose host vanished, keeps its connection open as far as TCP knows. The
keepalive of gRPC takes 12 s to see it. Until a watch brings something, its member is therefore
asked for nothing every few seconds, on the same channel; any answer, also a refusal, is life.

A member may live and one of its watches be dead all the same. Of a quiet one etcd tells every ten
minutes how far it has come (twenty at most, if something happened just before); a watch of which
nothing was heard for longer is given up. To open it again costs little, and loses nothing where
etcd has been told to be more seldom.

Timers instead of a task: a watch is an asynchronous generator, and a task group in one would cancel
whoever happens to consume it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from hostgw_core.etcd.api import RANGE
from hostgw_core.etcd.connection import Connection
from hostgw_core.etcd.messages import pulse

EVERY = 3.0  # seconds of silence before the member is asked
PATIENCE = 2.0  # seconds for its answer
STALLED = 1500.0  # seconds without a word of one watch, progress included
_LATE = 0.5  # seconds; a timer that comes later says that we were frozen ourselves


class Pulse:
    """Cancels a stream whose member does not answer, or one of whose watches has died.

    `quietest` gives when the watch was heard that has been quiet the longest, in seconds of
    time.monotonic. `lost` is after how many seconds of silence the stream was cancelled.
    """

    def __init__(
        self, connection: Connection, stream: Any, token: str, *, quietest: Callable[[], float]
    ) -> None:
        self.lost = 0.0
        self._quietest = quietest
        self._connection = connection
        self._stream = stream
        self._token = token
        self._loop = asyncio.get_running_loop()
        self._probe: Any = None
        self._due = 0.0
        self._timer = self._later(EVERY, self._beat)

    def stop(self) -> None:
        """Ask no more."""
        self._timer.cancel()
        if self._probe is not None:
            self._probe.cancel()

    def _later(self, seconds: float, then: Any) -> asyncio.TimerHandle:
        self._due = self._loop.time() + seconds
        return self._loop.call_later(seconds, then)

    def _beat(self) -> None:
        if self._connection.closed:
            return
        now = time.monotonic()
        quiet = now - self._connection.heard
        if now - self._quietest() > STALLED:
            self._give_up(STALLED)
            return
        if quiet < EVERY:
            self._timer = self._later(EVERY - quiet, self._beat)
            return
        self._probe = self._connection.begin(
            RANGE, pulse(), timeout=2 * PATIENCE, token=self._token
        )
        self._timer = self._later(PATIENCE, self._judge)

    def _judge(self) -> None:
        if self._probe.done():
            self._timer = self._later(EVERY - PATIENCE, self._beat)
        elif self._loop.time() - self._due > _LATE:
            self._timer = self._later(PATIENCE, self._judge)
        else:
            self._give_up(EVERY + PATIENCE)

    def _give_up(self, seconds: float) -> None:
        self.lost = seconds
        self.stop()
        self._stream.cancel()
