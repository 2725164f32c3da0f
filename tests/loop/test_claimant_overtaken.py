"""What comes while a claim reads and writes is seen by it, however the two fall together."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from hostgw_core.store import Delete, Listing, Put, Span
from support.claim_node import Node, alive
from support.loops import Counted, settled, until

pytestmark = pytest.mark.looptime


class Overtaken(Counted):
    """Something happens, and the view has it, between the server's answer and the reader."""

    between: Callable[[], bool] = staticmethod(lambda: False)

    async def list(self, *spans: Span) -> Listing:
        """Do as the port says, slowly."""
        found = await super().list(*spans)
        if self.between():
            await settled()
        return found


async def test_a_key_written_over_while_its_writer_looks_again_is_put_right(store):
    """The view has the change before the claim knows again that it holds the key."""
    node = Node(store, asks=(asks := Overtaken(store)))
    async with alive(store, node):
        ours, lost, left = node.entry, [], [1]

        def flannel_answers() -> bool:
            """Once, as soon as our key is back and nobody has said so yet."""
            if not left or node.state.held or ours.key not in store.entries:
                return False
            value = json.dumps({"PublicIP": "192.0.2.1", "BackendType": "host-gw"}).encode()
            store.commit_now([], [Put(ours.key, value)])
            lost.append(left.pop())
            return True

        asks.between = flannel_answers
        store.commit_now([], [Delete(ours.key)])
        await until(lambda: lost)
        await until(lambda: json.loads(node.entry.value).get("NodeID") == "id-1", within=5)
