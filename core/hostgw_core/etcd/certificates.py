"""The PEM files of TLS, read again when they change.

A renewed certificate arrives as two files, one after the other. A pair that does not belong
together is therefore no error while a good one is in use: the files are looked at again.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from hostgw_core.etcd.settings import EtcdSettings
from hostgw_core.etcd.validity import good_until
from hostgw_core.store import StoreDenied

# gRPC brings a list of CAs of its own; an administrator means the one of the system.
_SYSTEM_CAS = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat
    "/etc/ssl/ca-bundle.pem",  # SUSE
)

Stamp: TypeAlias = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class Certificates:
    """What the files held: PEM, or None where no file is named."""

    ca: bytes | None
    cert: bytes | None
    key: bytes | None = field(repr=False)


class CertificateFiles:
    """The files and what was last read from them."""

    def __init__(self, settings: EtcdSettings) -> None:
        ca = settings.ca or next((path for path in _SYSTEM_CAS if Path(path).exists()), "")
        self._ca, self._cert, self._key = ca, settings.cert, settings.key
        self._named = bool(settings.ca)
        self._stamp: Stamp = ()
        self._current: Certificates | None = None

    def read(self) -> tuple[Certificates, bool]:
        """Give the certificates, and whether they changed. Raise StoreDenied: there are none."""
        stamp = self._look()
        if self._current is not None and stamp == self._stamp:
            return self._current, False
        try:
            found = self._load()
        except StoreDenied:
            if self._current is None:
                raise
            return self._current, False
        changed, self._current, self._stamp = found != self._current, found, stamp
        return found, changed

    def ends(self) -> dict[str, float]:
        """Give when what was last read ends, in seconds since the epoch: `cert`, and `ca`.

        Of a chain its first certificate, which is ours; of several authorities the one that may be
        believed the longest. The system's authorities are somebody else's care.
        """
        read = self._current
        own = good_until(read.cert if read is not None else None)
        authorities = good_until(read.ca if read is not None and self._named else None)
        ends = {"cert": own[0]} if own else {}
        return {**ends, "ca": max(authorities)} if authorities else ends

    def _look(self) -> Stamp:
        """Give what changes when a file is written or replaced, without reading it."""
        return tuple(_stamp(path) for path in (self._ca, self._cert, self._key))

    def _load(self) -> Certificates:
        found = Certificates(_read(self._ca), _read(self._cert), _read(self._key))
        if self._cert:
            try:
                # Never ask at a terminal for the password of an encrypted key.
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(
                    self._cert, self._key, password=lambda: b""
                )
            except (ssl.SSLError, OSError, ValueError) as error:
                raise StoreDenied(
                    f"etcd's client certificate {self._cert} and key {self._key} cannot be used "
                    f"({error}); give a pair that belongs together, without a password"
                ) from error
        return found


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116  # three calls every few seconds, for ever
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read(path: str) -> bytes | None:
    if not path:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise StoreDenied(
            f"cannot read {path} for the connection to etcd ({error.strerror}); "
            "give a PEM file that this process may read"
        ) from error
