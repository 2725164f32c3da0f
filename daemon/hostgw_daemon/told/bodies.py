"""The body of an order, read: what it says, or one sentence that says what is wrong with it."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

LONGEST: Final = 512 << 10
"""Bytes of a body: the keys of five thousand leases."""

_T = TypeVar("_T")
_QUOTED = 200  # characters of a decoder's words: it quotes what it was sent


def decoded(body: bytes, decoder: msgspec.json.Decoder[_T]) -> _T | str:
    """Read JSON as a decoder knows it. It never raises."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return f"the body is not as it must be: {str(error)[:_QUOTED]}"


def none(body: bytes) -> str:
    """Say what is wrong with a body where there is nothing to say; "" for none."""
    return "there is nothing to say in the body: send none" if body else ""
