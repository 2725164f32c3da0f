"""A cluster of two networks: the one at its prefix, and `blue`, which lies under that prefix.

Hosts `one` and `two` are members of both, `three` of the first alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from support.daemon import Daemon
from support.daemon_fixtures import Cluster
from support.site import Site
from support.waiting import eventually

BLUE = {"Network": "10.78.0.0/16", "Backend": {"Type": "host-gw"}}
SOON = 8.0  # seconds


class Three(NamedTuple):
    """The hosts' daemons."""

    one: Daemon
    two: Daemon
    three: Daemon


@pytest.fixture(scope="module")
def blue_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose store is these tests' own."""
    with Site.build(tmp_path_factory.mktemp("blue")) as made:
        yield made


@pytest.fixture
def twofold(blue_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Make a cluster on it, both networks configured."""
    with ExitStack() as ends:
        made = Cluster(blue_site, tmp_path_factory.mktemp("n"), ends)
        made.configure()
        made.put("blue/config", BLUE)
        yield made


@pytest.fixture
def three(twofold: Cluster) -> Three:
    """All three, started."""
    made = Three(*(twofold.daemon(node=name) for name in Three._fields))
    for daemon in made:
        daemon.start(*flags(daemon), wait=False)
    for daemon in made:
        daemon.wait_ready()
    eventually(lambda: all(routed(daemon, made) for daemon in made), within=SOON)
    return made


def flags(daemon: Daemon) -> tuple[str, ...]:
    """Say of which networks a daemon is a member."""
    return () if daemon.node == "three" else ("--networks=blue",)


def blue_env(daemon: Daemon) -> dict[str, str]:
    """Read the subnet file of the further network. An AssertionError while there is none."""
    path = daemon.subnet_file.parent / "networks" / "blue.env"
    assert path.exists()
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def leases(cluster: Cluster, network: str = "") -> dict[str, str]:
    """Give subnet and address of every lease in a network, as they stand in the store."""
    below = f"{cluster.prefix}{network}/subnets/"
    values: dict[str, str] = cluster.ctl.values(below)
    return {
        key.removeprefix(below).replace("-", "/"): str(json.loads(value)["PublicIP"])
        for key, value in values.items()
    }


def routed(daemon: Daemon, three: Three) -> bool:
    """Tell whether a host routes to all others of its networks, by their own word, and no more."""
    others = [each for each in three if each is not daemon]
    routes = {each.subnet: each.host.address for each in others}
    if daemon.node != "three":
        for each in others:
            if each.node != "three":
                routes[network_of(blue_env(each)["FLANNEL_SUBNET"])] = each.host.address
    return daemon.host.has(routes)


def network_of(first: str) -> str:
    """Give the /24 of its first address: 10.78.4.1/24 is of 10.78.4.0/24."""
    return first.rpartition(".")[0] + ".0/24"
