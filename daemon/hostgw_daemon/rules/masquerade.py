"""The loop that keeps our tables of the packet filter as they must be.

Level, not edge: a change of what is wanted, a ring of the doorbell, the slow audit and the end of a
back-off all mean the same: read the tables, compare them with the listing that followed our last
write, write them whole if they differ; then see to iptables' FORWARD chain. Where the rules are as
written and only the set of nodes is not, just its difference is written. The first ring after a
quiet time acts at once; those that follow it within `SETTLE` are one look, and a look that took
long, because ten thousand nodes were listed, is followed by `RESTS` times as long a rest.

Whatever fails here is a state with a sentence. Nothing is raised, and no route waits for it.

When another program keeps undoing our work, the looks get further apart (`CALM`) and the state says
`contested`: two programs that overwrite each other as fast as they can help nobody.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from hostgw_core.backoff import Backoff, around
from hostgw_core.wake import Wake
from hostgw_daemon.halt import Halt
from hostgw_daemon.rules.forwarding import Forwarding
from hostgw_daemon.rules.nftables import (
    Firewall,
    FirewallError,
    FirewallMissing,
    Listing,
    amendment,
    holds,
)
from hostgw_daemon.rules.ruleset import Ruleset, RulesetSpec, desired

AUDIT = 60.0  # seconds between two looks that nobody asked for
SETTLE = 0.05  # seconds between two looks that somebody asked for
RESTS, LONGEST = 4, 0.5  # times what a look took; seconds, at most
CALM = 1.0  # the same while contested: back within a second still
FIGHT_DRIFTS, FIGHT_SECONDS = 5, 10.0  # more than so many drifts in so many seconds: contested


class Standing(StrEnum):
    """How our tables stand: the words of status, metrics and logs."""

    WAITING = "waiting"  # nobody has said yet what is wanted
    OFF = "off"  # nothing is wanted, and nothing of ours is there
    IN_FORCE = "in_force"
    CONTESTED = "contested"  # in force, but another program keeps changing it
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class MasqueradeState:
    """What to say about it. `resyncs` counts our writes, `drifts` changes made by others."""

    standing: Standing = Standing.WAITING
    reason: str = ""
    resyncs: int = 0
    drifts: int = 0


class Masquerade:
    """Keep the tables of `want` in force while `run` runs; they stay when it ends.

    `on_state` gets each new state, once. Without `forwarding`, iptables is left alone. `audit` is
    in seconds. While it is halted nothing is read and nothing written.
    """

    def __init__(
        self,
        firewall: Firewall,
        on_state: Callable[[MasqueradeState], None],
        *,
        forwarding: Forwarding | None = None,
        audit: float = AUDIT,
        halt: Halt | None = None,
    ) -> None:
        self._firewall = firewall
        self._forwarding = forwarding
        self._on_state = on_state
        self._audit = audit
        self._wake = Wake()
        self._backoff = Backoff(first=0.5, longest=min(30.0, audit))
        self._wanted: RulesetSpec | None = None
        self._done: RulesetSpec | None = None  # the one that was last in force, iptables and all
        self._spec: RulesetSpec | None = None  # the one that was last made into a ruleset
        self._desired = Ruleset({})
        self._ruleset: Ruleset | None = None  # the last one in force
        self._listing: Listing | None = None  # what followed its writing; None: not known to stand
        self._let: RulesetSpec | None = None  # for which FORWARD was made right last
        self._resyncs = self._drifts = 0
        self._recent: deque[float] = deque(maxlen=FIGHT_DRIFTS + 1)  # when: the loop's clock
        self._state = MasqueradeState()
        self._halt = (halt or Halt()).heed(self._wake.ring)

    @property
    def wanted(self) -> RulesetSpec | None:
        """What must be in force."""
        return self._wanted

    @property
    def settled(self) -> bool:
        """Whether it is, or whatever there is may stay."""
        return self._wanted is None or self._done is self._wanted

    @property
    def state(self) -> MasqueradeState:
        """The state last published."""
        return self._state

    def want(self, spec: RulesetSpec | None) -> None:
        """Say what must be in force from now on; None leaves everything as it is."""
        if spec != self._wanted:
            self._wanted = spec
            self._wake.ring()

    async def run(self) -> None:
        """Look, and look again, for ever."""
        with self._firewall.watched(self._wake.ring):
            clock = asyncio.get_running_loop().time
            while True:
                begun = clock()
                pause = await self._look()
                rest = min(LONGEST, max(SETTLE, RESTS * (clock() - begun)))
                contested = self._state.standing is Standing.CONTESTED
                await asyncio.sleep(CALM if contested else rest)
                await self._wake.wait(pause)

    async def _look(self) -> float:
        """Make it right, say how it stands, and give the seconds until the next look."""
        spec = self._wanted
        if spec is None or self._halt.on:
            return self._audit
        if spec is not self._spec:
            self._spec, self._desired = spec, desired(spec)
        ruleset = self._desired
        reasons = [await _tried(self._enforce(ruleset)), await _tried(self._let_through(spec))]
        if any(reasons):
            self._publish(Standing.FAILING, "; ".join(filter(None, reasons)))
            return self._backoff.failed()
        self._done = spec
        self._backoff.succeeded()
        if self._contested():
            self._publish(
                Standing.CONTESTED,
                "another program keeps changing the table hostgw, or our rules in FORWARD, more"
                f" than {FIGHT_DRIFTS} times in {FIGHT_SECONDS:g} s: see `nft monitor`",
            )
            return FIGHT_SECONDS
        self._publish(Standing.IN_FORCE if ruleset else Standing.OFF)
        return around(self._audit)

    async def _enforce(self, ruleset: Ruleset) -> None:
        """Make the tables those of `ruleset`. Raise FirewallError."""
        try:
            seen = await self._firewall.read()
        except FirewallMissing:
            if ruleset:
                raise
            return  # without nft there can be no table of ours to remove
        before = self._ruleset
        if before is not None and before.tables == ruleset.tables and self._listing is not None:
            if seen != self._listing:
                self._drifted()
            if seen.tables == self._listing.tables:
                await self._amend(self._listing, seen, ruleset)
                return
        self._ruleset, self._listing = ruleset, None
        if ruleset or seen.tables:
            await self._firewall.write(ruleset, tuple(seen.tables))
            self._resyncs += 1
            seen = await self._firewall.read()
            if not holds(seen, ruleset):
                raise FirewallError(
                    "the table hostgw does not read as it was just written: another program"
                    " changed it in that moment, or this nft cannot list it"
                )
        self._listing = seen

    async def _amend(self, pattern: Listing, seen: Listing, ruleset: Ruleset) -> None:
        """Make the sets of nodes right, in tables that are. Raise FirewallError.

        The ring of the writing has them read again. One that is refused is followed by a whole one.
        """
        change = amendment(seen.elements, ruleset.elements)
        self._listing = None
        if change:
            await self._firewall.amend(change)
            self._resyncs += 1
        self._ruleset = ruleset
        self._listing = replace(pattern, elements=ruleset.elements)

    async def _let_through(self, spec: RulesetSpec) -> None:
        """Have iptables let pods' packets through. Raise FirewallError."""
        if self._forwarding is None:
            return
        if await self._forwarding.ensure(spec):
            self._resyncs += 1
            if spec == self._let:
                self._drifted()
        self._let = spec

    def _drifted(self) -> None:
        self._drifts += 1
        self._recent.append(asyncio.get_running_loop().time())

    def _contested(self) -> bool:
        since = asyncio.get_running_loop().time() - FIGHT_SECONDS
        return sum(moment > since for moment in self._recent) > FIGHT_DRIFTS

    def _publish(self, standing: Standing, reason: str = "") -> None:
        """Hand out the state if anything in it is new."""
        state = MasqueradeState(standing, reason, self._resyncs, self._drifts)
        if state != self._state:
            self._state = state
            self._on_state(state)


async def _tried(work: Awaitable[None]) -> str:
    """Give the sentence with which some work failed; none if it did not."""
    try:
        await work
    except FirewallError as error:
        return str(error)
    return ""
