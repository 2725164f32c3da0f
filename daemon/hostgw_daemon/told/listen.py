"""Where the daemon is listened to: sockets, bound and ready, or one sentence that says why not.

A unix socket is bound beside its place, given its mode, and renamed into it: there is no moment in
which it is open to everybody, and one that a killed daemon has left is replaced. One that answers
is not: somebody is there.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from hostgw_core.settings import Listen
from hostgw_daemon.disk.files import make_folder
from hostgw_daemon.told.endpoints import Reach
from hostgw_daemon.told.tls import Tls

BACKLOG = 64
SOCKET_MODE = 0o660


class CannotListen(Exception):
    """The place cannot be listened on now. The message is a sentence with the cure."""


@dataclass(frozen=True, slots=True)
class Tcp:
    """A TCP port; an empty host is every address of both families. `reach` is of far clients."""

    at: Listen
    reach: Reach = Reach.FAR
    tls: Tls | None = None

    def __str__(self) -> str:
        return str(self.at)


@dataclass(frozen=True, slots=True)
class Unix:
    """A unix socket that root and its group may use."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


Place: TypeAlias = Tcp | Unix


@contextmanager
def listening(place: Place) -> Iterator[socket.socket]:
    """Listen from here to the end. Raise CannotListen."""
    try:
        opened = _tcp(place.at) if isinstance(place, Tcp) else _unix(place.path)
    except OSError as error:
        raise CannotListen(_sentence(place, error)) from error
    with opened:
        if isinstance(place, Tcp):
            yield opened
            return
        inode = place.path.stat().st_ino
        try:
            yield opened
        finally:
            with suppress(OSError):
                if place.path.stat().st_ino == inode:
                    place.path.unlink()


def _tcp(at: Listen) -> socket.socket:
    if at.host:
        family = socket.AF_INET6 if ":" in at.host else socket.AF_INET
        return socket.create_server((at.host, at.port), family=family, backlog=BACKLOG)
    if socket.has_dualstack_ipv6():
        return socket.create_server(
            ("", at.port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG
        )
    return socket.create_server(("", at.port), backlog=BACKLOG)


def _unix(path: Path) -> socket.socket:
    make_folder(path.parent)
    _must_be_stale(path)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        opened.bind(str(new))
        new.chmod(SOCKET_MODE)
        opened.listen(BACKLOG)
        new.rename(path)
    except OSError:
        opened.close()
        with suppress(OSError):
            new.unlink()
        raise
    return opened


def _must_be_stale(path: Path) -> None:
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise OSError(errno.EEXIST, "something that is no socket is in its place")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            answer = probe.connect_ex(str(path))
        if answer != errno.ECONNREFUSED:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _sentence(place: Place, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"cannot listen on {place}: another program does; stop it, or choose another place"
    return f"cannot listen on {place}: {error.strerror or error}"
