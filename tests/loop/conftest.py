"""What the tests of loops share: a store of memory that a network has been written to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.claim_node import NETWORK, write_config
from support.fake_store import FakeStore
from support.loops import now


@pytest.fixture
def store() -> Iterator[FakeStore]:
    """Give a store with a network in it; planted faults must have been hit."""
    made = FakeStore(now)
    write_config(made, NETWORK)
    yield made
    made.faults.check()
