"""A node that is at another address now: what was asked at the former one says nothing of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hostgw_daemon.probe.datagram import Way
from support.fake_probes import Site, host, key, probing, target
from support.loops import running, until

pytestmark = pytest.mark.looptime

MOVED = replace(target(2), host=host(77))


async def test_questions_to_the_former_address_are_no_losses_of_the_new_one() -> None:
    """Two were under way when the lease said where it is now; a third loss would be an alarm."""
    async with probing(2) as site:
        site.wire.answers |= dict.fromkeys((2, 77), frozenset[Way]())
        await until(lambda: site.prober.counts["lost"] >= 3)
        await until(lambda: len(site.prober._questions._waiting) >= 6)
        site.prober.amend({key(2): MOVED})
        await asyncio.sleep(0.6)
        evidence = site.prober._ledger.of(key(2))
        asked = sum(each.number == 77 and each.way is Way.HOST for each in site.wire.sent)
        assert -evidence.trial(Way.HOST).row <= asked
        assert -evidence.trial(Way.POD).row <= asked


async def test_a_host_with_one_more_address_keeps_its_turn() -> None:
    """Somebody has ordered a round, and waits; of two hundred each has its turn every 25 s."""
    site = Site()
    site.aim(*range(2, 202))
    site.prober.entries([host(number) for number in range(2, 202)])
    async with running(site.prober.run):
        await asyncio.sleep(60)
        found, _ = site.prober.order([key(number) for number in range(2, 8)])
        more = {
            key(number): replace(target(number), others=frozenset({host(250)}))
            for number in range(2, 8)
        }
        site.prober.amend(more)
        assert await until(lambda: found.done) < 5
