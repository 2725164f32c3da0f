"""The prober in virtual time: a stranger on the link that has the address of a node."""

from __future__ import annotations

import asyncio

import pytest

from hostgw_daemon.probe.port import Neighbour
from support.fake_probes import host, probing
from support.loops import until

pytestmark = pytest.mark.looptime

OWN, STRANGE = b"\2\0\0\0\0\2", b"\2\0\0\0\0\xff"
NAMED = 5.0  # seconds


async def test_a_stranger_is_named_by_its_hardware_and_nothing_else_on_the_way() -> None:
    """Silence first, then what the link says when it is asked; and it ends as it came."""
    async with probing(2, 3) as site:
        site.table[host(2)] = OWN
        await asyncio.sleep(5)
        said = site.follow(2)
        site.wire.answers[2] = frozenset()
        await until(lambda: site.confirmed, within=NAMED)
        site.table[host(2)] = STRANGE
        site.prober.neighbours([Neighbour(host(2), True, STRANGE)])
        await until(lambda: said == ["duplicate_address"], within=NAMED)
        assert site.says(3) == "ok"
        site.table[host(2)] = OWN
        del site.wire.answers[2]
        site.prober.neighbours([Neighbour(host(2), True, OWN)])
        await until(lambda: said == ["duplicate_address", "ok"], within=NAMED)


async def test_where_a_kernel_answers_instead_of_the_daemon_the_table_tells_whose() -> None:
    """A node whose daemon was stopped has its own hardware; a stranger with the address has not."""
    async with probing(2) as site:
        site.table[host(2)] = OWN
        await asyncio.sleep(5)
        site.wire.without = frozenset({2})
        await asyncio.sleep(30)
        assert site.says(2) == "ok"
        site.table[host(2)] = STRANGE
        await until(lambda: site.says(2) == "duplicate_address", within=NAMED)
        site.wire.without = frozenset()
        await until(lambda: site.says(2) == "ok", within=NAMED)  # it has another card now
        assert site.confirmed == []


async def test_an_answer_is_not_taken_for_the_strangers_whose_hardware_was_heard_last() -> None:
    """The kernel does not tell when the node takes its address back; the table has it."""
    async with probing(2) as site:
        site.table[host(2)] = OWN
        await asyncio.sleep(5)
        for _ in range(3):
            site.wire.answers[2] = frozenset()
            site.table[host(2)] = STRANGE
            site.prober.neighbours([Neighbour(host(2), True, STRANGE)])
            await until(lambda: site.says(2) == "duplicate_address", within=NAMED)
            site.table[host(2)] = OWN
            del site.wire.answers[2]
            await until(lambda: site.says(2) == "ok", within=2 * NAMED)


async def test_of_a_silent_host_the_table_is_looked_at_and_the_link_asked_no_more() -> None:
    """A stranger may come after the node has fallen silent, and of that the kernel tells nobody."""
    async with probing(2) as site:
        site.prober.neighbours([Neighbour(host(2), True, OWN)])
        await asyncio.sleep(5)
        site.wire.answers[2] = frozenset()
        site.table[host(2)] = OWN
        await until(lambda: site.confirmed, within=NAMED)
        site.prober.neighbours([Neighbour(host(2), True, OWN)])
        await until(lambda: site.says(2) == "unreachable", within=NAMED)
        await asyncio.sleep(10)
        assert len(site.confirmed) == 1
        site.table[host(2)] = STRANGE
        await until(lambda: site.says(2) == "duplicate_address", within=NAMED)


async def test_while_a_stranger_has_the_address_the_link_is_asked_whether_it_is_gone() -> None:
    """Once a second, which is as often as the node is asked; and not any more after that."""
    async with probing(2) as site:
        site.prober.neighbours([Neighbour(host(2), True, OWN)])
        await asyncio.sleep(5)
        site.wire.answers[2] = frozenset()
        await until(lambda: site.confirmed, within=NAMED)
        site.prober.neighbours([Neighbour(host(2), True, STRANGE)])
        await until(lambda: site.says(2) == "duplicate_address", within=NAMED)
        site.confirmed.clear()
        await asyncio.sleep(10)
        assert 8 <= len(site.confirmed) <= 11
        said = site.follow(2)
        site.prober.neighbours([Neighbour(host(2), False)])
        del site.wire.answers[2]
        site.prober.neighbours([Neighbour(host(2), True, OWN)])
        await until(lambda: said == ["ok"], within=NAMED)
        site.confirmed.clear()
        await asyncio.sleep(10)
        assert site.confirmed == []


async def test_an_entry_that_goes_and_comes_again_is_no_stranger() -> None:
    """The table forgets, and learns the same."""
    async with probing(2) as site:
        for hardware in (OWN, OWN):
            site.prober.neighbours([Neighbour(host(2), True, hardware)])
            await asyncio.sleep(5)
            site.prober.neighbours([Neighbour(host(2), None)])
        site.prober.neighbours([Neighbour(host(2), True, OWN)])
        site.wire.answers[2] = frozenset()
        await until(lambda: site.confirmed, within=NAMED)
        site.prober.neighbours([Neighbour(host(2), True, OWN)])
        await until(lambda: site.says(2) == "unreachable", within=NAMED)
