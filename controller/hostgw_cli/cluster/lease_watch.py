"""Following the leases in the store for as long as somebody looks.

The store may go away and come back: that is told, and what changed meanwhile is told after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NoReturn

from hostgw_cli.cluster.lease_changes import Event, Ledger
from hostgw_core.keys import Keys
from hostgw_core.store import Span, Store
from hostgw_core.view import Sighting, View


async def follow(store: Store, keys: Keys, tell: Callable[[Event], None]) -> NoReturn:
    """Tell every change until it is cancelled. Raise StoreError if the store is away at first."""
    await store.list()
    ledger = Ledger(keys)
    away = False

    def seen(sighting: Sighting) -> None:
        found = sighting.snapshot
        for event in ledger.take(
            found.entries, sighting.changes, revision=found.revision, broken=found.broken
        ):
            tell(event)

    def told() -> None:
        nonlocal away
        state, revision = view.state, view.snapshot.revision if view.snapshot else 0
        if not state.connected and not away:
            away = True
            tell(Event("store_away", state.error, revision))
        elif state.connected and away:
            away = False
            tell(Event("store_back", "what changed meanwhile follows", revision))

    spans = (Span(keys.config), keys.subnets, keys.subnets6, keys.nodes)
    view = View(store, *spans, seen=seen, clock=time.monotonic, told=told)
    await view.run()
