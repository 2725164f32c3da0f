"""What an operator may order about one network, as it comes over the unix socket.

| path | body | does |
|---|---|---|
| `/v1/holds/accept` | `{"keys": [...]}` or `{"all": true}` | lets these holds go |
| `/v1/holds/extend` | the same, and `"seconds": N` | lets them last at least so long from now |
| `/v1/history/accept` | none | believes the history that the store tells now |
| `/v1/peers/probe` | `{"keys": [...]}` or `{"all": true}` | asks these peers now by every way |

A body is an order that is meant, or one sentence that says what is wrong with it: a word that is
not known, or both words for "which", is a mistake of whoever wrote it, and nothing is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from hostgw_daemon.told.bodies import decoded, none

SHORTEST_WAIT, LONGEST_WAIT = 1, 30 * 86400
"""Seconds that a hold may be extended by."""


@dataclass(frozen=True, slots=True)
class Accept:
    """Let go of these keys, None for all that is held."""

    keys: frozenset[bytes] | None


@dataclass(frozen=True, slots=True)
class Extend:
    """Hold these keys, None for all, at least so many seconds from now."""

    keys: frozenset[bytes] | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Believe:
    """Take the history that the store tells now for ours."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask the peers of these keys, None for all, by every way, now."""

    keys: frozenset[bytes] | None


Order: TypeAlias = Accept | Extend | Believe | Probe


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an order: how many holds it changed, and how many there are after it."""

    done: int
    held: int


@dataclass(frozen=True, slots=True)
class Begun:
    """A round of probes that was ordered: its number, for `/v1/probes?round=`.

    So many peers are asked, once in each family, at most `rate` a second: in about `seconds`.
    """

    round: int
    peers: int
    rate: int
    seconds: float


class _Which(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[str] | None = None
    all: bool = False


class _HowLong(_Which):
    seconds: float = 0


def _accept(body: bytes) -> Order | str:
    which = decoded(body, _WHICH)
    return which if isinstance(which, str) else _chosen(which, Accept)


def _extend(body: bytes) -> Order | str:
    which = decoded(body, _HOW_LONG)
    if isinstance(which, str):
        return which
    if not SHORTEST_WAIT <= which.seconds <= LONGEST_WAIT:
        return f"seconds must be from {SHORTEST_WAIT} to {LONGEST_WAIT}"
    seconds = which.seconds
    return _chosen(which, lambda keys: Extend(keys, seconds))


def _believe(body: bytes) -> Order | str:
    return none(body) or Believe()


def _probe(body: bytes) -> Order | str:
    which = decoded(body, _WHICH)
    return which if isinstance(which, str) else _chosen(which, Probe)


ORDERS: Final[Mapping[str, Callable[[bytes], Order | str]]] = {
    "/v1/holds/accept": _accept,
    "/v1/holds/extend": _extend,
    "/v1/history/accept": _believe,
    "/v1/peers/probe": _probe,
}
"""What reads the body, by the path. It never raises."""

_WHICH: Final = msgspec.json.Decoder(_Which)
_HOW_LONG: Final = msgspec.json.Decoder(_HowLong)


def _chosen(which: _Which, order: Callable[[frozenset[bytes] | None], Order]) -> Order | str:
    if which.all:
        return order(None) if which.keys is None else "say either keys or all, not both"
    if not which.keys:
        return "say which: keys with at least one key, or all"
    return order(frozenset(key.encode() for key in which.keys))
