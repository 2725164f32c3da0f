"""How an answer is shown: a table for a person, JSON or YAML for a program. One option for all.

What is a table for a person is coloured and fitted to the terminal, whole; in a pipe it is plain
columns, one line a row, so that `grep` and `awk` are of use.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, TypeVar

import click
import msgspec

from hostgw_cli.columns import columns, fitted

T = TypeVar("T")


class Shape(StrEnum):
    """The values of --output."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def shaped(command: Callable[..., T]) -> Callable[..., T]:
    """Give a command the option -o/--output, and the keyword `shape`."""

    @functools.wraps(command)
    def wrapped(*, output: str, **given: Any) -> T:
        return command(shape=Shape(output), **given)

    return click.option(
        *("-o", "--output"),
        type=click.Choice([str(shape) for shape in Shape]),
        default=str(Shape.TABLE),
        show_default=True,
        help="json, yaml: all that is known, for programs.",
    )(wrapped)


def emit(document: object, shape: Shape) -> None:
    """Print a document for a program; `document` is of plain values, or JSON as bytes."""
    if isinstance(document, bytes):
        document = msgspec.json.decode(document)
    if shape is Shape.YAML:
        import yaml  # noqa: PLC0415 - 30 ms that a table does not need

        plain = msgspec.to_builtins(document)
        click.echo(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).rstrip())
        return
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode().rstrip())


def show(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Show a table to a person, plain columns to a pipe."""
    if not sys.stdout.isatty():
        for line in columns([headings, *rows]):
            click.echo(line)
        return
    from rich.console import Console  # noqa: PLC0415 - slow to load
    from rich.text import Text  # noqa: PLC0415 - the same

    console = Console(highlight=False, markup=False)
    for number, (cells, words) in enumerate(fitted([headings, *rows], console.width)):
        text = Text(style="" if number else "bold")
        for cell in (*cells, words):
            text.append(cell, style=COLOURS.get(cell.strip(), ""))
        text.rstrip()
        console.print(text, no_wrap=True, overflow="ignore", crop=False)


COLOURS = {
    **dict.fromkeys(("ok", "installed", "ready", "held", "yes"), "green"),
    **dict.fromkeys(("unprobed", "notice", "headless", "grace"), "cyan"),
    **dict.fromkeys(("warning", "shadowed", "mtu", "quarantine", "reserved"), "yellow"),
    **dict.fromkeys(
        (
            *("error", "not ready", "missing", "strange", "no", "unreachable", "unresolved"),
            *(
                "off_subnet",
                "not_forwarding",
                "rp_filter",
                "no_way_back",
                "path_filtered",
                "conflict",
                "fight",
            ),
            *("rejected", "rejected_kept", "duplicate_address", "failed", "outside_config"),
        ),
        "red",
    ),
}
"""Words that are shown in a colour wherever they stand alone in a cell."""
