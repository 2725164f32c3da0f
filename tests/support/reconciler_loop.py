"""A reconciler's site that runs in a loop of virtual time: three leases, their routes, and waiting.

The machine has been up for a while, so a moment of the monotonic clock is never near zero.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hostgw_core.backoff import Backoff
from hostgw_core.supervise import persistent
from hostgw_daemon.routes.schedule import SETTLE
from support.reconciler_site import Site, ours

A, B, C = "10.5.1.0-24", "10.5.2.0-24", "10.5.3.0-24"
ROUTE_A, ROUTE_B = ours("10.5.1.0/24"), ours("10.5.2.0/24")


def now() -> float:
    """Give the loop's virtual time, as of a machine that has been up for a while."""
    return 1000.0 + asyncio.get_running_loop().time()


@asynccontextmanager
async def running(*names: str, stand: bool = True) -> AsyncIterator[Site]:
    """Run a site with these leases, until its first pass is done; it ends with the block."""
    site = Site(now)
    for name in names:
        site.put(name)
    if stand:
        site.stand()
    site.relist()

    def failed(error: Exception, _pause: float) -> None:
        site.failures.append(error)

    work = persistent(site.reconciler.run, backoff=Backoff(0.1, 10.0), failed=failed)
    task = asyncio.create_task(work)
    try:
        await quiet()
        yield site
        await quiet()
        assert not task.done()
        site.kernel.faults.assert_all_hit()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def quiet(seconds: float = 0.0) -> None:
    """Let everything happen that is due by then."""
    await asyncio.sleep(seconds)
    for _ in range(20):
        await asyncio.sleep(0)


async def settled() -> None:
    """Let the settling time pass, so that the next call acts at once."""
    await quiet(2 * SETTLE)
