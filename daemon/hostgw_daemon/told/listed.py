"""What may be long, as the status shows it: how many there are, and the first hundred."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final, Generic, TypeVar

LISTED: Final = 100
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """How many there are, and the first `LISTED` of them."""

    count: int = 0
    first: tuple[T, ...] = ()

    @classmethod
    def of(cls, count: int, items: Iterable[T]) -> Listed[T]:
        """Take no more of the items than are shown."""
        return cls(count, tuple(islice(items, LISTED)))
