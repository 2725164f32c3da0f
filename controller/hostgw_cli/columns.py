"""Rows of words in columns: as a pipe and a log want them, and as a terminal has room for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Final

ROOM: Final = 40
"""Characters in a line that a long sentence needs so that it can be read in a column."""
_INDENT: Final = "    "


def columns(cells: Sequence[Sequence[str]]) -> list[str]:
    """Lay rows of equally many words out in columns, the headings being the first row."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def fitted(cells: Sequence[Sequence[str]], width: int) -> Iterator[tuple[list[str], str]]:
    """Lay the same rows out in lines of `width` characters: the padded cells, and the last column.

    Nothing is cut, for a cure must be whole to be of use. The last column goes on below itself, or,
    where there is little room beside the others, below the row. No word is broken.
    """
    widths = [max(map(len, column)) for column in zip(*(row[:-1] for row in cells), strict=True)]
    indent = sum(widths) + 2 * len(widths)
    room = width - indent
    below = room < ROOM and any(len(row[-1]) > 2 * room for row in cells)
    for number, row in enumerate(cells):
        lead = [f"{cell:{size}}  " for cell, size in zip(row[:-1], widths, strict=True)]
        if below and number:
            yield lead, ""
            yield from (([_INDENT], words) for words in _wrapped(row[-1], width - len(_INDENT)))
        else:
            first, *rest = _wrapped(row[-1], room) or [""]
            yield lead, first
            yield from (([" " * indent], words) for words in rest)


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False)
