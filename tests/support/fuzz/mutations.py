"""Changes to an input: of bytes, of numbers, and with words of the format."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Final

LONGEST: Final = 70_000  # bytes: a little more than the decoders look at
NUMBERS: Final = (b"0", b"-1", b"255", b"256", b"33", b"129", b"1e999", b"9" * 25, b"0x1f", b"01")
STRANGE: Final = (
    *(b"\0", b"\n", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"%eth0", b"\xd9\xa0"),
    *(b"\xf0\x9f\x98\x80" * 200, b"[" * 2000, b'{"a":' * 1000, b"x" * 300, b"NaN", b"null"),
)


def changed(chance: random.Random, data: bytes, words: Sequence[bytes], other: bytes) -> bytes:
    """Change an input in a few ways; `other` is one to take parts of."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        data = _once(chance, data, words, other)
    return data[:LONGEST]


def _once(chance: random.Random, data: bytes, words: Sequence[bytes], other: bytes) -> bytes:
    start = chance.randint(0, len(data))
    end = min(len(data), start + chance.choice((0, 0, 1, 2, 8)))
    match chance.randrange(8):
        case 0:
            new = chance.randbytes(chance.choice((1, 1, 2, 4)))
        case 1:
            new = chance.choice(STRANGE)
        case 2:
            new = chance.choice(words)
        case 3:
            new = other[chance.randint(0, len(other)) :][: chance.randint(1, 40)]
        case 4:
            new = data[start:end] * chance.choice((2, 3, 64))
        case 5:
            return _another_number(chance, data)
        case 6:
            return data[:start].swapcase() + data[start:]
        case _:
            new = b""
    return data[:start] + new + data[end:]


def _another_number(chance: random.Random, data: bytes) -> bytes:
    numbers = list(re.finditer(rb"[0-9]+", data))
    if not numbers:
        return chance.choice(NUMBERS) + data
    found = chance.choice(numbers)
    return data[: found.start()] + chance.choice(NUMBERS) + data[found.end() :]
