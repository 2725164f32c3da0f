"""The doorbell: one look for any number of rings, and no ring lost."""

from __future__ import annotations

import asyncio

import pytest

from hostgw_core.wake import Wake


async def test_a_thousand_rings_are_one():
    """However often it rang, the next wait but one finds nothing."""
    wake = Wake()
    for _ in range(1000):
        wake.ring()
    assert await wake.wait(within=0)
    assert not await wake.wait(within=0)


async def test_a_ring_before_the_wait_is_not_lost():
    """Who begins to wait after the ring is answered at once, even without any time."""
    wake = Wake()
    wake.ring()
    assert wake.rung
    assert await wake.wait()
    assert not wake.rung


@pytest.mark.looptime
async def test_a_wait_ends_with_the_ring_or_with_its_time():
    """A ring during the wait ends it; without one it ends at the limit and says so."""
    loop, wake = asyncio.get_running_loop(), Wake()
    loop.call_later(3, wake.ring)
    begun = loop.time()
    assert await wake.wait(within=10)
    assert loop.time() - begun == pytest.approx(3)
    assert not await wake.wait(within=10)
    assert loop.time() - begun == pytest.approx(13)


@pytest.mark.looptime
async def test_a_ring_in_the_moment_of_the_limit_is_kept():
    """If the limit and the ring fall together, the ring is taken now or by the next wait."""
    loop, wake = asyncio.get_running_loop(), Wake()
    loop.call_later(5, wake.ring)
    taken = await wake.wait(within=5)
    assert taken != await wake.wait(within=0)


async def test_taking_the_ring_leaves_none():
    """A look that begins takes what rang before it, without waiting."""
    wake = Wake()
    assert not wake.take()
    wake.ring()
    assert wake.take()
    assert not wake.take()
    assert not wake.rung
