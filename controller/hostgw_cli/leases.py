"""`hostgwctl leases`: who has which subnet, as the store says it at one revision.

Exit status: 0 done, 2 wrong usage, 3 the store could not be reached or would not.
"""

from __future__ import annotations

import click
import msgspec

from hostgw_cli.connection import Connection, connected
from hostgw_cli.lease_list import rows, table
from hostgw_core.store import Span

STATUSES = "\b\nExit status: 0 done, 2 wrong usage,\n3 the store could not be reached or would not."


@click.command(epilog=STATUSES)
@click.option(
    *("-o", "--output"),
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="json: all that is known of each, for programs.",
)
@connected
def leases(connection: Connection, output: str) -> None:
    """List every lease: subnet, gateway, node, and whether the node is alive."""
    keys = connection.keys
    spans = (Span(keys.config), keys.subnets, keys.subnets6, keys.nodes)
    listing = connection.run(lambda store: store.list(*spans))
    found = rows(keys, listing.entries)
    if output == "json":
        document = {
            "revision": listing.header.revision,
            "leases": [row.as_json() for row in found],
        }
        click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
        return
    for line in table(found):
        click.echo(line)
