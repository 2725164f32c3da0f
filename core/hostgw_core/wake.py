"""A doorbell of size one: however often it rings, somebody looks once.

An event means "look again" and nothing else, so a thousand events before the look are one event.
"""

from __future__ import annotations

import asyncio


class Wake:
    """Ring from anywhere in the event loop; one task waits."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Ask for a look. Never blocks."""
        self._rung.set()

    @property
    def rung(self) -> bool:
        """Whether somebody has rung since the last look."""
        return self._rung.is_set()

    def take(self) -> bool:
        """Take the ring, if there is one: a look that begins now sees all that rang before."""
        rung = self._rung.is_set()
        self._rung.clear()
        return rung

    async def wait(self, within: float | None = None) -> bool:
        """Wait for the next ring and take it; give False if none came `within` seconds."""
        try:
            async with asyncio.timeout(within):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True
