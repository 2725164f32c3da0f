"""`hostgwctl config`: read, check and write the network that the cluster shares.

The configuration of a cluster is one key, flannel's JSON at `<prefix>/config`. Every daemon watches
it, so a mistake there reaches every node within a second. Therefore it is checked before it is
written, shown as a difference, and written only over the very version that was looked at.

Exit status: 0 done, 1 refused, 2 wrong usage, 3 the store could not be reached or would not.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from hostgw_cli.connection import Connection, connected
from hostgw_cli.endings import Refused
from hostgw_cli.network_change import Change, change, compact, pretty
from hostgw_cli.output import Shape, emit, shaped
from hostgw_core.keys import Keys
from hostgw_core.model import ClusterConfig, Pool
from hostgw_core.network import Reading, read_config
from hostgw_core.store import Compare, Put, Span, Store, StoreUnavailable

STATUSES = (
    "\b\nExit status: 0 done, 1 refused, 2 wrong usage,"
    "\n3 the store could not be reached or would not."
)
SHOWN_ORPHANS = 20


@click.group(epilog=STATUSES)
def config() -> None:
    """Read, check and write the network that the cluster shares."""


@config.command(epilog=STATUSES)
@shaped
@connected
def get(connection: Connection, shape: Shape) -> None:
    """Show the configuration and what it means; json and yaml give the stored value alone."""
    key = connection.keys.config
    listing = connection.run(lambda store: store.list(Span(key)))
    if not listing.entries:
        raise Refused(f"there is no {key.decode()}; write one with `hostgwctl config set`")
    (entry,) = listing.entries
    if shape is Shape.YAML:
        emit(_plain(entry.value, key.decode()), shape)
        return
    for line in pretty(entry.value):
        click.echo(line)
    if shape is Shape.JSON:
        return
    reading = read_config(entry.value, source=key.decode())
    _tell(reading)
    if reading.config is None:
        raise Refused("this configuration is not in force anywhere")
    click.echo()
    for line in meaning(reading.config):
        click.echo(line)


def _plain(value: bytes, key: str) -> object:
    """Read JSON that a person may have written. Raise Refused."""
    try:
        return msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"{key} is no JSON: {error}; `-o table` shows it as it is") from error


@config.command(epilog=STATUSES)
@click.argument("source", metavar="FILE|-|JSON")
def validate(source: str) -> None:
    """Check a configuration and print every problem; the store is not asked."""
    _, config = _checked(source)
    for line in meaning(config):
        click.echo(line)


@config.command(name="set", epilog=STATUSES)
@click.argument("source", metavar="FILE|-|JSON")
@click.option("--force", is_flag=True, help="Also if leases of today do not fit any longer.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@connected
def set_(connection: Connection, source: str, *, force: bool, dry_run: bool) -> None:
    """Check a configuration, show what changes, and write it.

    A change that leaves leases outside the new network is refused, and names them. It is written
    only if nobody has written the key since it was read.
    """
    value, wanted = _checked(source)

    async def act(store: Store) -> None:
        planned = await _plan(store, connection, value=value, wanted=wanted)
        if _show(planned, connection, force=force, dry_run=dry_run):
            await write(store, connection.keys, planned=planned)
            after = await _plan(store, connection, value=value, wanted=wanted)
            for orphan in sorted(map(str, set(after.orphans) - set(planned.orphans))):
                click.echo(f"warning: leased meanwhile, and does not fit: {orphan}", err=True)

    connection.run(act)


def _show(planned: Change, connection: Connection, *, force: bool, dry_run: bool) -> bool:
    """Show what would change; tell whether it is to be written. Raise Refused."""
    if not planned.needed:
        click.echo(f"{connection.keys.config.decode()} says this already")
        return False
    for line in planned.difference():
        click.echo(line)
    _tell_orphans(planned, force=force)
    if dry_run:
        click.echo("nothing written (--dry-run)")
    return not dry_run


async def _plan(
    store: Store, connection: Connection, *, value: bytes, wanted: ClusterConfig
) -> Change:
    keys = connection.keys
    listing = await store.list(Span(keys.config), keys.subnets, keys.subnets6)
    return change(keys, value, wanted, entries=listing.entries)


async def write(store: Store, keys: Keys, *, planned: Change) -> None:
    """Write a change over the very version that it was planned on.

    Raise Refused when somebody else has written meanwhile, and what `commit` raises.
    """
    key = keys.config
    unchanged = Compare(Span(key), "modified", planned.expected)
    try:
        committed = await store.commit([unchanged], [Put(key, planned.value)])
    except StoreUnavailable as error:
        raise StoreUnavailable(
            f"{error}; whether it was written is unknown: look with `hostgwctl config get`"
        ) from error
    if not committed.won:
        raise Refused(f"{key.decode()} was changed by somebody else just now; look, and try again")
    click.echo(f"written to {key.decode()}")


def meaning(config: ClusterConfig) -> list[str]:
    """Say what a configuration means for the nodes."""
    return [
        f"IPv{family}: {_pool_meaning(pool)}"
        for family, pool in ((4, config.ipv4), (6, config.ipv6))
        if pool is not None
    ]


def _pool_meaning(pool: Pool) -> str:
    return (
        f"{pool.size} nodes, each a /{pool.length} of {pool.network}, {pool.first} to {pool.last}"
    )


def _checked(source: str) -> tuple[bytes, ClusterConfig]:
    """Read a configuration and check it; raise Refused after every problem was printed."""
    name, value = _text(source)
    reading = read_config(value, source=name)
    _tell(reading)
    if reading.config is None:
        count = len(reading.problems)
        raise Refused(
            f"{count} problem{'s' if count > 1 else ''}: no daemon would take this network"
        )
    return compact(value), reading.config


def _text(source: str) -> tuple[str, bytes]:
    if source.lstrip().startswith("{"):
        return "argument", source.encode()
    if source == "-":
        return "standard input", sys.stdin.buffer.read()
    try:
        return source, Path(source).read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise click.UsageError(
            f"{source}: {reason}; give a file, - for standard input, or the JSON itself"
        ) from error


def _tell(reading: Reading) -> None:
    for problem in reading.problems:
        click.echo(f"problem: {problem}", err=True)
    for remark in reading.remarks:
        click.echo(f"remark: {remark}", err=True)


def _tell_orphans(planned: Change, *, force: bool) -> None:
    count = len(planned.orphans)
    for orphan in planned.orphans[:SHOWN_ORPHANS]:
        click.echo(f"orphaned: {orphan}", err=True)
    if count > SHOWN_ORPHANS:
        click.echo(f"orphaned: {count - SHOWN_ORPHANS} more", err=True)
    if count and not force:
        leases = "1 lease does" if count == 1 else f"{count} leases do"
        raise Refused(f"{leases} not fit the new network; --force writes it all the same")
