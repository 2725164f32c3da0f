"""The loop that looks whether other firewalls drop what goes between pods, and says what to do.

An accept of ours saves no packet from a chain of somebody else. Of those, this daemon changes one
thing only, iptables' FORWARD and DOCKER-USER (`forwarding`); everything else is named, with the
commands that let the cluster's network through, and left to whoever wrote it.

Nothing rings for it: other programs change their tables whenever they like, and listening to all of
them would keep every node awake. It looks once a minute, and every few seconds while something
stands in the way, so that a person who cures it sees that soon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn, Protocol

from hostgw_core.backoff import around
from hostgw_core.model import IPNetwork
from hostgw_core.wake import Wake
from hostgw_daemon.rules.findings import Finding, base_chains, in_iptables, in_nftables
from hostgw_daemon.rules.nftables import FirewallError
from hostgw_daemon.rules.ruleset import Json, RulesetSpec

AUDIT: Final = 60.0  # seconds
SOON: Final = 5.0  # the same while something stands in the way
SURE: Final = (
    2.0  # until it is looked at again before it is told: our own rules may be on their way
)


class Chains(Protocol):
    """What is asked of nftables. Both raise FirewallError."""

    async def chains(self) -> str:
        """Give what `nft list chains` prints."""
        ...

    async def table(self, family: str, name: str) -> tuple[Json, ...]:
        """List a table."""
        ...


class Filters(Protocol):
    """What is asked of iptables."""

    async def filters(self) -> dict[str, str]:
        """Give, by the command, what `-S` prints of the filter table. Raise FirewallError."""
        ...


class Obstacles:
    """Look while `run` runs. `told` gets a sentence for each change, "" for a free way.

    `dropped` are the networks of whose pods some packets are dropped: the other nodes are told.
    """

    def __init__(
        self, nft: Chains, iptables: Filters, told: Callable[[str], None], *, audit: float = AUDIT
    ) -> None:
        self._nft = nft
        self._iptables = iptables
        self._told = told
        self._audit = audit
        self._wake = Wake()
        self._asked: tuple[RulesetSpec, str] | None = None
        self._said = ""
        self.dropped: tuple[IPNetwork, ...] = ()

    def want(self, spec: RulesetSpec | None, uplink: str) -> None:
        """Say whose packets must pass, and the name of the link to the other nodes."""
        asked = None if spec is None else (spec, uplink)
        before = self._asked
        self._asked = asked
        if _places(before) != _places(asked):
            self._wake.ring()

    async def run(self) -> NoReturn:
        """Look, and look again, for ever."""
        while True:
            if self._asked is not None:
                asked = self._asked
                found = await self._look(*asked)
                if found and not self._said:
                    await asyncio.sleep(SURE)
                    found = await self._look(*asked)
                self.dropped = tuple({network: None for each in found for network in each.networks})
                self._say("; ".join(each.words for each in found))
            await self._wake.wait(around(min(SOON, self._audit) if self._said else self._audit))

    async def _look(self, spec: RulesetSpec, uplink: str) -> list[Finding]:
        """Give each chain that drops. What cannot be listed is not told of."""
        found: list[Finding] = []
        listings: dict[str, str] = {}
        with suppress(FirewallError):  # whoever needs iptables says so: `forwarding`
            listings = await self._iptables.filters()
            for tool, listing in listings.items():
                found += in_iptables(tool, listing, spec, uplink)
        with suppress(FirewallError):  # the same of nft: `masquerade`
            for chain in base_chains(await self._nft.chains(), without=listings):
                objects = await self._nft.table(chain.family, chain.table)
                found += in_nftables(chain, objects, spec, uplink)
        return found

    def _say(self, sentence: str) -> None:
        if sentence != self._said:
            self._said = sentence
            self._told(sentence)


def _places(asked: tuple[RulesetSpec, str] | None) -> tuple[object, ...]:
    """Give what of it a look depends on: nodes come and go all the time."""
    return () if asked is None else (asked[0].networks, asked[0].own, asked[1])
