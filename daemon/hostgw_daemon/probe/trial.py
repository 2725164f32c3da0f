"""One way of asking, and what it has brought. Pure.

Each way of asking is a *trial*: good, bad, or not known yet. One question that gets lost proves
nothing, so a trial turns bad after `LOSSES` in a row and good again after `WINS` in a row; the
first answer of all makes it good at once. More in a row than these say nothing more: so there are a
few dozen trials, which all peers share.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

LOSSES: Final = 3
"""So many questions lost in a row make a trial bad."""

WINS: Final = 2
"""So many answers in a row make a bad trial good again."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One way of asking. `row` counts what came last in a row: answers up, losses down.

    It counts no further than decides. `ever`: there has been an answer once.
    """

    good: bool | None = None
    row: int = 0
    ever: bool = False

    def won(self) -> Trial:
        """Take an answer."""
        row = min(max(self.row, 0) + 1, WINS)
        good = True if self.good is None or row >= WINS else self.good
        return _shared(row, good=good, ever=True)

    def lost(self) -> Trial:
        """Take a question that nobody answered."""
        row = max(min(self.row, 0) - 1, -LOSSES)
        good = False if row <= -LOSSES else self.good
        return _shared(row, good=good, ever=self.ever)

    @property
    def open(self) -> Trial:
        """The same, with nothing known of it."""
        return Trial(ever=self.ever)

    @property
    def doubtful(self) -> bool:
        """Whether the last word has not been spoken: it is asked again soon."""
        return self.row < 0 or self.good is False

    @property
    def decided(self) -> bool:
        """Whether what came last is what is said: it is not about to turn."""
        return self.row > 0 if self.good else self.good is False and self.row < 0


@cache
def _shared(row: int, *, good: bool | None, ever: bool) -> Trial:
    return Trial(good, row, ever)
