"""`hostgwctl version`: of this command, of the daemon that runs here, of the store.

Exit status: 0 all were asked, 2 wrong usage, 3 the daemon or the store could not be asked; what
could is shown all the same.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import click
import msgspec

from hostgw_cli.columns import columns
from hostgw_cli.connection import Connection, connected
from hostgw_cli.daemon_socket import DaemonSocket, local
from hostgw_cli.endings import Refused, Unreachable
from hostgw_cli.output import Shape, emit, shaped
from hostgw_core import __version__

STATUSES = (
    "\b\nExit status: 0 done, 2 wrong usage, 3 the daemon of this host or the store could not"
    "\nbe asked; what could be is shown all the same."
)


@click.command(epilog=STATUSES)
@shaped
@local
@connected
def version(connection: Connection, daemon: DaemonSocket, shape: Shape) -> None:
    """Show the versions of this command, of the daemon of this host, and of the store."""
    found: dict[str, str] = {"hostgwctl": __version__}
    wrong: dict[str, str] = {}
    asked: dict[str, Callable[[], str]] = {
        "hostgwd": partial(_daemon, daemon),
        "etcd": partial(_store, connection),
    }
    for name, ask in asked.items():
        try:
            found[name] = ask()
        except (Refused, Unreachable) as error:
            wrong[name] = error.message
    if shape is Shape.TABLE:
        words = {**found, **{name: f"not known: {why}" for name, why in wrong.items()}}
        for line in columns([*words.items()]):
            click.echo(line)
    else:
        emit({**found, "unreachable": wrong}, shape)
    sys.exit(Unreachable.exit_code if wrong else 0)


def _daemon(daemon: DaemonSocket) -> str:
    return str(msgspec.json.decode(daemon.get("/v1/status"))["version"])


def _store(connection: Connection) -> str:
    return connection.run(lambda store: store.room()).version
