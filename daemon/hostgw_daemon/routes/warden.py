"""The loop that ends holds: at their time, and only where the node behind them is really gone.

An ordinary removal goes when its moment of grace is over. One that looked like an accident is asked
about first: while the gateway answers on the link the node is there, whatever the store says, and
its route stays. Asking costs the kernel an entry of its neighbour table each, so it is done in
small rounds.

Here also the proof is fetched that a node lives whose record a broken history has left: a presence
hangs on an etcd lease of a minute, and one that still stands after that is kept alive by its node.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, NoReturn, Protocol

from hostgw_core.history import PROOF
from hostgw_core.model import IPAddress
from hostgw_core.store import Header, StoreError
from hostgw_core.wake import Wake
from hostgw_daemon.routes.cluster import Cluster
from hostgw_daemon.routes.guard import Guard
from hostgw_daemon.routes.holds import Hold

ROUND: Final = 32
"""Gateways asked at once: a quarter of the neighbour entries that Linux never drops."""

_ROUSED = 0.05  # seconds by which a wait that is over may be noticed late


class Neighbours(Protocol):
    """What is asked of the link. `settles` is in how many seconds an answer is sure."""

    settles: float

    def ask(self, link: int, addresses: Iterable[IPAddress]) -> frozenset[IPAddress]:
        """Begin to find out whether these answer; give those that can be asked. Raise OSError."""
        ...

    def answering(self, link: int) -> frozenset[IPAddress]:
        """Give the addresses that answer, as far as is known by now. Raise OSError."""
        ...


class Warden:
    """Ends what the guard holds. `clock` is the guard's.

    `link` gives the index of the uplink, 0 while there is none; `alive` reads the ids of all nodes
    that are present in the store, or raises StoreError.
    """

    def __init__(
        self,
        cluster: Cluster,
        guard: Guard,
        neighbours: Neighbours,
        *,
        link: Callable[[], int],
        alive: Callable[[], Awaitable[frozenset[str]]],
        clock: Callable[[], float],
    ) -> None:
        self._cluster = cluster
        self._guard = guard
        self._neighbours = neighbours
        self._link = link
        self._alive = alive
        self._clock = clock
        self._wake = Wake()
        self._proof_at = math.inf
        self._proof_of: Header | None = None
        self._moved = False

    def link_moved(self) -> None:
        """Take note that the link was something else for a moment: who was asked may be as well."""
        self._moved = True

    def look(self) -> None:
        """Look again at what is held, and until when."""
        self._wake.ring()

    # -- what an operator decides -------------------------------------------------------------

    @property
    def held(self) -> tuple[bytes, ...]:
        """The keys that are held."""
        return tuple(self._guard.state.holds)

    def accept(self, keys: Iterable[bytes]) -> int:
        """Let these go now; give how many were held."""
        return self._cluster.release(keys, "accepted")

    def extend(self, keys: Iterable[bytes], seconds: float) -> int:
        """Let these wait at least so long from now; give how many would have ended before."""
        count = self._guard.extend(keys, self._clock() + seconds)
        self.look()
        return count

    def believe(self) -> int | str:
        """Believe the history that the store tells, and let go what is not in it.

        Give how many holds that ends, or a sentence why there is nothing to believe.
        """
        now = self._cluster.now
        if self._guard.history.broken is None:
            return "the history of the store is not broken: there is nothing to believe"
        if now is None or now.headless:
            return "the store has not answered since the start: there is nothing to believe yet"
        count = len(self.held)
        self._cluster.believe()
        return count

    # -- as time passes -----------------------------------------------------------------------

    async def run(self) -> NoReturn:
        """End holds for ever."""
        while True:
            await self.step()
            ends = min(self._guard.next_end() or math.inf, self._proof_at)
            pause = None if ends == math.inf else max(_ROUSED, ends - self._clock())
            await self._wake.wait(within=pause)

    async def step(self) -> None:
        """End once what is over."""
        at_once, grave = self._guard.over(self._clock())
        self._cluster.release(at_once, "gone")
        if grave:
            await self._ask(grave[:ROUND])
        await self._prove()

    async def _ask(self, holds: tuple[Hold, ...]) -> None:
        """Release those whose gateways are silent; who cannot be asked is not.

        A hold that has become another one meanwhile is left alone: its node may have come and gone
        again, or an operator has decided.
        """
        silent = await self._silent(holds)
        there = self._guard.state.holds
        same = [hold.lease.key for hold in holds if there.get(hold.lease.key) is hold]
        self._cluster.release([key for key in same if key in silent], "silent")
        self._guard.still_answer([key for key in same if key not in silent], self._clock())

    async def _silent(self, holds: tuple[Hold, ...]) -> frozenset[bytes]:
        """Give the keys of those that were asked, on a link that stayed, and did not answer."""
        link, self._moved = self._link(), False
        if not link:
            return frozenset()
        gateways = {address for hold in holds for address in hold.lease.gateways}
        try:
            asked = self._neighbours.ask(link, sorted(gateways, key=lambda a: (a.version, int(a))))
            await asyncio.sleep(self._neighbours.settles)
            answering = self._neighbours.answering(link)
        except OSError:
            return frozenset()  # the holds stay, and say so; they are asked again
        if self._moved or self._link() != link:
            return frozenset()
        leases = (hold.lease for hold in holds)
        return frozenset(
            lease.key
            for lease in leases
            if asked & {*lease.gateways} and not answering & {*lease.gateways}
        )

    async def _prove(self) -> None:
        broken, now = self._guard.history.broken, self._clock()
        if broken is None or broken.foreign or not self._guard.state.leftovers:
            self._proof_at = math.inf
        elif self._proof_at == math.inf or self._proof_of != broken.first:
            # Whatever was there when this history began may have been put there with it.
            self._proof_at, self._proof_of = now + PROOF, broken.first
        elif now >= self._proof_at:
            self._proof_at = now + PROOF
            try:
                self._cluster.witness(await self._alive())
            except StoreError:
                return  # the view says what is wrong with the store; it is asked again
