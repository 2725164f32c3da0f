"""What can go wrong with the fake store on purpose, and what an open watch of it holds."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from hostgw_core.store import Batch, Progress, Span, StoreError

Verb: TypeAlias = Literal[
    "list", "watch", "commit", "grant", "keep_alive", "revoke", "room", "recalls"
]


@dataclass
class Faults:
    """Errors planted by a test: each is raised once, and must have been raised in the end."""

    _planted: list[tuple[Verb, StoreError, bool]] = field(default_factory=list)

    def once(self, verb: Verb, error: StoreError, *, after: bool = False) -> None:
        """Raise `error` at the next `verb`; with `after`, do it first and lose only the answer."""
        self._planted.append((verb, error, after))

    @property
    def unhit(self) -> list[tuple[Verb, StoreError, bool]]:
        """The faults that nothing has run into yet."""
        return list(self._planted)

    def check(self) -> None:
        """Fail if a planted fault was never hit: the test did not test what it says."""
        assert not self._planted, f"planted faults were never hit: {self._planted}"

    @contextmanager
    def around(self, verb: Verb) -> Iterator[None]:
        """Raise what is planted for `verb`, before or after the body."""
        fault = next((fault for fault in self._planted if fault[0] == verb), None)
        if fault is not None:
            self._planted.remove(fault)
            if not fault[2]:
                raise fault[1]
        yield
        if fault is not None:
            raise fault[1]


@dataclass
class FakeWatch:
    """One open watch: what has arrived and was not taken yet; an error is always the last."""

    since: Mapping[Span, int]
    pending: deque[Batch | Progress | StoreError] = field(default_factory=deque)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def push(self, item: Batch | Progress | StoreError) -> None:
        """Let something that is told, or the end, arrive."""
        self.pending.append(item)
        self.arrived.set()

    def take(self) -> list[Batch | Progress]:
        """Give what has arrived; raise the error once it was taken."""
        taken: list[Batch | Progress] = []
        while self.pending:
            item = self.pending[0]
            if isinstance(item, StoreError):
                if taken:
                    return taken
                raise item
            taken.append(item)
            self.pending.popleft()
        self.arrived.clear()
        return taken
