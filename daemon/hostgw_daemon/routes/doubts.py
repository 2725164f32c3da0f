"""What the guard says beside the records of the store, for the judgement to go by."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Doubts:
    """`held` gives for a key why its last meaning is kept although no record says it any more.

    `leftovers` are keys whose record belongs to another history of the store: it is not used.
    """

    held: Mapping[bytes, str] = field(default_factory=dict)
    leftovers: Container[bytes] = frozenset()


NO_DOUBTS: Final = Doubts()
