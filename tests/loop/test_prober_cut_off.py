"""A host whose own link carries nothing: that is no fault of those it cannot ask."""

from __future__ import annotations

import asyncio

import pytest

from hostgw_core.model import Addresses
from hostgw_daemon.probe.datagram import Way
from hostgw_daemon.probe.port import Neighbour
from hostgw_daemon.probe.target import Ground
from support.fake_probes import Site, host, key, probing
from support.loops import running, until

pytestmark = pytest.mark.looptime

CUT = Ground(Addresses(host(1)), 1500, up=False)
WHOLE = Ground(Addresses(host(1)), 1500)


async def test_nobody_is_blamed_while_our_own_link_carries_nothing() -> None:
    """The kernel takes each question and gives it to nobody, and fails all entries of the link."""
    async with probing(2, 3) as site:
        site.wire.answers |= dict.fromkeys((2, 3), frozenset[Way]())
        await asyncio.sleep(0.2)  # until the loss of the carrier is known
        site.prober.stand_on(CUT)
        site.prober.neighbours([Neighbour(host(n), None) for n in (2, 3)])
        await asyncio.sleep(1)
        before = len(site.wire.sent)
        site.prober.neighbours([Neighbour(host(n), answers=False) for n in (2, 3)])
        await asyncio.sleep(60)
        assert len(site.wire.sent) == before
        assert site.told == []

        site.wire.answers.clear()
        site.prober.stand_on(WHOLE)
        await until(lambda: len(site.wire.to(3)) > 3)
        await asyncio.sleep(3)
        assert site.told == []
        assert site.says(2) == site.says(3) == "ok"


async def test_a_host_that_starts_without_a_carrier_says_nothing_of_the_others() -> None:
    """Entries fail, for pods have asked for them; that is told when it is so with a carrier."""
    site = Site()
    site.prober.stand_on(CUT)
    site.aim(2)
    async with running(site.prober.run):
        await asyncio.sleep(5)
        site.prober.neighbours([Neighbour(host(2), answers=False)])
        await asyncio.sleep(5)
        assert site.says(2) == ""
        site.prober.stand_on(WHOLE)
        site.wire.answers[2] = frozenset()
        await asyncio.sleep(1)
        site.prober.neighbours([Neighbour(host(2), answers=False)])
        await until(lambda: site.says(2) == "unresolved")


async def test_a_round_says_that_nothing_was_sent() -> None:
    """It ends soon, and why stands with every way."""
    async with probing(2) as site:
        site.prober.stand_on(CUT)
        found, _ = site.prober.order([key(2)])
        await until(lambda: found.done)
        refused = {tally.refused for tally in found.tallies[key(2)].values()}
        assert refused == {"Network is down"}
