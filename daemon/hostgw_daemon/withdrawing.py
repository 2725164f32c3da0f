"""The loop that has routes withdrawn and put back, where a setting asks for it.

It decides nothing: `routes.withdrawals` does, by what the probes have found, whenever that is
another, and when somebody has been out of reach for long enough. Where no setting asks for it,
nothing is looked at.

A look goes through all peers, and something may be found, or change in the store, many times a
second. So after each the loop rests, the longer the more peers there are; what happens after a rest
is looked at at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, NoReturn, Protocol

from hostgw_core.model import Family
from hostgw_core.wake import Wake
from hostgw_daemon.probe.evidence import Cause, Diagnosis
from hostgw_daemon.routes.withdrawals import Key, Terms, Withdrawals, Withdrawn
from hostgw_daemon.settings import Settings

LEAST: Final = 0.5
"""Seconds between two looks that nothing but the time asked for."""

REST: Final = 50e-6
"""Seconds of rest after a look, for each peer: sixty times what the look takes."""

NAMED: Final = 3  # how many of many nodes the journal names


class Found(Protocol):
    """What the probes have found: `probing.Probing`."""

    @property
    def diagnoses(self) -> Mapping[Key, Diagnosis] | None:
        """What is said of each peer in each family."""
        ...

    @property
    def peers(self) -> Collection[Key]:
        """Who is asked by all ways, so that it would be seen if it was well again."""
        ...

    @property
    def reached(self) -> Mapping[Family, float]:
        """When the pods' way to anybody was last seen to be free, in seconds of the clock."""
        ...


class Writes(Protocol):
    """Who writes routes: `routes.reconciler.Reconciler`."""

    @property
    def sure(self) -> bool:
        """Whether the store was read since the start, so that it is known what there is."""
        ...

    def withdraw(self, keys: AbstractSet[Key], why: str) -> None:
        """Take whose routes are withdrawn from now on, and why."""
        ...

    def owner(self, key: bytes) -> str:
        """Give the node of a lease's key."""
        ...


class Withdrawing:
    """Goes by what was `found`, and has `writes` do it; `told` is called when it is another.

    `says_nothing` tells of a cause that it is no peer's now: another node has our address, and may
    get the answers.
    """

    def __init__(
        self,
        settings: Settings,
        found: Found,
        writes: Writes,
        *,
        says_nothing: Callable[[Cause], bool],
        told: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._terms = Terms(
            frozenset(settings.withdraw_states), settings.withdraw_after, settings.withdraw_floor
        )
        self._found = found
        self._writes = writes
        self._says_nothing = says_nothing
        self._told = told
        self._clock = clock
        self._decides = Withdrawals(self._terms)
        self._wake = Wake()

    @property
    def state(self) -> Withdrawn:
        """Whose routes are withdrawn."""
        return self._decides.now

    def again(self) -> None:
        """Look: something may have been found that was not so before."""
        if self._terms.states:
            self._wake.ring()

    def found(self) -> None:
        """Look, and tell: something was found that was not so before."""
        self.again()
        self._told()

    async def run(self) -> NoReturn:
        """Look for ever. Nothing is done, for ever, where nobody asked for it."""
        if not self._terms.states:
            await asyncio.Event().wait()
        while True:
            self.step()
            due = self._decides.next()
            pause = None if due is None else max(LEAST, due - self._clock())
            await asyncio.sleep(REST * sum(self.state.peers.values()))
            await self._wake.wait(within=pause)

    def step(self) -> None:
        """Decide by what is so now, and have it done."""
        before, now = self.state, self._clock()
        found = self._found.diagnoses or {}
        passed_over = {cause for cause in Cause if self._says_nothing(cause)}
        states = {
            key: str(each.cause) for key, each in found.items() if each.cause not in passed_over
        }
        reached, sure = self._found.reached, self._writes.sure
        after = self._decides.look(states, self._found.peers, now, reached=reached, sure=sure)
        if after.routes.keys() != before.routes.keys():
            self._writes.withdraw(frozenset(after.routes), self._why(before, after))
        if after != before:
            self._told()

    def _why(self, before: Withdrawn, after: Withdrawn) -> str:
        gone = {key for key in after.routes if key not in before.routes}
        back = {key for key in before.routes if key not in after.routes}
        states = sorted({after.routes[key].state for key in gone})
        words = []
        if gone:
            words.append(f"withdrawn: {self._names(gone)} {' or '.join(states)}")
        if back:
            words.append(f"put back: {self._names(back)} no longer so")
        return "; ".join(words)

    def _names(self, keys: AbstractSet[Key]) -> str:
        names = sorted({self._writes.owner(key) for key, _ in keys})
        more = ", ..." if len(names) > NAMED else ""
        return ", ".join(names[:NAMED]) + more
