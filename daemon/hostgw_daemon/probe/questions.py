"""The questions that wait for an answer, in the order in which they were asked. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from hostgw_daemon.probe.datagram import Ends, Way
from hostgw_daemon.probe.target import Key

TIMEOUT: Final = 0.6
"""Seconds until a question is lost: a hundred times what a link of hosts needs."""


class Asked(NamedTuple):
    """A question that waits: its number, whom it is about, and when it was asked."""

    number: int
    key: Key
    way: Way
    ends: Ends
    at: float


class Questions:
    """Those that wait. Moments are seconds of the caller's clock, and never go back."""

    def __init__(self) -> None:
        self._waiting: dict[int, Asked] = {}
        self._order: deque[Asked] = deque()

    def put(self, question: Asked) -> None:
        """Let one wait."""
        self._waiting[question.number] = question
        self._order.append(question)

    def get(self, number: int | None) -> Asked | None:
        """Look for one by its number."""
        return self._waiting.get(number) if number is not None else None

    def take(self, question: Asked) -> None:
        """Say that it has its answer."""
        self._waiting.pop(question.number, None)

    def late(self, now: float) -> Iterator[Asked]:
        """Take those that have waited too long."""
        while self._order and self._order[0].at + TIMEOUT <= now:
            question = self._order.popleft()
            if self._waiting.pop(question.number, None) is not None:
                yield question

    def next(self) -> float | None:
        """Give when the next one will have waited too long; one that is answered may be meant."""
        return self._order[0].at + TIMEOUT if self._order else None
