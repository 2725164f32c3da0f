"""A cluster whose etcd may be killed and wiped, and hosts that are rebooted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from support.daemon import Daemon
from support.daemon_fixtures import Cluster
from support.site import Site
from support.waiting import eventually

LEASED = {f"10.77.{number}.0/24": f"192.168.51.{number}" for number in range(1, 4)}
PATIENT = ("--removal-grace=2s", "--removal-hold=5m")
"""The daemon's own defaults, in place of those of most tests."""


class Frail(Cluster):
    """A cluster on a site whose etcd ends and comes back as the test likes."""

    def lose_store(self) -> None:
        """Kill the etcd."""
        self.site.etcd.kill()

    def wipe_store(self) -> None:
        """Lose its data folder, too; it is back after that, and empty."""
        self.site.etcd.kill()
        shutil.rmtree(self.site.etcd.folder / "data")
        self.site.start_etcd()

    def bring_store_back(self) -> None:
        """Start the etcd on the data that it has."""
        self.site.start_etcd()

    def revision(self) -> int:
        """Give the store's revision."""
        return int(self.ctl("get", "\\0")["header"]["revision"])

    def lease_all(self, leases: dict[str, str] | None = None) -> None:
        """Write the leases of other nodes."""
        self.burst((leases or LEASED).items())


def remembers(node: Daemon, count: int, *, network: str = "") -> bool:
    """Tell whether a daemon's snapshot of a network has so many leases, its own among them."""
    below = f"networks/{network}" if network else "."
    path = node.state_dir / below / "snapshot"
    return path.exists() and path.read_bytes().count(b"/subnets/") == count


def reboot(node: Daemon) -> None:
    """Take from a host whose daemon has ended what a reboot takes."""
    node.host.ip("route", "flush", "proto", "104")
    shutil.rmtree(node.run_dir)
    node.subnet_file.unlink()


def settled(node: Daemon, count: int) -> dict[str, Any]:
    """Wait until a daemon is well and remembers so many leases; give its status."""
    eventually(lambda: node.well)
    eventually(lambda: remembers(node, count))
    return node.status


@pytest.fixture(scope="module")
def frail_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Make a site whose one etcd has no other user than this module."""
    with Site.build(tmp_path_factory.mktemp("frail")) as made:
        yield made


@pytest.fixture
def frail(frail_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frail]:
    """Make a cluster with a network and three leases; the etcd serves when the test is over."""
    frail_site.start_etcd()
    with ExitStack() as ends:
        made = Frail(frail_site, tmp_path_factory.mktemp("f"), ends)
        made.configure()
        made.lease_all()
        yield made
