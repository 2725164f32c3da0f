"""The loop that has gateways kept resolved, on a table made of values, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from hostgw_core.model import IPAddress
from hostgw_daemon.host.resolver import AUDIT, REST, SETTLE, Neighbourhood, Resolver
from hostgw_daemon.kernel import HostChanged, Overrun, SwitchesChanged
from hostgw_daemon.switches import Neighbour
from support.loops import running, settled
from support.neighbourhood import ANOTHERS, KEPT, SILENT, at

pytestmark = pytest.mark.looptime


@dataclass
class Bench:
    """A kernel's table for each link, and what was told. `able`: the kernel knows the flag."""

    gateways: Collection[IPAddress] = at(1, 2)
    link: int = 2
    thresh1: int = 128
    able: bool = True
    fault: OSError | None = None
    looks: int = 0
    tables: dict[int, dict[IPAddress, Neighbour]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    resolver: Resolver = field(init=False)

    def about(self) -> Neighbourhood:
        """Give what is wanted now."""
        return Neighbourhood(self.link, self.gateways, self.thresh1)

    def table(self, link: int) -> Mapping[IPAddress, Neighbour]:
        """Read."""
        self.looks += 1
        if self.fault is not None:
            raise self.fault
        return dict(self.tables.setdefault(link, {}))

    def create(self, link: int, addresses: Iterable[IPAddress]) -> None:
        """Make entries as the kernel does."""
        made = replace(KEPT, managed=self.able)
        self.tables[link] |= dict.fromkeys(addresses, made)

    adopt = create

    def release(self, link: int, addresses: Iterable[IPAddress]) -> None:
        """Leave entries to the kernel."""
        self.tables[link] |= dict.fromkeys(addresses, Neighbour(ours=True, used=True))

    def drop(self, link: int, addresses: Iterable[IPAddress]) -> None:
        """Delete entries."""
        for address in addresses:
            del self.tables[link][address]

    @property
    def kept(self) -> set[IPAddress]:
        """Those of ours that are kept resolved on the link."""
        return {a for a, e in self.tables.get(self.link, {}).items() if e.ours and e.managed}


@asynccontextmanager
async def resolving(bench: Bench, *, enabled: bool = True) -> AsyncIterator[Bench]:
    """Let the loop run until it has looked once."""
    bench.resolver = Resolver(bench, about=bench.about, told=bench.told.append, enabled=enabled)
    async with running(bench.resolver.run):
        await settled()
        yield bench


async def test_every_gateway_is_kept_from_the_start():
    """And counted."""
    async with resolving(Bench()) as it:
        assert it.kept == set(at(1, 2))
        assert it.resolver.count == 2


async def test_a_node_that_comes_is_kept_and_one_that_goes_is_not():
    """When the cluster is another one: rung, at most once in a while."""
    async with resolving(Bench()) as it:
        await asyncio.sleep(SETTLE * 2)
        it.gateways = at(2, 3)
        it.resolver.again()
        await settled()
        assert it.tables[2].keys() == set(at(2, 3))
        it.gateways = at(2, 3, 4)
        it.resolver.again()
        await settled()
        assert it.kept == set(at(2, 3))
        await asyncio.sleep(SETTLE)
        assert it.kept == set(at(2, 3, 4))


@pytest.mark.parametrize(
    ("event", "back"),
    [
        (HostChanged(2, "up"), True),
        (Overrun(), True),
        (HostChanged(9, "up"), False),
        (SwitchesChanged(2), False),
    ],
)
async def test_what_a_link_has_lost_is_put_back(event, back: bool):
    """At its own event; else within the audit."""
    async with resolving(Bench()) as it:
        await asyncio.sleep(SETTLE * 2)
        it.tables[2].clear()
        it.resolver.hear([event])
        await settled()
        assert bool(it.kept) is back
        await asyncio.sleep(AUDIT * 1.2)
        assert it.kept == set(at(1, 2))


async def test_one_that_does_not_answer_rests_and_is_tried_again():
    """A dead node must not be asked for by broadcast for ever, nor forgotten."""
    async with resolving(Bench()) as it:
        it.tables[2] |= dict.fromkeys(at(1), SILENT)
        await asyncio.sleep(AUDIT * 1.2)
        assert it.tables[2].keys() == set(at(2))
        await asyncio.sleep(REST / 2)
        assert it.tables[2].keys() == set(at(2))
        await asyncio.sleep(REST)
        assert it.kept == set(at(1, 2))


async def test_no_more_than_half_of_the_first_threshold():
    """Of 70 gateways with a threshold of 128, those that packets go to, and 64 of these."""
    bench = Bench(gateways=at(*range(1, 71)))
    async with resolving(bench) as it:
        assert it.kept == set()
        it.tables[2] |= dict.fromkeys(at(*range(3, 71)), Neighbour(used=True))
        await asyncio.sleep(AUDIT * 1.2)
        assert it.kept == set(at(*range(3, 67)))


async def test_another_link_gets_them_and_the_old_one_loses_them():
    """The uplink has moved."""
    async with resolving(Bench()) as it:
        await asyncio.sleep(SETTLE * 2)
        it.link = 7
        it.resolver.again()
        await settled()
        assert it.kept == set(at(1, 2))
        assert not any(entry.managed for entry in it.tables[2].values())


async def test_without_a_link_nothing_is_written():
    """It is down: its entries are gone with it."""
    async with resolving(Bench(link=0)) as it:
        assert it.looks == 0
        assert it.resolver.count == 0


async def test_at_the_end_they_are_left_to_the_kernel():
    """None is deleted, none stays managed; others' stay as they are."""
    bench = Bench(gateways=at(1, 2, 3), tables={2: dict.fromkeys(at(3), ANOTHERS)})
    async with resolving(bench) as it:
        assert it.kept == set(at(1, 2))
    assert bench.kept == set()
    assert bench.tables[2].keys() == set(at(1, 2, 3))
    assert bench.tables[2][at(3)[0]] == ANOTHERS


async def test_a_kernel_that_cannot_is_told_of_once_and_gets_back_what_was_made():
    """Before Linux 5.16 the flag is passed over in silence."""
    async with resolving(Bench(able=False)) as it:
        assert it.told == ["this kernel keeps no neighbours resolved (Linux 5.16 does)"]
        assert it.tables[2] == {}
        await asyncio.sleep(AUDIT * 5)
        assert len(it.told) == 1
        assert it.tables[2] == {}


async def test_a_table_that_cannot_be_read_is_told_of_and_read_again():
    """One failure is no end."""
    async with resolving(Bench(fault=OSError(105, "no buffer space"))) as it:
        assert "no buffer space" in it.told[0]
        it.fault = None
        await asyncio.sleep(AUDIT * 1.2)
        assert it.kept == set(at(1, 2))


async def test_switched_off_nothing_is_read_or_written():
    """Not even to leave it to the kernel."""
    async with resolving(Bench(), enabled=False) as it:
        await asyncio.sleep(AUDIT * 3)
        assert it.looks == 0
