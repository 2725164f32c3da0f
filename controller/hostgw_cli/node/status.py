"""`hostgwctl status`: how this host's daemon stands, on one screen.

Where the daemon cannot be asked, what the kernel and the store say of this host is shown instead,
and which of them could not be asked either.

Exit status: 0 the node is ready, 1 it is not, 2 wrong usage, 3 the daemon could not be asked.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import click
import msgspec

from hostgw_cli.daemon_socket import DaemonSocket, local
from hostgw_cli.endings import Unreachable
from hostgw_cli.node.kernel import kernel_lines
from hostgw_cli.node.status_words import lines
from hostgw_cli.output import COLOURS, Shape, emit, shaped

STATUSES = (
    "\b\nExit status: 0 the node is ready, 1 it is not, 2 wrong usage,"
    "\n3 the daemon of this host could not be asked."
)
PERIOD = 1.0  # seconds between two looks of --watch


@click.command(epilog=STATUSES)
@click.option("-w", "--watch", is_flag=True, help="Go on showing it, until Ctrl-C.")
@shaped
@local
def status(daemon: DaemonSocket, shape: Shape, *, watch: bool) -> None:
    """Show how the daemon of this host stands: lease, link, store, routes, peers, what is wrong."""
    if watch and shape is not Shape.TABLE:
        raise click.UsageError("--watch is a view for a person: leave --output out")
    if watch:
        _watch(daemon)
        return
    try:
        document = daemon.get("/v1/status")
    except Unreachable as error:
        if shape is not Shape.TABLE:
            raise
        click.echo(f"{error.message}\n")
        for line in kernel_lines():
            click.echo(line)
        click.echo()
        if not isinstance(error.__cause__, PermissionError):  # nobody looks for what is well
            click.echo("Why it does not answer: `hostgwctl check`, and its log.")
        click.echo("What the store says of every node: `hostgwctl nodes`.")
        sys.exit(Unreachable.exit_code)
    found = msgspec.json.decode(document)
    if shape is Shape.TABLE:
        _print(lines(found, time.time()))
    else:
        emit(found, shape)
    sys.exit(0 if found.get("ready") else 1)


def _print(shown: list[tuple[str, str]]) -> None:
    if not sys.stdout.isatty():
        for heading, words in shown:
            click.echo(f"{heading:9}{words}".rstrip())
        return
    from rich.console import Console  # noqa: PLC0415 - slow to load

    Console(highlight=False, markup=False).print(_grid(shown))


def _grid(shown: list[tuple[str, str]]) -> Any:
    from rich.table import Table  # noqa: PLC0415 - slow to load
    from rich.text import Text  # noqa: PLC0415 - the same

    grid = Table.grid(padding=(0, 2))
    for heading, words in shown:
        first = words.partition(":")[0]
        grid.add_row(Text(heading, style="bold"), Text(words, style=COLOURS.get(first, "")))
    return grid


def _watch(daemon: DaemonSocket) -> None:
    from rich.console import Group  # noqa: PLC0415 - slow to load
    from rich.live import Live  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    def look() -> Any:
        try:
            found = msgspec.json.decode(daemon.get("/v1/status"))
            shown = _grid(lines(found, time.time()))
        except Unreachable as error:
            shown = Text(error.message, style="red")
        return Group(shown, Text("\nCtrl-C ends this.", style="dim"))

    try:
        with Live(look(), screen=sys.stdout.isatty(), auto_refresh=False) as live:
            while True:
                time.sleep(PERIOD)
                live.update(look(), refresh=True)
    except KeyboardInterrupt:
        return
