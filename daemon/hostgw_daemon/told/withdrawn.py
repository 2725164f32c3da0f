"""What is said of routes that are withdrawn, or are not although a setting might ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from hostgw_daemon.routes.peers import Peer
from hostgw_daemon.routes.withdrawals import Withdrawn

SAID: Final = "its route is withdrawn (--withdraw-states)"
"""What stands before the reason of a peer's state."""


def absent(withdrawn: Withdrawn, peers: Mapping[bytes, Peer]) -> list[tuple[str, str]]:
    """Give the nodes whose routes are withdrawn, each with the state that it is in."""
    return sorted(
        (peers[key].lease.owner, each.state)
        for (key, _), each in withdrawn.routes.items()
        if key in peers
    )


def spared(withdrawn: Withdrawn) -> Iterator[str]:
    """Say of each family that more are out of reach than may lose their routes."""
    for family, count in sorted(withdrawn.spared.items()):
        gone = sum(1 for _, of in withdrawn.routes if of == family)
        yield (
            f"IPv{family}: {count + gone} of {withdrawn.peers[family]} nodes are out of reach,"
            f" {gone} of them without their routes"
        )
