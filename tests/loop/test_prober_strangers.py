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
        site.prober.entries({host(2): OWN})
        await asyncio.sleep(5)
        said = site.follow(2)
        site.wire.answers[2] = frozenset()
        await until(lambda: site.confirmed, within=NAMED)
        site.prober.neighbours([Neighbour(host(2), True, STRANGE)])
        await until(lambda: said == ["duplicate_address"], within=NAMED)
        assert site.says(3) == "ok"
        del site.wire.answers[2]
        site.prober.neighbours([Neighbour(host(2), True, OWN)])
        await until(lambda: said == ["duplicate_address", "ok"], within=NAMED)


async def test_where_a_kernel_answers_instead_of_the_daemon_the_link_is_asked_once() -> None:
    """A node whose daemon was stopped has its own hardware; a stranger with the address has not."""
    async with probing(2) as site:
        site.prober.neighbours([Neighbour(host(2), True, OWN)])
        await asyncio.sleep(5)
        site.confirmed.clear()
        site.wire.without = frozenset({2})
        await until(lambda: site.confirmed, within=NAMED)
        await asyncio.sleep(30)
        assert [address for _, address in site.confirmed] == [host(2)]
        assert site.says(2) == "ok"
        site.prober.neighbours([Neighbour(host(2), True, STRANGE)])
        await until(lambda: site.says(2) == "duplicate_address", within=NAMED)
        site.wire.without = frozenset()
        await until(lambda: site.says(2) == "ok", within=NAMED)  # it has another card now


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
