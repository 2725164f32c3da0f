import os
import signal
import subprocess
from dataclasses import replace

import pytest

from hostgw_cli.lab import processes
from hostgw_cli.lab.netns import Namespace
from support.waiting import eventually

pytestmark = pytest.mark.root


def test_a_process_id_that_was_given_to_somebody_else_is_never_signalled():
    """A record with another start time is another process: it counts as gone and gets no signal."""
    bystander = subprocess.Popen(["sleep", "1000"])
    try:
        started = processes.start_time(bystander.pid)
        assert started is not None
        true = processes.Process("x", bystander.pid, started, processes.boot_id(), "")
        stale = replace(true, started=started - 1)
        assert true.alive
        assert not stale.alive
        assert not processes.send(stale, signal.SIGKILL)
        assert processes.stop(stale)
        assert bystander.poll() is None
        assert processes.stop(true)
        assert not true.alive
    finally:
        bystander.kill()
        bystander.wait()


def test_a_process_that_ignores_its_end_is_killed(tmp_path):
    """`stop` waits for its time, then kills, and says that it had to."""
    home = Namespace.create(f"hgt-{os.urandom(4).hex()}")
    try:
        log = tmp_path / "log"
        deaf = ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.05; done"]
        process = processes.start("deaf", deaf, inside=home, log=log, environment={})
        eventually(lambda: log.read_text() == "deaf\n")
        assert not processes.stop(process, within=0.3)
        assert not process.alive
    finally:
        processes.end_all_inside([home])
        home.delete()


def test_a_frozen_process_can_obey(tmp_path):
    """`stop` lets a frozen process go on, so that it can end by itself."""
    home = Namespace.create(f"hgt-{os.urandom(4).hex()}")
    try:
        log = tmp_path / "log"
        polite = ["sh", "-c", "trap 'echo bye; exit' TERM; echo up; while :; do sleep 0.05; done"]
        process = processes.start("polite", polite, inside=home, log=log, environment={})
        eventually(lambda: log.read_text() == "up\n")
        assert processes.send(process, signal.SIGSTOP)
        assert processes.stop(process)
        assert log.read_text() == "up\nbye\n"
    finally:
        processes.end_all_inside([home])
        home.delete()
