"""The questions that wait for an answer, in the order in which they were asked. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from hostgw_daemon.probe.datagram import Ends, Way
from hostgw_daemon.probe.target import Key, Target

TIMEOUT: Final = 0.6
"""Seconds until a question is lost: a hundred times what a link of hosts needs."""


SILENCE: Final = 0.2
"""Seconds after which the link is asked whether the host is there at all: that takes three more."""


class Asked(NamedTuple):
    """A question that waits: its number, whom it is about, and when it was asked.

    `target` is who had the key then. `apart`: it was asked for a round alone, and proves nothing
    (`rounds`).
    """

    number: int
    key: Key
    target: Target
    way: Way
    ends: Ends
    at: float
    apart: bool = False


class Questions:
    """Those that wait. Moments are seconds of the caller's clock, and never go back."""

    def __init__(self) -> None:
        self._waiting: dict[int, Asked] = {}
        self._order: deque[Asked] = deque()
        self._fresh: deque[Asked] = deque()

    def put(self, question: Asked) -> None:
        """Let one wait."""
        self._waiting[question.number] = question
        self._order.append(question)
        self._fresh.append(question)

    def get(self, number: int | None) -> Asked | None:
        """Look for one by its number."""
        return self._waiting.get(number) if number is not None else None

    def take(self, question: Asked) -> None:
        """Say that it has its answer."""
        self._waiting.pop(question.number, None)

    def silent(self, now: float) -> Iterator[Asked]:
        """Give those that have waited for a while, each once."""
        while self._fresh and self._fresh[0].at + SILENCE <= now:
            question = self._fresh.popleft()
            if question.number in self._waiting:
                yield question

    def late(self, now: float) -> Iterator[Asked]:
        """Take those that have waited too long."""
        while self._order and self._order[0].at + TIMEOUT <= now:
            question = self._order.popleft()
            if self._waiting.pop(question.number, None) is not None:
                yield question

    def next(self) -> float | None:
        """Give when the next one will have waited; one that is answered may be meant."""
        moments = [self._fresh[0].at + SILENCE] if self._fresh else []
        moments += [self._order[0].at + TIMEOUT] if self._order else []
        return min(moments, default=None)
