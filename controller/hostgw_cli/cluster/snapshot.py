"""`hostgwctl snapshot`: keep a cluster's keys in a file, look into it, and put back what is lost.

Exit status: 0 done, 1 refused, 2 wrong usage, 3 the store could not be reached or would not.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
import msgspec

from hostgw_cli.cluster.census import Census, census_of
from hostgw_cli.cluster.census import spans as whole
from hostgw_cli.cluster.restoring import Item, Verdict, plan
from hostgw_cli.cluster.snapshot_file import Snapshot, decode, encode, snapshot_of, spans
from hostgw_cli.connection import Connection, connected
from hostgw_cli.endings import Refused
from hostgw_cli.lease_list import HEADINGS, cells, rows
from hostgw_cli.moments import clock, span
from hostgw_cli.output import Shape, emit, shaped, show
from hostgw_core.keys import Keys
from hostgw_core.settings import kinds
from hostgw_core.settings.govalues import written
from hostgw_core.store import Store, StoreUnavailable

STATUSES = (
    "\b\nExit status: 0 done, 1 refused, 2 wrong usage,"
    "\n3 the store could not be reached or would not."
)
DURATION = kinds.seconds(60, 30 * 86400)
FILE = click.argument("file", type=click.Path(path_type=Path))


@click.group(epilog=STATUSES)
def snapshot() -> None:
    """Keep the cluster's network, leases and reservations in a file, and put them back."""


@snapshot.command(epilog=STATUSES)
@FILE
@connected
def save(connection: Connection, file: Path) -> None:
    """Write the network, the leases and the reservations, at one revision, to FILE (mode 0600).

    FILE is replaced whole or not at all.
    """
    keys = connection.keys
    listing = connection.run(lambda store: store.list(*spans(keys)))
    kept = snapshot_of(keys, listing, taken=time.time())
    _replace(file, encode(kept))
    click.echo(f"{file}: {len(kept.keys)} keys under {keys.prefix} at revision {kept.revision}")


@snapshot.command("show", epilog="Exit status: 0 done, 1 it is no snapshot, 2 wrong usage.")
@FILE
@shaped
def show_(shape: Shape, file: Path) -> None:
    """Say what is in FILE; the store is not asked."""
    kept = _read(file)
    keys = Keys(kept.prefix)
    if shape is not Shape.TABLE:
        emit(_document(kept, keys), shape)
        return
    age = span(time.time() - kept.taken)
    click.echo(f"{kept.prefix} at revision {kept.revision} of the store {kept.cluster}")
    click.echo(f"taken {clock(kept.taken)}, {age} ago; the checksum is right")
    entries = kept.entries()
    for entry in entries:
        if entry.key == keys.config:
            click.echo(f"network: {entry.value.decode(errors='backslashreplace')}")
        elif entry.key in keys.reservations:
            name = entry.key.removeprefix(keys.reservations.start).decode()
            click.echo(f"reserved: {name} for {entry.value.decode(errors='backslashreplace')}")
    found = rows(keys, (entry for entry in entries if entry.key not in keys.reservations))
    click.echo(f"leases: {len(found)}")
    if found:
        # Who lives is not in the file.
        show(HEADINGS, cells([replace(row, alive=None) for row in found]))


def _document(kept: Snapshot, keys: Keys) -> dict[str, object]:
    """Give what is in a snapshot; who lives is not in it."""
    entries = kept.entries()
    held = [entry for entry in entries if entry.key not in keys.reservations]
    return {
        "prefix": kept.prefix,
        "revision": kept.revision,
        "cluster": kept.cluster,
        "taken": kept.taken,
        "network": next((_value(e.value) for e in entries if e.key == keys.config), None),
        "leases": [replace(row, alive=None).as_json() for row in rows(keys, held)],
        "reservations": [
            {
                "subnet": entry.key.removeprefix(keys.reservations.start).decode(),
                "for": _value(entry.value),
            }
            for entry in entries
            if entry.key in keys.reservations
        ],
    }


def _value(value: bytes) -> object:
    """Read what may be JSON, or give its text."""
    try:
        return msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return value.decode(errors="backslashreplace")


@snapshot.command(epilog=STATUSES)
@FILE
@click.option("--yes", is_flag=True, help="Write; without it nothing is written.")
@click.option(
    "--ttl",
    default="24h",
    show_default=True,
    metavar="DURATION",
    help="How long a lease stands if its node does not take it up.",
)
@connected
def restore(connection: Connection, file: Path, *, yes: bool, ttl: str) -> None:
    """Put back what is in FILE and not in the store; say first what that is.

    Nothing that is there is overwritten, and no lease is written for a node that lives or has
    another one. Each key is written only if it is still absent.
    """
    try:
        seconds = int(DURATION.read(ttl))
    except ValueError as error:
        raise click.UsageError(f"--ttl {ttl!r} {error}") from error
    kept = _read(file)
    keys = connection.keys
    if kept.prefix != keys.prefix:
        raise Refused(
            f"{file} is of {kept.prefix}, and --etcd-prefix is {keys.prefix}: nothing was done"
        )

    async def act(store: Store) -> None:
        census = census_of(keys, await store.list(*whole(keys)))
        items = plan(keys, kept, census)
        _tell(items, census, seconds)
        if not yes:
            click.echo("nothing written: say --yes")
            return
        await _write(store, items, seconds)

    connection.run(act)


def _tell(items: Sequence[Item], census: Census, seconds: int) -> None:
    """Show the difference, and what the guard of the daemons makes of it."""
    marks = {Verdict.WRITE: "+", Verdict.OTHER: "!", Verdict.LEFT: "-"}
    for item in items:
        if item.verdict in marks:
            click.echo(f"{marks[item.verdict]} {item.key.decode()}: {item.says}")
    counted = Counter(item.verdict for item in items)
    click.echo(
        f"{counted[Verdict.WRITE]} to write, {counted[Verdict.SAME]} there already,"
        f" {counted[Verdict.OTHER]} written by others since (!), {counted[Verdict.LEFT]} left (-)"
    )
    leased = sum(1 for item in items if item.verdict is Verdict.WRITE and item.leased)
    if leased:
        click.echo(
            f"\n{leased} leases get {written(seconds)} to be taken up by their nodes, and end then."
            "\nRunning daemons believe them, as they were written now: where a route is held"
            " (`hostgwctl hold list`),\nits lease is back and the route stays as it is; a node that"
            " never knew one makes the route anew.\nNo route moves by it."
            f" {len(census.nodes)} nodes live now, and keep what they have."
        )


async def _write(store: Store, items: Sequence[Item], seconds: int) -> None:
    """Write what is to be written, each key by itself. Raise Refused where some were too late."""
    wanted = [item for item in items if item.verdict is Verdict.WRITE]
    lease = (await store.grant(seconds)).id if any(item.leased for item in wanted) else 0
    try:
        late = [
            item.key.decode()
            for item in wanted
            if not (await store.commit(item.compares, [item.put(lease)])).won
        ]
    except StoreUnavailable as error:
        raise StoreUnavailable(
            f"{error}; a part may be written: run it again, it writes only what is absent"
        ) from error
    click.echo(f"written: {len(wanted) - len(late)}")
    if late:
        raise Refused(f"written by somebody else meanwhile, and left: {', '.join(late)}")


def _read(file: Path) -> Snapshot:
    try:
        return decode(file.read_bytes())
    except OSError as error:
        raise Refused(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise Refused(f"{file}: {error}") from error


def _replace(file: Path, content: bytes) -> None:
    """Write beside it, sync, rename. Raise Refused."""
    try:
        number, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600
        try:
            with os.fdopen(number, "wb") as made:
                made.write(content)
                made.flush()
                os.fsync(made.fileno())
            Path(name).rename(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Refused(f"{file}: {error.strerror}") from error
