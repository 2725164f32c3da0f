"""A kernel that is asked and has nothing to tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hostgw_core.model import Family, IPNetwork
from hostgw_daemon.kernel import ForeignRoute, Link, LinkAddress
from hostgw_daemon.switches import NeighbourTable, Switches


class SilentInspector:
    """Implements the port `survey.Inspector`."""

    def links(self) -> tuple[Link, ...]:
        """Give none."""
        return ()

    def addresses(self) -> tuple[LinkAddress, ...]:
        """Give none."""
        return ()

    def switches(self, family: Family) -> Mapping[int, Switches]:
        """Give none."""
        return {}

    def neighbours(self, family: Family) -> NeighbourTable | None:
        """Give none."""
        return None

    def foreign(self, networks: Iterable[IPNetwork], table: int) -> Iterable[ForeignRoute]:
        """Give none."""
        return ()
