"""What an operator may order about the daemon itself, as it comes over the unix socket.

| path | body | does |
|---|---|---|
| `/v1/resync` | none | looks at host, store, kernel and files anew |
| `/v1/log-level` | `{"level": "debug", "for": N}`, seconds; or for good | logs more or less |
| `/v1/pause` | `{"for": N, "by": "who"}`, seconds | writes nothing to the host for so long |
| `/v1/drain` | none, or `{"wait": N}`, seconds | leaves all networks on purpose |
| `/v1/resume` | none | writes again, and claims again |

What is ordered for a while ends by itself: nobody has to remember it, and a restart ends it too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import msgspec

from hostgw_daemon.claim.leaving import WAIT
from hostgw_daemon.told.bodies import decoded, none

SHORTEST, LONGEST_PAUSE, LONGEST_LEVEL, LONGEST_WAIT = 1, 86400, 30 * 86400, 86400
"""Seconds for which something may be ordered."""

LONGEST_NAME: Final = 100
"""Characters of what somebody says to be called."""


@dataclass(frozen=True, slots=True)
class Resync:
    """Look at everything anew."""


@dataclass(frozen=True, slots=True)
class LogLevel:
    """Log at this level, for so many seconds; None: until the process ends."""

    level: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Pause:
    """Write nothing for so many seconds. `by` is who somebody says to be."""

    seconds: float
    by: str = ""


@dataclass(frozen=True, slots=True)
class Resume:
    """Write again, and claim again."""


@dataclass(frozen=True, slots=True)
class Drain:
    """Leave all networks on purpose, and claim nothing until it is said otherwise.

    `wait` is how many seconds those are waited for that could say that they let go.
    """

    wait: float = WAIT


Control: TypeAlias = Resync | LogLevel | Pause | Drain | Resume


@dataclass(frozen=True, slots=True)
class Obeyed:
    """What came of it, in a sentence; and when it ends, in seconds since the epoch."""

    done: str
    until: float | None = None


class _Level(msgspec.Struct, forbid_unknown_fields=True):
    level: Literal["debug", "info", "warning", "error"]
    seconds: float | None = msgspec.field(default=None, name="for")


class _Pause(msgspec.Struct, forbid_unknown_fields=True):
    seconds: float = msgspec.field(name="for")
    by: str = ""


class _Drain(msgspec.Struct, forbid_unknown_fields=True):
    wait: float = WAIT


def _level(body: bytes) -> Control | str:
    asked = decoded(body, _LEVEL)
    if isinstance(asked, str):
        return asked
    if asked.seconds is not None and not SHORTEST <= asked.seconds <= LONGEST_LEVEL:
        return f"for must be from {SHORTEST} to {LONGEST_LEVEL} seconds"
    return LogLevel(asked.level, asked.seconds)


def _pause(body: bytes) -> Control | str:
    asked = decoded(body, _PAUSE)
    if isinstance(asked, str):
        return asked
    if not SHORTEST <= asked.seconds <= LONGEST_PAUSE:
        return f"for must be from {SHORTEST} to {LONGEST_PAUSE} seconds: a pause ends by itself"
    if len(asked.by) > LONGEST_NAME or not asked.by.isprintable():
        return f"by must be a name of at most {LONGEST_NAME} printable characters"
    return Pause(asked.seconds, asked.by)


def _drain(body: bytes) -> Control | str:
    asked = decoded(body or b"{}", _DRAIN)
    if isinstance(asked, str):
        return asked
    if not SHORTEST <= asked.wait <= LONGEST_WAIT:
        return f"wait must be from {SHORTEST} to {LONGEST_WAIT} seconds"
    return Drain(asked.wait)


def _plain(order: Control) -> Callable[[bytes], Control | str]:
    return lambda body: none(body) or order


CONTROLS: Final[Mapping[str, Callable[[bytes], Control | str]]] = {
    "/v1/resync": _plain(Resync()),
    "/v1/log-level": _level,
    "/v1/pause": _pause,
    "/v1/drain": _drain,
    "/v1/resume": _plain(Resume()),
}
"""What reads the body, by the path. It never raises."""

_LEVEL: Final = msgspec.json.Decoder(_Level)
_PAUSE: Final = msgspec.json.Decoder(_Pause)
_DRAIN: Final = msgspec.json.Decoder(_Drain)
