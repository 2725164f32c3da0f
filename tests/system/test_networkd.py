"""A network manager beside the daemon: systemd-networkd, real, in the daemon's network namespace.

As Debian has it, so that every route which it did not make is its own to remove from a link that
it configures (ManageForeignRoutes= in networkd.conf(5)). With the file that we install beside the
unit: tests/packaging/test_service_restart.py.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.daemon import Daemon
from support.daemon_fixtures import Cluster, neighbours
from support.debian_tree import debian_tree
from support.machine import Machine
from support.site import GATEWAY
from support.waiting import eventually

pytestmark = pytest.mark.root

SOON = 3.0  # seconds
HOME = neighbours(3)


@pytest.fixture
def node(cluster: Cluster) -> Daemon:
    """A daemon with three peers."""
    for subnet, gateway in HOME.items():
        cluster.lease(subnet, gateway)
    return cluster.daemon().start()


@pytest.fixture
def machine(node: Daemon, tmp_path: Path) -> Iterator[Machine]:
    """A container in the daemon's network namespace; its systemd-networkd is not started."""
    made = Machine(debian_tree(), tmp_path / "machine", network=node.host.namespace.path).boot()
    try:
        made.write(
            "/etc/systemd/network/10-eth0.network",
            f"[Match]\nName=eth0\n[Network]\nLinkLocalAddressing=no\nGateway={GATEWAY}\n"
            f"[Address]\nAddress={node.host.address}/20\nBroadcast=no\n",
        )
        yield made
    finally:
        made.stop()


def configured(machine: Machine) -> Callable[[], bool]:
    """Give a look for the link that networkd has configured."""
    return lambda: "(configured)" in machine.run("networkctl", "status", "eth0", check=False)


def test_what_networkd_takes_is_back_at_once(node: Daemon, machine: Machine):
    """Its start, its restart and a link configured anew, which takes the address for a moment.

    The lease stays, the routes are back, and what others have on another link is not touched.
    """
    host = node.host
    host.ip("route", "add", "198.51.100.0/24", "via", "172.31.0.1", "proto", "static")
    others = {route for route in host.foreign() if route.dev == "store0"}
    subnet = node.subnet
    for command in (
        ("systemctl", "start", "systemd-networkd"),
        ("systemctl", "restart", "systemd-networkd"),
        ("networkctl", "reconfigure", "eth0"),
    ):
        machine.run(*command)
        eventually(configured(machine), within=20)
        eventually(lambda: host.has(HOME), within=SOON)
    eventually(lambda: node.well, within=SOON)
    assert node.subnet == subnet
    assert others <= host.foreign()
