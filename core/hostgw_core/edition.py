"""A mapping that is replaced whole at the price of what changed in it.

A snapshot of ten thousand entries is a value: whoever holds one sees it unchanged for as long as he
likes. To copy a dict for each change touches every entry in it, which costs little in a loop
and half a millisecond in a daemon that wakes up to it. So an edition is what an older one says, and
the *news* since; the next edition shares the first and copies the second, and when there is too
much news it is printed anew.

Whoever made an edition may change it until he hands it on: from there it is a `Mapping`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Final, TypeVar, cast

K = TypeVar("K")
V = TypeVar("V")

MOST: Final = 256
"""How much news an edition takes; each of them is copied into the next edition."""

_GONE: Final = object()
_NO_NEWS: Final = object()


class Edition(MutableMapping[K, V]):
    """A mapping that can be followed by the next one."""

    __slots__ = ("_base", "_length", "_news")

    def __init__(self, base: dict[K, V]) -> None:
        """Take a dict that nobody changes any more."""
        self._base = base
        self._news: dict[K, object] = {}
        self._length = len(base)

    def next(self) -> Edition[K, V]:
        """Give one that says the same, and whose changes this one does not see."""
        if len(self._news) > MOST:
            return Edition(dict(self.items()))
        other = Edition(self._base)
        other._news = self._news.copy()
        other._length = self._length
        return other

    def __getitem__(self, key: K) -> V:
        news = self._news.get(key, _NO_NEWS)
        if news is _NO_NEWS:
            return self._base[key]
        if news is _GONE:
            raise KeyError(key)
        return cast("V", news)

    def __setitem__(self, key: K, value: V) -> None:
        self._length += key not in self
        self._news[key] = value

    def __delitem__(self, key: K) -> None:
        if key not in self:
            raise KeyError(key)
        self._length -= 1
        if key in self._base:
            self._news[key] = _GONE
        else:
            del self._news[key]

    def __contains__(self, key: object) -> bool:
        news = self._news.get(cast("K", key), _NO_NEWS)
        return key in self._base if news is _NO_NEWS else news is not _GONE

    def __iter__(self) -> Iterator[K]:
        for key in self._base:
            if self._news.get(key) is not _GONE:
                yield key
        for key, news in self._news.items():
            if news is not _GONE and key not in self._base:
                yield key

    def __len__(self) -> int:
        return self._length

    def __repr__(self) -> str:
        return f"Edition({dict(self)!r})"


def edition(mapping: Mapping[K, V]) -> Edition[K, V]:
    """Give an edition of any mapping: itself if it is one."""
    return mapping if isinstance(mapping, Edition) else Edition(dict(mapping))
