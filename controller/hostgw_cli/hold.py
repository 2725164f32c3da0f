"""`hostgwctl hold`: see what the daemon of this host keeps though it left the store, and decide.

The decision is this host's alone: every daemon guards its own routes, and each is asked by itself.

Exit status: 0 done, 1 refused, 2 wrong usage, 3 the daemon could not be reached.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import click

from hostgw_cli.daemon_socket import DaemonSocket, local, named, of_network
from hostgw_cli.endings import Refused, Unreachable
from hostgw_cli.hold_list import HEADINGS, Holdings, chosen, holdings, remarks, rows
from hostgw_cli.output import Shape, emit, shaped, show
from hostgw_core.settings import kinds
from hostgw_core.settings.govalues import written

STATUSES = (
    "\b\nExit status: 0 done, 1 refused, 2 wrong usage,"
    "\n3 the daemon of this host could not be asked."
)
DURATION = kinds.seconds(1, 30 * 86400)
IN_ONE = 1000  # keys of an order: its body is bounded


@click.group(epilog=STATUSES)
def hold() -> None:
    """See and decide what the daemon of this host keeps though it left the store."""


@hold.command("list", epilog=STATUSES)
@named
@shaped
@local
def list_(daemon: DaemonSocket, shape: Shape, network: str) -> None:
    """List every lease that is held: its subnet and node, since when, until when, and why."""
    document = daemon.get(of_network("/v1/holds", network))
    if shape is not Shape.TABLE:
        emit(document, shape)
        return
    found = _read(document)
    if found.holds:
        show(HEADINGS, rows(found.holds, time.time()))
    else:
        click.echo("nothing is held")
    for line in remarks(found.history):
        click.echo(line)


@hold.command(epilog=STATUSES)
@click.argument("names", metavar="[SUBNET|KEY]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that is held.")
@click.option("--history", is_flag=True, help="All, and what the store says is ours from now on.")
@named
@local
def accept(
    daemon: DaemonSocket, names: tuple[str, ...], *, everything: bool, history: bool, network: str
) -> None:
    """Let nodes go that are really gone: their routes are removed.

    With --history, what the store says now is believed, whatever was known before: say so after a
    store was wiped, restored or replaced on purpose.
    """
    if bool(names) + everything + history != 1:
        raise click.UsageError("name subnets, or say --all, or --history: one of the three")
    if history:
        ended = daemon.post(of_network("/v1/history/accept", network))["done"]
        click.echo(f"the history of the store is believed; {_holds(ended)} ended by it")
        return
    done = _order(daemon, "/v1/holds/accept", names, {}, network=network)
    click.echo(f"{_holds(done['done'])} let go; {done['held']} held still")


@hold.command(epilog=STATUSES)
@click.argument("names", metavar="[SUBNET|KEY]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that is held.")
@click.option("--for", "span", metavar="DURATION", required=True, help="From now on: 90s, 15m, 2h.")
@named
@local
def extend(
    daemon: DaemonSocket, names: tuple[str, ...], *, everything: bool, span: str, network: str
) -> None:
    """Keep what is held at least so long from now; a hold is never made shorter."""
    if bool(names) + everything != 1:
        raise click.UsageError("name subnets, or say --all: one of the two")
    try:
        seconds = DURATION.read(span)
    except ValueError as error:
        raise click.UsageError(f"--for {span!r} {error}") from error
    done = _order(daemon, "/v1/holds/extend", names, {"seconds": seconds}, network=network)
    click.echo(
        f"{_holds(done['done'])} extended: at least {written(seconds)} from now;"
        f" {done['held']} held in all"
    )


def _order(
    daemon: DaemonSocket,
    path: str,
    names: Sequence[str],
    rest: dict[str, Any],
    *,
    network: str,
) -> dict[str, int]:
    """Give an order for what the names mean, in pieces of a size that the daemon takes."""
    path = of_network(path, network)
    if not names:
        done: dict[str, int] = daemon.post(path, {"all": True, **rest})
        return done
    found = chosen(_read(daemon.get(of_network("/v1/holds", network))).holds, names)
    if found.unknown:
        raise Refused(
            f"not held here: {', '.join(found.unknown)}; nothing was done. `hostgwctl hold list`"
            " shows what is"
        )
    answers = [daemon.post(path, {"keys": some, **rest}) for some in _pieces(found.keys)]
    return {"done": sum(each["done"] for each in answers), "held": answers[-1]["held"]}


def _pieces(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[start : start + IN_ONE] for start in range(0, len(keys), IN_ONE))


def _read(document: bytes) -> Holdings:
    try:
        return holdings(document)
    except ValueError as error:
        raise Unreachable(f"the daemon speaks as no version that is known here: {error}") from error


def _holds(number: int) -> str:
    return f"{number} hold" if number == 1 else f"{number} holds"
