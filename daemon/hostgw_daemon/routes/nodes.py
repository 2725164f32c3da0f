"""The addresses of all nodes on the link: who has the route back to our pods.

They are the gateways of all leases that are believed, our own among them. One that is not on our
link is left out: its node can have no route through us, so it has none back.

Kept from judgement to judgement, so that one node of ten thousand costs what one node costs; and as
text, which is what they are compared as (`rules.ruleset.Elements`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from hostgw_core.model import FAMILIES, Family, IPNetwork, Lease
from hostgw_daemon.routes.peers import Roster


class NodeAddresses:
    """Follows the roster and the networks on the link; `now` is a new value after each change."""

    def __init__(self) -> None:
        self._networks: tuple[IPNetwork, ...] = ()
        self._roster: Roster | None = None
        self._of: dict[bytes, list[tuple[Family, str]]] = {}  # by the key of the lease
        self._count: dict[Family, Counter[str]] = {family: Counter() for family in FAMILIES}
        self.now: Mapping[Family, frozenset[str]] = self._sets()

    def heard(self, roster: Roster | None, moved: Iterable[bytes] | None) -> bool:
        """Take a judgement of which these keys are new, None: all. Tell whether `now` changed."""
        self._roster = roster
        peers = roster.peers if roster is not None else {}
        if moved is None:
            self._of.clear()
            for count in self._count.values():
                count.clear()
            moved = peers
        for key in moved:
            for family, text in self._of.pop(key, ()):
                self._count[family][text] -= 1
                if not self._count[family][text]:
                    del self._count[family][text]
            peer = peers.get(key)
            if peer is not None:
                self._of[key] = addresses = list(self._near(peer.lease))
                for family, text in addresses:
                    self._count[family][text] += 1
        before, after = self.now, self._sets()
        if after != before:
            self.now = after
        return self.now is not before

    def stand_at(self, networks: tuple[IPNetwork, ...]) -> bool:
        """Take note of the networks on the link. Tell whether `now` changed."""
        if networks == self._networks:
            return False
        self._networks = networks
        return self.heard(self._roster, None)

    def _near(self, lease: Lease) -> Iterable[tuple[Family, str]]:
        for family in FAMILIES:
            address = lease.gateways.of(family)
            if address is not None and any(address in network for network in self._networks):
                yield family, str(address)

    def _sets(self) -> Mapping[Family, frozenset[str]]:
        return {family: frozenset(count) for family, count in self._count.items()}
