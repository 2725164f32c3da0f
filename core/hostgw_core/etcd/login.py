"""User and password turned into a token, and the token kept fresh.

etcd's simple tokens die five minutes after their last use, and with the member that gave them; a
JWT dies at its hour whatever one does. So a token is replaced before it is that old, and once more
whenever a member says that it does not know it.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from hostgw_core.etcd.api import AUTHENTICATE
from hostgw_core.etcd.api import etcd_pb2 as pb
from hostgw_core.etcd.connection import Connection
from hostgw_core.etcd.failures import Unguarded
from hostgw_core.etcd.settings import EtcdSettings
from hostgw_core.store import StoreDenied

_FRESH = 240.0  # seconds; etcd's tokens live for 300 by default


class Login:
    """Gives the token for a request; empty without a user, or where etcd asks for none."""

    def __init__(self, settings: EtcdSettings) -> None:
        self._user = settings.username
        self._password = settings.password
        self._file = settings.password_file
        self._token = ""
        self._until = float("-inf")
        self._turn = asyncio.Lock()

    async def token(self, connection: Connection, timeout: float) -> str:
        """Give a token, asking this member for one if need be. `timeout` is in seconds.

        Raise StoreDenied, StoreUnavailable.
        """
        if not self._user:
            return ""
        async with self._turn:
            if time.monotonic() >= self._until:
                self._token = await self._authenticate(connection, timeout)
                self._until = time.monotonic() + _FRESH
            return self._token

    def forget(self, token: str | None = None) -> bool:
        """Drop the token, or only this refused one; tell whether there can be others."""
        if token is None or token == self._token:
            self._until = float("-inf")
        return bool(self._user)

    async def _authenticate(self, connection: Connection, timeout: float) -> str:
        request = pb.AuthenticateRequest(name=self._user, password=self._secret())
        try:
            answer = await connection.ask(
                AUTHENTICATE, request, op=f"login of user {self._user!r}", timeout=timeout
            )
        except Unguarded:
            # Set up for a cluster that does not ask for a login (yet): etcd's client goes on, too.
            return ""
        return answer.token

    def _secret(self) -> str:
        if not self._file:
            return self._password
        try:
            return Path(self._file).read_text().removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise StoreDenied(
                f"cannot read etcd's password from {self._file} ({why}); "
                "give a file that this process may read"
            ) from None
