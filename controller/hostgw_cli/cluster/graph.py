"""`hostgwctl graph`: the cluster as a picture, in the terminal or as SVG.

Who is there: from the store; how this host's daemon sees each of them: from its peers; what each
says of itself: from the store again. With the daemon away the picture shows what the store knows,
with the store away what the daemon remembers.

Exit status: 0 done, 1 the file could not be written, 2 wrong usage, 3 neither the store nor the
daemon could be asked.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from hostgw_cli.cluster.census import Census, census_of, spans
from hostgw_cli.cluster.picture import Node, lines, ordered, svg
from hostgw_cli.cluster.portrait import portrait
from hostgw_cli.connection import Connection, connected
from hostgw_cli.daemon_socket import DaemonSocket, local
from hostgw_cli.endings import Refused, Unreachable
from hostgw_cli.moments import clock
from hostgw_cli.output import Shape, emit, shaped

STATUSES = (
    "\b\nExit status: 0 done, 1 the file could not be written, 2 wrong usage,"
    "\n3 neither the store nor the daemon of this host could be asked."
)


@click.command(epilog=STATUSES)
@click.option(
    "--svg",
    "file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Write an SVG picture to FILE, - for standard output.",
    metavar="FILE",
)
@shaped
@local
@connected
def graph(connection: Connection, daemon: DaemonSocket, shape: Shape, *, file: Path | None) -> None:
    """Draw the cluster: its nodes and subnets, and whether packets reach them from here."""
    if file is not None and shape is not Shape.TABLE:
        raise click.UsageError("--svg or --output: one of the two")
    away: list[str] = []
    census = _census(connection, away)
    status, peers = _daemon(daemon, away)
    if census is None and not status:
        raise Unreachable("; ".join(away))
    for why in away:
        click.echo(f"warning: {why}", err=True)
    nodes = ordered(portrait(census or Census(), status, peers))
    seen = f"seen from {status['node']}" if status else "as the store has it"
    if shape is not Shape.TABLE:
        emit(_document(census, status, nodes), shape)
        return
    title = f"{connection.keys.prefix}, {seen}"
    at = f"revision {census.revision}" if census else "the store is away"
    caption = f"{len(nodes)} nodes, {at}, {clock(time.time())}"
    if file is None:
        for line in lines(nodes, title=title, caption=caption):
            click.echo(line)
        return
    drawn = svg(nodes, title=title, caption=caption)
    if str(file) == "-":
        click.echo(drawn, nl=False)
        return
    try:
        file.write_text(drawn)
    except OSError as error:
        raise Refused(f"{file}: {error.strerror}") from error
    click.echo(f"{file}: {caption}")


def _document(
    census: Census | None, status: Mapping[str, Any], nodes: list[Node]
) -> dict[str, object]:
    """Give what is drawn; the revision is null while the store is away."""
    return {
        "seen_from": status.get("node"),
        "revision": census.revision if census else None,
        "nodes": [{**msgspec.to_builtins(node), "kind": node.kind} for node in nodes],
    }


def _census(connection: Connection, away: list[str]) -> Census | None:
    keys = connection.keys
    try:
        return census_of(keys, connection.run(lambda store: store.list(*spans(keys))))
    except Unreachable as error:
        away.append(error.message)
        return None


def _daemon(
    daemon: DaemonSocket, away: list[str]
) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    try:
        status = msgspec.json.decode(daemon.get("/v1/status"))
        peers = msgspec.json.decode(daemon.get("/v1/peers"))
    except (Unreachable, Refused) as error:
        away.append(error.message)
        return {}, []
    return status, peers
