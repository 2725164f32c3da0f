"""A look in its turn: what all nodes see at once is not looked at by all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import random
from typing import Final

SPREAD: Final = 0.01
"""Seconds for each lease there is: ten thousand nodes look within 100 seconds."""


class Turn:
    """Calls `look` once at a random moment, however often it is asked for before that."""

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look
        self._timer: asyncio.TimerHandle | None = None

    def soon(self, crowd: int) -> None:
        """Look at a moment that is the later, on average, the more nodes may do the same."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(crowd * SPREAD * random(), self._take)

    def _take(self) -> None:
        self._timer = None
        self._look()
