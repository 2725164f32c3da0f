"""`hostgwctl nodes`: every node of the cluster, as the store says it.

Exit status: 0 done, 1 with --bad some are, 2 wrong usage, 3 the store could not be reached or would
not.
"""

from __future__ import annotations

import sys

import click

from hostgw_cli.cluster.census import census_of, spans
from hostgw_cli.cluster.node_words import HEADINGS, cells, node_rows
from hostgw_cli.connection import Connection, connected
from hostgw_cli.output import Shape, emit, shaped, show

STATUSES = (
    "\b\nExit status: 0 done; with --bad: nobody is, 1 with --bad: somebody is,"
    "\n2 wrong usage, 3 the store could not be reached or would not."
)


@click.command(epilog=STATUSES)
@click.option(
    "--bad", is_flag=True, help="Only those that are gone or have a trouble; status 1 if any."
)
@shaped
@connected
def nodes(connection: Connection, shape: Shape, *, bad: bool) -> None:
    """List every node: subnet, version, whether it is alive, and what it says is wrong there."""
    keys = connection.keys
    census = census_of(keys, connection.run(lambda store: store.list(*spans(keys))))
    found = [row for row in node_rows(census) if not (bad and row.well)]
    if shape is not Shape.TABLE:
        emit({"revision": census.revision, "nodes": [row.as_json() for row in found]}, shape)
    elif found:
        show(HEADINGS, cells(found))
    else:
        click.echo("no node has a trouble" if bad else "there are no nodes")
    sys.exit(1 if bad and found else 0)
