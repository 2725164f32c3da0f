"""The masquerade loop, run for the time of a block."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hostgw_daemon.rules.masquerade import Masquerade, MasqueradeState
from hostgw_daemon.rules.nftables import Firewall


@asynccontextmanager
async def running(
    firewall: Firewall, **options: Any
) -> AsyncIterator[tuple[Masquerade, list[MasqueradeState]]]:
    """Run the loop; give it, and the list of the states that it publishes."""
    states: list[MasqueradeState] = []
    masquerade = Masquerade(firewall, states.append, **options)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(masquerade.run())
        yield masquerade, states
        task.cancel()
