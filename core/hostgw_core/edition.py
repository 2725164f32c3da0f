"""A mapping that is replaced whole at the price of what changed in it.

A snapshot of ten thousand entries is a value: whoever holds one sees it unchanged for as long as he
likes. To copy a dict for each change touches every entry in it, which costs little in a loop
and half a millisecond in a daemon that wakes up to it. So an edition is what an older one says, and
the *news* since; the next edition shares the first and copies the second, and when there is too
much news it is printed anew.

An edition cannot be changed. A draft can, until it is printed.
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


class Edition(Mapping[K, V]):
    """A mapping that can be followed by the next one."""

    __slots__ = ("_base", "_length", "_news")

    def __init__(
        self, base: dict[K, V], news: dict[K, object] | None = None, *, length: int | None = None
    ) -> None:
        """Take a dict that nobody changes any more; with `news` on top there are `length` keys."""
        self._base = base
        self._news: dict[K, object] = {} if news is None else news
        self._length = len(base) if length is None else length

    def draft(self) -> Draft[K, V]:
        """Give a draft of the next edition, which says the same as yet."""
        if len(self._news) > MOST:
            return Draft(self._whole())
        return Draft(self._base, self._news.copy(), length=self._length)

    def _whole(self) -> dict[K, V]:
        """Put it all into one dict: to ask for each key would take thirty times as long."""
        whole = self._base.copy()
        for key, news in self._news.items():
            if news is _GONE:
                del whole[key]
            else:
                whole[key] = cast("V", news)
        return whole

    def __getitem__(self, key: K) -> V:
        news = self._news.get(key, _NO_NEWS)
        if news is _NO_NEWS:
            return self._base[key]
        if news is _GONE:
            raise KeyError(key)
        return cast("V", news)

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
        return f"{type(self).__name__}({dict(self)!r})"


class Draft(Edition[K, V], MutableMapping[K, V]):
    """The next edition while it is being made."""

    __slots__ = ()

    def printed(self) -> Edition[K, V]:
        """Give the edition; the draft is not to be changed after this."""
        if not self._base:  # written from nothing: then no news says that something is gone
            return Edition(cast("dict[K, V]", self._news))
        return Edition(self._base, self._news, length=self._length)

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


def draft_of(mapping: Mapping[K, V]) -> Draft[K, V]:
    """Give a draft of what follows any mapping; it costs little after an edition."""
    return mapping.draft() if isinstance(mapping, Edition) else Draft(dict(mapping))
