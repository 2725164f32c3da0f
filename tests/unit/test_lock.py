"""One daemon for each network namespace and protocol."""

import os
import secrets
import subprocess
import sys

import pytest

from hostgw_daemon.kernel import PROTOCOL
from hostgw_daemon.lock import ASKERS, Busy, Lock

HOLD = "from hostgw_daemon.lock import Lock\nwith Lock({0}):\n print('held', flush=True)\n input()"


@pytest.fixture
def protocol() -> int:
    """Give a number that no daemon on this machine uses, for the name is the machine's."""
    return 1_000_000 + secrets.randbelow(1_000_000)


def test_the_second_one_is_told_who_the_first_is(protocol: int):
    """The sentence has the pid of the holder and the cure."""
    with (
        Lock(protocol),
        pytest.raises(Busy, match=rf"process {os.getpid()}\).*stop it"),
        Lock(protocol),
    ):
        pytest.fail("two held it")


def test_however_many_ask_it_is_busy_at_once(protocol: int):
    """When the queue of askers is full, the next one is told without the pid, and does not hang."""
    with Lock(protocol):
        for _ in range(ASKERS + 3):
            with pytest.raises(Busy) as busy, Lock(protocol):
                pytest.fail("two held it")
    assert "cannot be seen" in str(busy.value)


def test_it_is_free_after_the_end(protocol: int):
    """Whoever leaves makes room, and another protocol was never in the way."""
    with Lock(protocol), Lock(protocol + 1_000_000):
        pass
    with Lock(protocol):
        pass


def test_a_killed_holder_holds_nothing(protocol: int):
    """A process that dies by SIGKILL leaves no lock behind."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD.format(protocol)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(Busy, match=f"process {other.pid}"), Lock(protocol):
            pytest.fail("two held it")
        other.kill()
    with Lock(protocol):
        pass


def test_the_name_is_what_the_documents_say():
    """An operator finds the lock by this name in `ss -xl`."""
    assert Lock()._name == f"\0hostgwd-proto-{PROTOCOL}" == "\0hostgwd-proto-104"
