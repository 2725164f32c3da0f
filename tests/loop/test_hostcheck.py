"""The loop that checks the host, on facts made of values, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from hostgw_daemon.host.facts import Circumstances, HostFacts
from hostgw_daemon.host.findings import Sysctl
from hostgw_daemon.host.hostcheck import AUDIT, SETTLE, HostCheck
from hostgw_daemon.host.sysctls import Changed
from hostgw_daemon.kernel import (
    HostChanged,
    KernelEvent,
    Overrun,
    RouteForeign,
    RouteLost,
    SwitchesChanged,
)
from hostgw_daemon.switches import ALL_LINKS
from support.host_facts import ABOUT, CNI0, ETH0, ETH1, HEALTHY, OFF, link, route, switched
from support.loops import running, settled
from support.parts import route as our_route

pytestmark = pytest.mark.looptime

DEAF = replace(HEALTHY, switches={4: switched(all=OFF, eth0=OFF, cni0=OFF)})
SWITCHED = SwitchesChanged(ALL_LINKS)
FORWARD = Sysctl("net/ipv4/ip_forward", 1)


@dataclass
class Bench:
    """A host made of values: who reads and writes it is counted, and what is told is kept."""

    facts: HostFacts = HEALTHY
    about: Circumstances = ABOUT
    fault: OSError | None = None
    refusal: str = ""
    cost: float = 0.0
    spent: float = 0.0
    looks: int = 0
    told: int = 0
    changed: list[Changed] = field(default_factory=list)
    check: HostCheck = field(init=False)

    def read(self, about: Circumstances) -> HostFacts:
        """Give the facts of now."""
        self.looks += 1
        self.spent += self.cost
        if self.fault:
            raise self.fault
        return replace(self.facts, about=about)

    def write(self, sysctl: Sysctl) -> Changed | str | None:
        """Switch forwarding on."""
        if self.refusal:
            return self.refusal
        self.facts = HEALTHY
        return Changed(sysctl, 0)

    def tell(self) -> None:
        """Count."""
        self.told += 1

    def codes(self) -> list[str]:
        """Give the codes of the conditions that are told."""
        return list(self.check.state.details())

    async def hear(self, *events: KernelEvent) -> int:
        """Let the kernel say something after a quiet time; give how many looks follow at once."""
        await asyncio.sleep(SETTLE * 2)
        before = self.looks
        self.check.hear(events)
        await settled()
        return self.looks - before


@asynccontextmanager
async def checking(bench: Bench, *, fix: bool = False) -> AsyncIterator[Bench]:
    """Let the loop run until it has looked once."""
    bench.check = HostCheck(
        bench,
        bench,
        about=lambda: bench.about,
        told=bench.tell,
        changed=bench.changed.append,
        clock=lambda: bench.spent,
        fix=fix,
    )
    async with running(bench.check.run):
        await settled()
        yield bench


async def test_the_first_look_is_at_the_start():
    """Nobody needs to ring."""
    async with checking(Bench(DEAF)) as it:
        assert (it.looks, it.told) == (1, 1)
        assert it.codes() == ["forwarding_off"]


async def test_a_switch_that_changes_is_looked_at_at_once_and_told_once():
    """Off and on again: two things to tell, each in the moment in which it is so."""
    async with checking(Bench()) as it:
        assert it.codes() == []
        it.facts = DEAF
        assert await it.hear(SWITCHED) == 1
        assert it.codes() == ["forwarding_off"]
        assert await it.hear(SWITCHED) == 1  # nothing new
        it.facts = HEALTHY
        assert await it.hear(SWITCHED) == 1
        assert it.codes() == []
        assert it.told == 3


def foreign(prefix: str) -> RouteForeign:
    """Let somebody add a route."""
    return RouteForeign(route(prefix, "192.0.2.9"), added=True)


@pytest.mark.parametrize(
    ("event", "looks"),
    [
        (SWITCHED, 1),
        (SwitchesChanged(ETH0), 1),
        (SwitchesChanged(CNI0), 1),
        (SwitchesChanged(ETH1), 0),
        (SwitchesChanged(-2), 0),  # `default`, for links that are to come
        (HostChanged(77, "veth77: up"), 1),  # it may lead to our containers now
        (Overrun(), 1),
        (foreign("10.5.9.0/24"), 1),
        (foreign("10.0.0.0/8"), 1),
        (foreign("0.0.0.0/0"), 1),
        (foreign("10.6.0.0/24"), 0),
        (foreign("fd05::/64"), 0),
        (RouteLost(our_route(1)), 0),
    ],
)
async def test_only_what_may_say_something_new_is_a_look(event: KernelEvent, looks: int):
    """Each event alone."""
    async with checking(Bench()) as it:
        assert await it.hear(event) == looks


async def test_a_burst_is_one_look_and_one_after_it():
    """However many containers come and go within a second."""
    async with checking(Bench()) as it:
        await it.hear()
        before = it.looks
        for number in range(300):
            it.check.hear([HostChanged(number, "up")])
            await asyncio.sleep(SETTLE / 1000)
        await asyncio.sleep(2 * SETTLE)
        assert it.looks - before == 2


async def test_what_no_event_tells_is_seen_by_the_audit():
    """Files, and the number of peers."""
    async with checking(Bench()) as it:
        it.about = replace(ABOUT, peers=2000)
        await asyncio.sleep(AUDIT * 1.2)
        assert it.codes() == ["neighbour_table_small"]


async def test_what_the_host_is_wanted_for_is_looked_at_when_it_is_another():
    """Another link, network or lease; not for each node that comes."""
    async with checking(Bench()) as it:
        await asyncio.sleep(SETTLE * 2)
        before = it.looks
        it.about = replace(ABOUT, peers=4)
        it.check.consider()
        await settled()
        assert it.looks == before
        it.about = replace(ABOUT, link=link(9, "eth9"))
        it.check.consider()
        await settled()
        assert it.looks == before + 1


async def test_a_host_that_cannot_be_read_is_told_with_what_was_seen_last():
    """One failure is a sentence; the next look is the retry."""
    async with checking(Bench(DEAF)) as it:
        it.fault = OSError(105, "no buffer space")
        await it.hear(SWITCHED)
        assert it.codes() == ["forwarding_off", "host_unread"]
        assert "no buffer space" in it.check.state.details()["host_unread"]
        it.fault, it.facts = None, HEALTHY
        await asyncio.sleep(AUDIT * 1.2)
        assert it.codes() == []


async def test_nothing_is_written_unless_a_setting_says_so():
    """Whatever is found."""
    async with checking(Bench(DEAF)) as it:
        await asyncio.sleep(AUDIT * 3)
        assert it.changed == []
        assert it.codes() == ["forwarding_off"]


async def test_what_may_be_fixed_is_fixed_and_said():
    """With what it was before; the finding is gone in the same look."""
    async with checking(Bench(DEAF), fix=True) as it:
        assert it.changed == [Changed(FORWARD, 0)]
        assert it.codes() == []
        await asyncio.sleep(AUDIT * 3)
        assert it.changed == [Changed(FORWARD, 0)]


async def test_what_cannot_be_fixed_stands_with_the_reason():
    """It is tried again at each look, and told once."""
    bench = Bench(DEAF, refusal="net.ipv4.ip_forward cannot be written (Read-only file system)")
    async with checking(bench, fix=True) as it:
        detail = it.check.state.details()["forwarding_off"]
        assert "sysctl -w net.ipv4.ip_forward=1; net.ipv4.ip_forward cannot be written" in detail
        await asyncio.sleep(AUDIT * 3)
        assert it.told == 1
        it.refusal = ""
        await asyncio.sleep(AUDIT * 1.2)
        assert it.codes() == []


async def test_whoever_undoes_a_fix_is_answered_once_a_second():
    """Two programs that overwrite each other as fast as they can help nobody."""
    async with checking(Bench(DEAF), fix=True) as it:
        for _ in range(100):
            it.facts = DEAF
            it.check.hear([SWITCHED])
            await asyncio.sleep(SETTLE / 10)
        assert len(it.changed) <= 12


async def test_after_a_long_look_the_next_is_further_away():
    """A host with very many routes of others must not be busy reading them."""
    async with checking(Bench(cost=0.4)) as it:
        await asyncio.sleep(SETTLE * 5)
        it.check.hear([SWITCHED])
        await asyncio.sleep(SETTLE * 5)
        assert it.looks == 1
        await asyncio.sleep(SETTLE * 15)
        assert it.looks == 2
