"""`hostgwctl leases`: who has which subnet, as the store says it at one revision.

Exit status: 0 done, 2 wrong usage, 3 the store could not be reached or would not.
"""

from __future__ import annotations

import click

from hostgw_cli.connection import Connection, connected
from hostgw_cli.lease_list import HEADINGS, cells, rows
from hostgw_cli.output import Shape, emit, shaped, show
from hostgw_core.store import Span

STATUSES = "\b\nExit status: 0 done, 2 wrong usage,\n3 the store could not be reached or would not."


@click.command(epilog=STATUSES)
@shaped
@connected
def leases(connection: Connection, shape: Shape) -> None:
    """List every lease: subnet, gateway, node, and whether the node is alive."""
    keys = connection.keys
    spans = (Span(keys.config), keys.subnets, keys.subnets6, keys.nodes)
    listing = connection.run(lambda store: store.list(*spans))
    found = rows(keys, listing.entries)
    if shape is not Shape.TABLE:
        leases = [row.as_json() for row in found]
        emit({"revision": listing.header.revision, "leases": leases}, shape)
        return
    show(HEADINGS, cells(found))
