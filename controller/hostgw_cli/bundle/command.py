"""`hostgwctl bundle`: an archive for whoever is asked for help.

It has what this host's daemon, the store, the kernel and the system's log say, as far as they
answer; what could not be had is named in it and on the screen. Secrets are taken out; look into it
all the same before you give it away: it names your nodes and their addresses.

Exit status: 0 written, 1 it could not be written, 2 wrong usage.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import click

from hostgw_cli.bundle.archive import archive_of
from hostgw_cli.bundle.gathering import gather
from hostgw_cli.connection import Connection, connected
from hostgw_cli.daemon_socket import DaemonSocket, local
from hostgw_cli.endings import Refused
from hostgw_cli.moments import clock

STATUSES = (
    "\b\nExit status: 0 written, with all that could be had, 1 it could not be written,"
    "\n2 wrong usage."
)


@click.command(epilog=STATUSES)
@click.argument("file", required=False, type=click.Path(path_type=Path, allow_dash=True))
@local
@connected
def bundle(connection: Connection, daemon: DaemonSocket, file: Path | None) -> None:
    """Write a support archive (tar.gz) to FILE, - for standard output; secrets are removed.

    It works with the daemon down and with the store down, and says what it could not get.
    """
    now = int(time.time())
    stamp = clock(now).replace(" UTC", "Z").replace(" ", "T").replace(":", "")
    folder = f"hostgw-bundle-{socket.gethostname()}-{stamp}"
    target = file or Path(f"{folder}.tar.gz")
    parts = []
    for part in gather(connection, daemon):
        parts.append(part)
        if part.why:
            click.echo(f"left out: {part.name}: {part.why}", err=True)
    content = archive_of(parts, folder=folder, moment=now, known=_secrets(connection))
    if str(target) == "-":
        sys.stdout.buffer.write(content)
        return
    _write(target, content)
    had = sum(1 for part in parts if not part.why)
    click.echo(f"{target}: {had} files, {len(content) // 1024 + 1} KiB; secrets were removed")


def _write(target: Path, content: bytes) -> None:
    """Make a new file that only its owner may read. Raise Refused."""
    try:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
            made.write(content)
    except FileExistsError:
        raise Refused(f"{target} is there already; name another file") from None
    except OSError as error:
        raise Refused(f"{target}: {error.strerror}") from error


def _secrets(connection: Connection) -> list[str]:
    """Give what this command was told in confidence."""
    etcd = connection.etcd
    found = [etcd.password] if etcd.password else []
    if etcd.password_file:
        try:
            found.append(Path(etcd.password_file).read_text().strip())
        except OSError:
            return found
    return found
