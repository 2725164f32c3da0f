"""The loop that has the kernel forget connections of subnets that moved to another node.

Of a connection the kernel asks its rules once, and then goes by what it remembers: a client's
packets that were masqueraded on their way to a pod elsewhere still are when that subnet is ours,
and a datagram whose address was translated to a pod still goes to a pod that is not there. UDP
that is repeated never lets such an entry end.

It is done a moment after the move, once for all that move together, and not before the rules of
the new state are in force: what is forgotten earlier is remembered wrongly again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final, NoReturn, Protocol

from hostgw_core.backoff import Backoff
from hostgw_core.model import IPNetwork
from hostgw_core.wake import Wake
from hostgw_daemon.halt import Halt
from hostgw_daemon.rules.ruleset import RulesetSpec

SETTLE: Final = 1.0
"""Seconds in which a move becomes routes, and in which others may move as well."""

PATIENCE: Final = 30
"""So many times `SETTLE` the rules have to come in force; they may fail for longer than that."""


class Conntrack(Protocol):
    """What is asked of the kernel's table of connections."""

    async def forget(self, networks: Collection[IPNetwork]) -> int:
        """Delete what has an end in one of these; give how many entries. Raise OSError."""
        ...


@dataclass(frozen=True, slots=True)
class FlowsState:
    """How many entries were deleted in all, and why the last try failed; empty: it did not."""

    forgotten: int = 0
    reason: str = ""


def own_moved(before: RulesetSpec | None, after: RulesetSpec) -> frozenset[IPNetwork]:
    """Give the subnets that were ours and those that are now: the rules treat both anew."""
    if before is None:
        return frozenset()
    return frozenset(before.own) ^ frozenset(after.own)


class Flows:
    """Forget while `run` runs. `settled` tells whether the rules are those of the present state."""

    def __init__(
        self,
        conntrack: Conntrack,
        told: Callable[[FlowsState], None],
        *,
        settled: Callable[[], bool],
        halt: Halt | None = None,
    ) -> None:
        self._conntrack = conntrack
        self._told = told
        self._settled = settled
        self._wake = Wake()
        self._backoff = Backoff(first=1.0, longest=60.0)
        self._moved: set[IPNetwork] = set()
        self.state = FlowsState()
        self._halt = (halt or Halt()).heed(self._wake.ring)

    def moved(self, networks: Iterable[IPNetwork]) -> None:
        """Say which subnets have moved."""
        self._moved.update(networks)
        if self._moved:
            self._wake.ring()

    async def run(self) -> NoReturn:
        """Wait for moves, and forget, for ever."""
        while True:
            await self._wake.wait()
            if self._halt.on or not self._moved:
                continue
            for _ in range(PATIENCE):
                await asyncio.sleep(SETTLE)
                if self._settled():
                    break
            if not self._halt.on:
                await self._forget()

    async def _forget(self) -> None:
        self._wake.take()
        moved, self._moved = self._moved, set()
        try:
            count = await self._conntrack.forget(moved)
        except OSError as error:
            self._say(replace(self.state, reason=error.strerror or str(error)))
            await asyncio.sleep(self._backoff.failed())
            self.moved(moved)
        else:
            self._backoff.succeeded()
            self._say(FlowsState(self.state.forgotten + count))

    def _say(self, state: FlowsState) -> None:
        if state != self.state:
            self.state = state
            self._told(state)
