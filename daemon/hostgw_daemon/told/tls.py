"""TLS for the HTTP port: the certificate that is shown, and the authority of clients.

A client need not show a certificate: health and metrics are for everybody. One that shows a
certificate of the authority is shown all that there is to see; one that shows another is cut off.

A renewed certificate is taken for the next connection: before each one the files are looked at (one
`stat` each), and read where they changed. A renewal arrives as two files, one after the other; a
pair that does not belong together is left for the next look, and the good one stays in use.

The server's own context cannot be loaded anew: what it trusts, it trusts for ever. So each time a
whole new one is made, and handed to the connection when its first words come (the hook of Python's
`sni_callback`, which is called whether or not a name is asked for). No session is resumed, for that
would be let in on what was trusted before.
"""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

Stamp: TypeAlias = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of PEM files; without `ca` no certificate of a client is asked for."""

    cert: str
    key: str
    ca: str = ""


class TlsFiles:
    """The context of a server, kept as the files are. Raise OSError (SSLError is one) when made."""

    def __init__(self, files: Tls) -> None:
        self._files = files
        self._stamp = self._look()
        self._now = _load(files)
        self.context = _load(files)
        self.context.sni_callback = self._hand

    def refresh(self) -> None:
        """Take what has been renewed, if it is whole. Never raises."""
        stamp = self._look()
        if stamp == self._stamp:
            return
        with suppress(OSError, ValueError):
            self._now = _load(self._files)
            self._stamp = stamp

    def _hand(
        self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _old: ssl.SSLContext
    ) -> None:
        connection.context = self._now

    def _look(self) -> Stamp:
        return tuple(map(_stamp, (self._files.cert, self._files.key, self._files.ca)))


def _load(files: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    # Never ask at a terminal for the password of an encrypted key.
    context.load_cert_chain(files.cert, files.key, password=lambda: b"")
    if files.ca:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(files.ca)
    return context


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116  # three calls for each connection
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
