"""A command line cut into flags as Go's `flag` package cuts it (https://pkg.go.dev/flag).

| written | means |
|---|---|
| `-name`, `--name` | one dash or two, no difference; a boolean becomes true |
| `-name=value` | any flag; the only way to give a boolean its value |
| `-name value` | any flag but a boolean; the next word is taken whatever it looks like |
| `--` | ends the flags |
| a word that is no flag | is stray, which is always a mistake here |

Go stops at the first stray word, and flannel then ignores the rest of the line, silently. Here the
cutting goes on, so that every mistake is found at once. An empty word is passed over: `${OPTIONS}`
in a unit file leaves one where OPTIONS is empty. After a flag that nobody knows, a word that is no
flag is taken for its value, so that one mistake is reported once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from typing import NamedTuple


class Found(Enum):
    """What a piece of the command line turned out to be."""

    FLAG = "flag"
    UNKNOWN = "a flag that nobody declared"
    VALUELESS = "a flag at the end of the line, without its value"
    MALFORMED = "dashes without a name"
    STRAY = "a word that belongs to no flag"


class Piece(NamedTuple):
    """One piece. `value` is None for a bare boolean; `after` names the flag before a stray word."""

    found: Found
    name: str
    value: str | None = None
    after: str = ""


def cut(
    argv: Sequence[str], *, flags: Collection[str], booleans: Collection[str]
) -> tuple[Piece, ...]:
    """Cut the words after the program's name into pieces. `booleans` is part of `flags`."""
    pieces: list[Piece] = []
    words = list(argv)
    ended = False
    while words:
        word = words.pop(0)
        if word == "--" and not ended:
            ended = True
        elif ended or (word and not _is_flag(word)):
            last = pieces[-1] if pieces else None
            after = last.name if last and last.found is Found.FLAG and not ended else ""
            pieces.append(Piece(Found.STRAY, word, after=after))
        elif word:
            pieces.append(_flag(word, words, flags=flags, booleans=booleans))
    return tuple(pieces)


def _is_flag(word: str) -> bool:
    """Tell whether Go would take the word for a flag: a lone dash is none."""
    return len(word) > 1 and word.startswith("-")


def _flag(
    word: str, words: list[str], *, flags: Collection[str], booleans: Collection[str]
) -> Piece:
    """Read one flag, and take its value from the words that follow where it needs one."""
    bare = word[2:] if word.startswith("--") else word[1:]
    if bare[:1] in ("", "-", "="):
        return Piece(Found.MALFORMED, word)
    name, equals, value = bare.partition("=")
    if name not in flags:
        if not equals and words and not _is_flag(words[0]):
            words.pop(0)
        return Piece(Found.UNKNOWN, name)
    if equals:
        return Piece(Found.FLAG, name, value)
    if name in booleans:
        return Piece(Found.FLAG, name)
    if not words:
        return Piece(Found.VALUELESS, name)
    return Piece(Found.FLAG, name, words.pop(0))
