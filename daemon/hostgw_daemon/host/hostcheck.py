"""The loop that checks the host: it looks at the start, and when something there has changed.

The kernel tells of links, addresses, routes and sysctls as they change; what has no event (files,
the number of peers) is seen by a slow audit. The first ring after a quiet time is a look at once;
those that follow it within `SETTLE` are one look: containers come and go, and each brings links. A
look reads all routes of others, so that after a long one the next is further away.

With `fix`, the sysctls that a finding names are written, and nothing else, ever; a finding that
stands all the same says why. What is written and what it was before is told to `changed`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from types import MappingProxyType
from typing import Final, NoReturn, Protocol

from hostgw_core.backoff import around
from hostgw_core.wake import Wake
from hostgw_daemon.halt import Halt
from hostgw_daemon.host.facts import Circumstances, HostFacts
from hostgw_daemon.host.findings import Finding, Sysctl, findings
from hostgw_daemon.host.sysctls import Changed
from hostgw_daemon.kernel import HostChanged, KernelEvent, Overrun, RouteForeign, SwitchesChanged
from hostgw_daemon.switches import ALL_LINKS

AUDIT: Final = 60.0  # seconds between two looks that nobody asked for
SETTLE: Final = 1.0  # seconds between two looks that somebody asked for
SHARE: Final = 50  # looks cost at most one part in so many of a processor's time


class Surveyor(Protocol):
    """Who reads the facts."""

    def read(self, about: Circumstances) -> HostFacts:
        """Read it all. Raise OSError."""
        ...


class Writer(Protocol):
    """Who writes sysctls."""

    def write(self, sysctl: Sysctl) -> Changed | str | None:
        """Write one; give what it was, None when it said so already, or why it could not be."""
        ...


@dataclass(frozen=True, slots=True)
class HostState:
    """What was found. `facts` is None until there was a look; `trouble` is why there is no newer.

    `refused` are the sysctls that could not be written, each with the reason.
    """

    findings: tuple[Finding, ...] = ()
    facts: HostFacts | None = None
    trouble: str = ""
    refused: Mapping[Sysctl, str] = field(default_factory=dict)

    def details(self) -> dict[str, str]:
        """Give the particulars of each condition that follows."""
        found: dict[str, list[str]] = {}
        for finding in self.findings:
            why = [self.refused[each] for each in finding.sets if each in self.refused]
            found.setdefault(finding.code, []).append("; ".join((finding.detail, *why)))
        if self.trouble:
            found.setdefault("host_unread", []).append(self.trouble)
        return {code: "; ".join(each) for code, each in found.items()}


UNSEEN: Final = HostState()
"""Of a host that nobody has looked at."""


class HostCheck:
    """Checks the host against `about`, which gives what it is wanted for now.

    `told` is called after every look that says something new. `clock` measures what a look costs,
    in seconds of a processor (time.thread_time): on a busy host most of a look is waiting.
    """

    def __init__(
        self,
        survey: Surveyor,
        sysctls: Writer,
        *,
        about: Callable[[], Circumstances],
        told: Callable[[], None],
        changed: Callable[[Changed], None],
        clock: Callable[[], float],
        fix: bool = False,
        halt: Halt | None = None,
    ) -> None:
        self._survey = survey
        self._sysctls = sysctls
        self._about = about
        self._told = told
        self._changed = changed
        self._clock = clock
        self._fix = fix
        self._wake = Wake()
        self._seen = Circumstances()
        self.state = UNSEEN
        self._halt = (halt or Halt()).heed(self._wake.ring)

    def hear(self, events: Iterable[KernelEvent]) -> None:
        """Take what the kernel said about links, addresses, sysctls and routes of others."""
        if not self._wake.rung and any(map(self._concerns, events)):
            self._wake.ring()

    def consider(self) -> None:
        """Look, if the host is wanted for something else than it was checked for."""
        about = self._about()
        known = (about.link, about.pools, about.own)
        if known != (self._seen.link, self._seen.pools, self._seen.own):
            self._wake.ring()

    def again(self) -> None:
        """Look anew, as a reload asks."""
        self._wake.ring()

    async def run(self) -> NoReturn:
        """Look for ever."""
        self._wake.ring()
        while True:
            await self._wake.wait(within=around(AUDIT))
            began = self._clock()
            self.look()
            await asyncio.sleep(max(SETTLE, SHARE * (self._clock() - began)))

    def look(self) -> None:
        """Look once, and tell what is new."""
        before = self.state
        try:
            self._look()
        except OSError as error:
            self.state = replace(before, trouble=str(error))
        if self.state.details() != before.details() or before.facts is None:
            self._told()

    def _look(self) -> None:
        about = self._about()
        facts = self._survey.read(about)
        found, refused = findings(facts), dict[Sysctl, str]()
        wanted = dict.fromkeys(each for finding in found for each in finding.sets)
        if self._fix and wanted and not self._halt.on:
            for sysctl in wanted:
                result = self._sysctls.write(sysctl)
                if isinstance(result, Changed):
                    self._changed(result)
                elif result is not None:
                    refused[sysctl] = result
            facts = self._survey.read(about)
            found = findings(facts)
        self._seen = about
        self.state = HostState(found, facts, refused=MappingProxyType(refused))

    def _concerns(self, event: KernelEvent) -> bool:
        match event:
            case SwitchesChanged(link):
                return link == ALL_LINKS or link in self._links()
            case HostChanged() | Overrun():
                return True
            case RouteForeign(route):
                here = ip_network((route.destination, route.length), strict=False)
                return any(
                    here.overlaps(pool.network)
                    for pool in self._seen.pools
                    if pool.network.version == here.version
                )
            case _:
                return False

    def _links(self) -> set[int]:
        """Give the links whose sysctls count."""
        facts, link = self.state.facts, self._seen.link
        doors = facts.doors if facts is not None else ()
        return {each.index for each in (*((link,) if link is not None else ()), *doors)}
