"""The daemon of this host, asked over its unix socket (docs/http.md).

There is nothing to log in with: whoever may open the socket may ask, which is root and its group.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import click

from hostgw_cli.endings import Refused, Unreachable
from hostgw_cli.patience import SOON, waiting

T = TypeVar("T")

RUN_DIR: Final = "/run/hostgw"
"""Where a daemon has its socket unless its --run-dir says otherwise."""

_PATIENCE = 10.0  # seconds


class DaemonSocket:
    """Where the daemon listens. Each request is a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, path: str, *, held: float = 0.0) -> bytes:
        """Ask for a document, whose answer may be held back for so many seconds.

        Raise Refused or Unreachable.
        """
        return self._ask("GET", path, None, held)

    def post(self, path: str, order: object = None) -> Any:
        """Give an order, and give what came of it. Raise Refused or Unreachable."""
        return json.loads(self._ask("POST", path, order))

    def _ask(self, method: str, path: str, order: object, held: float = 0.0) -> bytes:
        connection = _UnixConnection(self._path)
        content = None if order is None else json.dumps(order).encode()
        try:
            with waiting(f"the daemon at {self._path}", _PATIENCE, soon=SOON + held):
                connection.request(method, path, content)
                answer = connection.getresponse()
                body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"the daemon at {self._path}: {_sentence(error)}") from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise Refused(_reason(answer.status, body))
        return body


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("hostgwd", timeout=_PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _sentence(error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "it is not there; start hostgwd, or name its socket with --socket"
        case ConnectionRefusedError():
            return "it has ended and left its socket; start hostgwd"
        case PermissionError():
            return "only root and the group of the socket may ask; use sudo"
        case TimeoutError():
            return f"it does not answer within {_PATIENCE:g} s; see its log"
        case OSError(strerror=str(words)):
            return words
    return f"it does not speak as hostgwd does: {error!r}"


def _reason(status: int, body: bytes) -> str:
    """Give the daemon's own sentence; an older one does not know every path."""
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return f"the daemon answers {status}: {body[:200].decode(errors='replace').strip()}"


def local(command: Callable[..., T]) -> Callable[..., T]:
    """Give a command the options that find the daemon, and the keyword `daemon`."""

    @wraps(command)
    def wrapped(*, at: Path | None, run_dir: Path, **given: Any) -> T:
        return command(daemon=DaemonSocket(at or run_dir / "hostgwd.sock"), **given)

    folder = click.option(
        "--run-dir",
        envvar="HOSTGW_RUN_DIR",
        default=RUN_DIR,
        show_default=True,
        type=click.Path(path_type=Path),
        help="The daemon's own --run-dir.",
    )
    place = click.option(
        *("--socket", "at"),
        envvar="HOSTGW_SOCKET",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="The socket of the daemon  [default: hostgwd.sock in --run-dir]",
    )
    return place(folder(wrapped))


named = click.option(
    "--network",
    metavar="NAME",
    default="",
    help="One of the daemon's --networks  [default: the one at its --etcd-prefix]",
)
"""The option that names one of several networks; its keyword is `network`."""


def of_network(path: str, network: str) -> str:
    """Give the path that asks the same about one of several networks, the first by default."""
    if not network:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode({'network': network})}"
