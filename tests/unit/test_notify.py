"""Messages to systemd, received on a real datagram socket."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from hostgw_daemon.told.notify import Notifier


class Ear:
    """The socket that systemd would listen on."""

    def __init__(self, address: str, name: str) -> None:
        self.name = name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(5)

    def hear(self) -> list[str]:
        """Give the lines of the next message."""
        return self._socket.recv(4096).decode().split("\n")

    def silent(self) -> bool:
        """Tell whether nothing has come."""
        self._socket.setblocking(False)
        try:
            return not self._socket.recv(4096)
        except BlockingIOError:
            return True

    def close(self) -> None:
        """Go deaf."""
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def ear(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ear]:
    """Listen under a path and under an abstract name, as systemd does both."""
    if request.param == "path":
        ear = Ear(str(tmp_path / "n"), str(tmp_path / "n"))
    else:
        unique = f"hostgw-test-{uuid4()}"
        ear = Ear("\0" + unique, "@" + unique)
    yield ear
    ear.close()


def test_a_whole_life(ear: Ear):
    """Ready, a new status, a beat, a reload, an end: each is one message of its own."""
    notifier = Notifier({"NOTIFY_SOCKET": ear.name})
    assert notifier.ready("all is well")
    assert ear.hear() == ["READY=1", "STATUS=all is well"]
    assert notifier.status("etcd unreachable")
    assert ear.hear() == ["STATUS=etcd unreachable"]
    assert notifier.beat()
    assert ear.hear() == ["WATCHDOG=1"]
    before = time.monotonic_ns() // 1000
    assert notifier.reloading()
    first, second = ear.hear()
    assert first == "RELOADING=1"
    assert before <= int(second.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000
    assert notifier.stopping("bye")
    assert ear.hear() == ["STOPPING=1", "STATUS=bye"]


def test_the_same_status_is_said_once(ear: Ear):
    """A status that did not change costs nothing."""
    notifier = Notifier({"NOTIFY_SOCKET": ear.name})
    notifier.status("x")
    assert not notifier.status("x")
    ear.hear()
    assert ear.silent()


def test_a_status_is_one_line(ear: Ear):
    """Words from the store cannot smuggle in a line of their own."""
    Notifier({"NOTIFY_SOCKET": ear.name}).status("a\nREADY=1\tb")
    assert ear.hear() == ["STATUS=a READY=1 b"]


def test_without_systemd_nothing_happens():
    """No NOTIFY_SOCKET, or one of a kind we do not speak: every call is quiet."""
    for environ in ({}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}):
        assert not Notifier(environ).ready("x")


def test_an_ear_that_is_gone_is_not_our_failure(tmp_path: Path):
    """Systemd's socket may vanish; the daemon goes on."""
    assert not Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).beat()
    assert not Notifier({"NOTIFY_SOCKET": "/" + "x" * 200}).beat()


@pytest.mark.parametrize(
    ("environ", "period"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "180000000"}, 90.0),
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": str(os.getpid())}, 90.0),
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_for_this_process_only(environ: dict[str, str], period: float | None):
    """The period is half of what systemd allows, and none when it means another process."""
    assert Notifier(environ).watchdog_period == period
