"""Whether the member behind a silent watch lives.

A member that is frozen, or whose host vanished, keeps its connection open as far as TCP knows. The
keepalive of gRPC takes 12 s to see it. Until a watch brings something, its member is therefore
asked for nothing every few seconds, on the same channel; any answer, also a refusal, is life.

Timers instead of a task: a watch is an asynchronous generator, and a task group in one would cancel
whoever happens to consume it.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from hostgw_core.etcd.api import RANGE
from hostgw_core.etcd.connection import Connection
from hostgw_core.etcd.messages import pulse

EVERY = 3.0  # seconds of silence before the member is asked
PATIENCE = 2.0  # seconds for its answer
_LATE = 0.5  # seconds; a timer that comes later says that we were frozen ourselves


class Pulse:
    """Cancels a stream whose member does not answer; `lost` says that it did."""

    def __init__(self, connection: Connection, stream: Any, token: str) -> None:
        self.lost = False
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
        quiet = time.monotonic() - self._connection.heard
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
            self.lost = True
            self.stop()
            self._stream.cancel()
