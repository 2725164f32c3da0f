"""How Go writes values: what a unit file written for a Go program means by `T`, `0x10` or `1h30m`.

Sources: strconv.ParseBool, strconv.ParseInt with base 0, time.ParseDuration (https://pkg.go.dev).
Every function raises ValueError with the end of a sentence whose subject is the text: it says what
is wrong and what would be right, and never repeats the text, which may be a secret.
"""

from __future__ import annotations

import re

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})

_OCTAL = re.compile(r"[+-]?0_?[0-7][0-7_]*")

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def boolean(text: str) -> bool:
    """Read a boolean as strconv.ParseBool does."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError("is not a boolean; write true or false")


def integer(text: str) -> int:
    """Read a whole number as strconv.ParseInt does with base 0: 16, 0x10, 0o20, 020, 0b10000."""
    try:
        if not text.isascii() or text != text.strip():
            raise ValueError  # noqa: TRY301 - int() would take both, Go takes neither
        if _OCTAL.fullmatch(text):
            return int(text, 8)
        return int(text, 0)
    except ValueError:
        raise ValueError("is not a whole number; write for example 60") from None


def duration(text: str) -> float:
    """Read a duration, in seconds, as time.ParseDuration does; a plain number means seconds."""
    if _PLAIN.fullmatch(text):
        return float(text)
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError("is not a duration; write for example 90s, 15m, 1h30m, or 90 for seconds")
    return float(sum(float(number) * _SECONDS[unit] for number, unit in parts))


def written(seconds: float) -> str:
    """Give a duration as `duration` reads it, in the largest unit that divides it: 86400 is 24h."""
    for unit in ("h", "m"):
        if seconds >= _SECONDS[unit] and seconds % _SECONDS[unit] == 0:
            return f"{seconds / _SECONDS[unit]:g}{unit}"
    return f"{seconds:g}s"
