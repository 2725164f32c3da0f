"""`hostgwctl leases`: who has which subnet, as the store says it.

`list` is what the word alone means. `release` is the one that writes.

Exit status: 0 done, 1 refused, 2 wrong usage, 3 the store could not be reached or would not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import click

from hostgw_cli.cluster.census import Census, census_of, named, of_subnet, spans
from hostgw_cli.cluster.lease_changes import Event
from hostgw_cli.cluster.lease_watch import follow
from hostgw_cli.cluster.lease_words import document, lines
from hostgw_cli.cluster.releasing import Release, release_of
from hostgw_cli.connection import Connection, connected
from hostgw_cli.endings import Refused
from hostgw_cli.lease_list import HEADINGS, Row, cells
from hostgw_cli.moments import clock
from hostgw_cli.output import Shape, emit, shaped, show
from hostgw_core.store import Store, StoreUnavailable

STATUSES = (
    "\b\nExit status: 0 done, 1 refused, 2 wrong usage,"
    "\n3 the store could not be reached or would not."
)


class _ListByDefault(click.Group):
    """A group that lists when it is given no command of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `list` in front of what is no command and no cry for help."""
        if ctx.resilient_parsing:  # a shell asks how to complete what is there
            return super().parse_args(ctx, args)
        first = args[0] if args else ""
        if not first or (first.startswith("-") and first not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ListByDefault, epilog=STATUSES)
def leases() -> None:
    """Show, follow and release leases; without a command: list them."""


@leases.command("list", epilog=STATUSES)
@shaped
@connected
def list_(connection: Connection, shape: Shape) -> None:
    """List every lease: subnet, gateway, node, and whether the node is alive."""
    census = read(connection)
    if shape is not Shape.TABLE:
        found = [row.as_json() for row in census.rows]
        emit({"revision": census.revision, "leases": found}, shape)
        return
    show(HEADINGS, cells(census.rows))


@leases.command("show", epilog=STATUSES)
@click.argument("name", metavar="SUBNET|NODE")
@shaped
@connected
def show_(connection: Connection, shape: Shape, name: str) -> None:
    """Show all that the store says of a lease, its node and its reservation.

    SUBNET|NODE: a subnet, the name or id of a node, a gateway, or an address in a subnet.
    """
    census = read(connection)
    found = named(census.rows, name)
    if not found:
        raise Refused(f"{name} is in no lease; `hostgwctl leases list` shows what there is")
    if shape is not Shape.TABLE:
        emit({"revision": census.revision, "leases": [document(r, census) for r in found]}, shape)
        return
    for number, row in enumerate(found):
        if number:
            click.echo()
        for heading, words in lines(row, census):
            click.echo(f"{heading:10}{words}".rstrip())


@leases.command(epilog=STATUSES)
@shaped
@connected
def watch(connection: Connection, shape: Shape) -> None:
    """Follow what changes, a line each, until Ctrl-C; -o json: an object a line.

    It goes on while the store is away, says so, and tells afterwards what changed meanwhile.
    """
    tell = _teller(shape)
    try:
        connection.follow(lambda store: follow(store, connection.keys, tell))
    except KeyboardInterrupt:
        return


def _teller(shape: Shape) -> Callable[[Event], None]:
    def tell(event: Event) -> None:
        now = time.time()
        if shape is Shape.JSON:
            click.echo(json.dumps(event.as_json(now)))
        elif shape is Shape.YAML:
            click.echo("---")
            emit(event.as_json(now), shape)
        else:
            subnet = (" ".join(event.row.subnets) or event.row.key) if event.row else ""
            words = (clock(now), f"{event.what:10}", subnet, event.says)
            click.echo("  ".join(word for word in words if word).rstrip())

    return tell


@leases.command(epilog=STATUSES)
@click.argument("subnet")
@click.option("--force", is_flag=True, help="Also if its node is alive, or nobody can tell.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, and write nothing.")
@click.option("--reserve", is_flag=True, help="Keep the subnet for its node from now on.")
@click.option("--unreserve", is_flag=True, help="Remove its reservation as well.")
@connected
def release(
    connection: Connection,
    subnet: str,
    *,
    force: bool,
    dry_run: bool,
    reserve: bool,
    unreserve: bool,
) -> None:
    """Delete the lease of SUBNET, whose node is gone, and say what that does to whom.

    It is deleted only as it was looked at: if anybody writes it meanwhile, or its node comes back,
    nothing is done.
    """
    if reserve and unreserve:
        raise click.UsageError("--reserve or --unreserve: one of the two")

    async def act(store: Store) -> None:
        keys = connection.keys
        census = census_of(keys, await store.list(*spans(keys)))
        row = _one(census, subnet)
        planned = release_of(keys, census, row, forced=force, reserve=reserve, unreserve=unreserve)
        if isinstance(planned, str):
            raise Refused(planned)
        for line in planned.says:
            click.echo(line)
        if dry_run:
            click.echo("nothing written (--dry-run)")
            return
        await _commit(store, planned, row)

    connection.run(act)


async def _commit(store: Store, planned: Release, row: Row) -> None:
    try:
        committed = await store.commit(planned.compares, planned.writes)
    except StoreUnavailable as error:
        raise StoreUnavailable(
            f"{error}; whether it was released is unknown: look with `hostgwctl leases list`"
        ) from error
    if not committed.won:
        raise Refused(
            "somebody wrote it, or its node came back, since it was looked at; nothing was done:"
            " look, and try again"
        )
    click.echo(f"released {' and '.join(row.subnets) or row.key}")


def _one(census: Census, subnet: str) -> Row:
    found = of_subnet(census.rows, subnet)
    if not found:
        theirs = [
            " ".join(row.subnets) for row in census.rows if subnet in (row.node, *row.gateways)
        ]
        if theirs:
            raise Refused(
                f"{subnet} is a node, and has leased {' and '.join(theirs)}; nothing was done: name"
                " the subnet to be released"
            )
        raise Refused(
            f"nobody has leased {subnet}; nothing was done. `hostgwctl leases list` shows what is"
        )
    if len(found) > 1:
        keys = ", ".join(row.key for row in found)
        raise Refused(f"{subnet} is in several records, name one by its key: {keys}")
    return found[0]


def read(connection: Connection) -> Census:
    """Read the cluster. Raise Unreachable."""
    keys = connection.keys
    return census_of(keys, connection.run(lambda store: store.list(*spans(keys))))
