"""Whoever waits for a daemon or a store that hangs is told so before the wait is over."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from hostgw_cli import daemon_socket, patience
from hostgw_cli.__main__ import main


@pytest.fixture
def deaf(tmp_path: Path) -> Iterator[Path]:
    """A socket at which somebody listens, and never answers."""
    path = tmp_path / "hostgwd.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        yield path


def test_a_daemon_that_hangs(deaf: Path, monkeypatch: pytest.MonkeyPatch):
    """A word comes first, then the end."""
    monkeypatch.setattr(daemon_socket, "SOON", 0.0)
    monkeypatch.setattr(daemon_socket, "_PATIENCE", 1.0)
    done = CliRunner().invoke(main, ["peers", f"--socket={deaf}"])
    first, last = done.stderr.splitlines()
    assert first == f"the daemon at {deaf} has not answered yet; it is waited for, 1 s at most"
    assert last.startswith(f"Error: the daemon at {deaf}: it does not answer within 1 s")
    assert (done.exit_code, done.stdout) == (3, "")


def test_a_store_that_hangs(monkeypatch: pytest.MonkeyPatch):
    """The same of the store."""
    monkeypatch.setattr(patience.waiting.__wrapped__, "__kwdefaults__", {"soon": 0.0})
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        where = f"http://127.0.0.1:{listener.getsockname()[1]}"
        argv = ["nodes", f"--etcd-endpoints={where}", "--etcd-request-timeout=1s"]
        done = CliRunner().invoke(main, argv)
    first, last = done.stderr.splitlines()
    assert first.startswith(f"the store at {where} has not answered yet; it is waited for, 1 s")
    assert last.startswith(f"Error: the store at {where}: ")
    assert done.exit_code == 3


def test_an_answer_in_time_is_no_news(capsys: pytest.CaptureFixture[str]):
    """And nobody speaks after it."""
    with patience.waiting("the daemon", 10.0, soon=3600.0):
        pass
    assert capsys.readouterr().err == ""
