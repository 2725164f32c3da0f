"""What the guard holds back, for those who tell of it: a look at its memory, and no copy of it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from hostgw_core.history import Break
from hostgw_daemon.routes.holds import Cause, Hold


@dataclass(frozen=True, slots=True)
class Watchfulness:
    """What is held, and the totals since the start; the collections go on living.

    `leftovers` are the keys of the records that a broken history is not believed. `begun` counts
    holds by cause, and again one that gets another cause; `ended` by cause and by how they ended;
    `extended` are those that an operator has let last longer.
    """

    holds: Mapping[bytes, Hold] = field(default_factory=dict)
    leftovers: AbstractSet[bytes] = frozenset()
    broken: Break | None = None
    begun: Mapping[Cause, int] = field(default_factory=dict)
    ended: Mapping[tuple[Cause, str], int] = field(default_factory=dict)
    extended: int = 0
