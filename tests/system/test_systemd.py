"""What systemd hears of a real daemon: when it is ready, how it is, that it lives, and its end."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from support.daemon_fixtures import Cluster
from support.ear import Ear
from support.waiting import eventually

pytestmark = pytest.mark.root

PEER, GATEWAY = "10.77.9.0/24", "192.168.51.9"
SOON = 5.0  # seconds


@pytest.fixture
def ear(tmp_path: Path):
    """Listen as systemd does."""
    made = Ear(tmp_path)
    yield made
    made.close()


def test_systemd_hears_ready_only_when_all_is_done(cluster: Cluster, ear: Ear, tmp_path: Path):
    """Not while there is no network, nor while the subnet file cannot be written; and then once."""
    cluster.delete("config")
    cluster.lease(PEER, GATEWAY)
    node = cluster.daemon()
    obstacle = tmp_path / "obstacle"
    obstacle.write_text("a file where the folder should be")
    node.subnet_file = obstacle / "subnet.env"
    environment = {"NOTIFY_SOCKET": str(ear.path), "WATCHDOG_USEC": "1000000"}
    node.start(wait=False, environment=environment)
    eventually(lambda: any("no_config" in status for status in ear.said("STATUS")))
    cluster.configure()
    eventually(lambda: node.host.ours() == {PEER: GATEWAY})
    eventually(lambda: "subnet_file_failing" in ear.said("STATUS")[-1])
    assert ear.said("READY") == []
    obstacle.unlink()
    eventually(lambda: ear.said("READY") == ["1"])
    assert node.subnet_file.exists()
    eventually(lambda: node.well, within=SOON)
    eventually(lambda: ear.said("STATUS")[-1].endswith("etcd reachable"), within=SOON)
    assert "1 route to 1 peer" in ear.said("STATUS")[-1]
    beats = len(ear.said("WATCHDOG"))
    eventually(lambda: len(ear.said("WATCHDOG")) >= beats + 3, within=3)
    assert ear.said("STOPPING") == []
    assert node.end() == 0
    assert ear.said("STOPPING") == ["1"]
    assert "STOPPING" in ear.heard()[-1]
    assert ear.said("READY") == ["1"]


def test_the_watchdog_is_not_fed_by_a_daemon_that_stands_still(cluster: Cluster, ear: Ear):
    """A frozen process beats no more, so that systemd can tell."""
    environment = {"NOTIFY_SOCKET": str(ear.path), "WATCHDOG_USEC": "400000"}
    node = cluster.daemon().start(environment=environment)
    eventually(lambda: len(ear.said("WATCHDOG")) >= 2)
    os.kill(node.process.pid, signal.SIGSTOP)
    state = Path(f"/proc/{node.process.pid}/stat")
    eventually(lambda: ") T " in state.read_text())
    beats = len(ear.said("WATCHDOG"))
    with pytest.raises(AssertionError):
        eventually(lambda: len(ear.said("WATCHDOG")) > beats, within=0.6)
    node.send(signal.SIGCONT)
    eventually(lambda: len(ear.said("WATCHDOG")) > beats)
