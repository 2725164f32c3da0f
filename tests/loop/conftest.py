"""What the tests of loops share: a store with a network in it, and a view that is served."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from support.claim_node import NETWORK, write_config
from support.fake_store import FakeStore
from support.loops import now
from support.webview import FakeView


@pytest.fixture
def store() -> Iterator[FakeStore]:
    """Give a store with a network in it; planted faults must have been hit."""
    made = FakeStore(now)
    write_config(made, NETWORK)
    yield made
    made.faults.check()


@pytest.fixture
def view() -> FakeView:
    """Show a daemon that is well."""
    return FakeView()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """Ask over TCP."""
    async with aiohttp.ClientSession() as session:
        yield session
