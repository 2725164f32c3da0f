"""Moments and lengths of time, as a person reads them: pure."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def span(seconds: float) -> str:
    """Give a length of time in its two largest units: 45s, 4m12s, 1h5m, 3d2h."""
    left = max(0, round(seconds))
    for (unit, size), (small, part) in pairwise(_UNITS):
        if left >= size:
            return f"{left // size}{unit}{left % size // part}{small}"
    return f"{left}s"


def ago(moment: float | None, now: float) -> str:
    """Say how long ago a moment was; both in seconds since the epoch."""
    return f"{span(now - moment)} ago" if moment else "never"


def clock(moment: float) -> str:
    """Give a moment as a log writes it, in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
