"""What somebody else depends on is looked at, too, though it is not the uplink."""

from __future__ import annotations

import asyncio

import pytest

from hostgw_daemon.kernel import HostChanged, Link
from support.watched_host import watching

pytestmark = pytest.mark.looptime


async def test_what_somebody_heeds_is_looked_at():
    """A change of another link, too, if somebody depends on it; what was seen is there to read."""
    async with watching() as it:
        it.heeded = {"blue"}
        it.hear(HostChanged(7, "red is gone", "red"))
        await asyncio.sleep(1)
        assert it.host.looks == 1
        it.host.gain(Link(7, "blue", 1500, up=True, carrier=True, vrf_table=9))
        it.hear(HostChanged(7, "blue: up", "blue"))
        await asyncio.sleep(1)
        assert (it.host.looks, it.told[-1][1]) == (2, "blue: up")
        assert it.watch.picture.links[-1].vrf_table == 9
