"""Whether this daemon may write to its host: one value, asked by every loop that does.

While it is halted each of them goes on to hear, to look and to tell, and writes nothing; what has
rung meanwhile is kept. At the end all their bells are rung, and each does what is left to do. What
a loop is in the middle of when a halt begins, it finishes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pause:
    """By whose wish nothing is written, and until when, in seconds since the epoch."""

    by: str
    until: float


class Halt:
    """Who may not write asks `on`, and gives `heed` the bell that is to be rung at the end."""

    def __init__(self) -> None:
        self.pause: Pause | None = None
        self._bells: list[Callable[[], None]] = []

    @property
    def on(self) -> bool:
        """Whether nothing may be written."""
        return self.pause is not None

    def heed(self, bell: Callable[[], None]) -> Halt:
        """Take the bell of a loop that writes, for as long as this lives; give this."""
        self._bells.append(bell)
        return self

    def begin(self, pause: Pause) -> None:
        """Let nothing be written; one that stands is replaced."""
        self.pause = pause

    def end(self) -> bool:
        """Let all write again; give whether they might not."""
        was = self.on
        self.pause = None
        if was:
            for bell in self._bells:
                bell()
        return was
