"""The files that container runtimes read, as a real daemon keeps them: the conflist, and the MTU.

What containers then do with it is in tests/kernel/test_attachments.py.
"""

from __future__ import annotations

import json
import signal
import stat
from pathlib import Path
from typing import Any

import pytest

from support.daemon import Daemon, shows
from support.daemon_fixtures import Cluster, flannels
from support.frail_fixtures import Frail, reboot, settled
from support.waiting import eventually

pytestmark = pytest.mark.root

SOON = 5.0  # seconds
PEER, GATEWAY = "10.77.9.0/24", "192.168.51.9"
PLUGINS = "/usr/lib/cni"


class Files:
    """The daemon's conflist, in a folder that is not there yet, and the flags that ask for it."""

    def __init__(self, daemon: Daemon) -> None:
        self.path = daemon.folder / "net.d" / "10-hostgw.conflist"
        self.flags = (f"--cni-conf={self.path}", f"--cni-bin-dir={PLUGINS}")

    @property
    def attaching(self) -> dict[str, Any]:
        """What it says about the plugin that attaches. An AssertionError while it is not there."""
        assert self.path.exists()
        found: dict[str, Any] = json.loads(self.path.read_bytes())["plugins"][0]
        return found

    @property
    def subnets(self) -> list[str]:
        """The subnets that addresses are given from."""
        return [each["subnet"] for (each,) in self.attaching["ipam"]["ranges"]]

    def has(self, *, mtu: int) -> bool:
        """Tell whether it gives containers that MTU."""
        return bool(self.attaching["mtu"] == mtu)


@pytest.fixture
def node(cluster: Cluster) -> Daemon:
    """A daemon with one peer, not started yet."""
    cluster.lease(PEER, GATEWAY)
    return cluster.daemon()


@pytest.fixture
def files(node: Daemon) -> Files:
    """Its files."""
    return Files(node)


def works(node: Daemon) -> bool:
    """Tell whether its route stands and it is ready."""
    return node.host.has({PEER: GATEWAY}) and node.ready


def test_the_conflist_is_written_only_where_it_is_asked_for(node: Daemon, files: Files):
    """Of the subnet that is held, for all to read whatever the umask; with no flag, none at all."""
    node.start(*files.flags, wrapper=["sh", "-c", 'umask 077; exec "$@"', "sh"])
    eventually(files.path.exists, within=SOON)
    assert json.loads(files.path.read_bytes()) == {
        "cniVersion": "0.4.0",
        "name": "hostgw",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": True,
                "isDefaultGateway": True,
                "forceAddress": True,
                "hairpinMode": True,
                "ipMasq": False,
                "mtu": 1500,
                "ipam": {
                    "type": "host-local",
                    "ranges": [
                        [
                            {
                                "subnet": node.subnet,
                                "gateway": node.subnet.replace(".0/24", ".1"),
                            }
                        ]
                    ],
                },
            }
        ],
    }
    assert stat.S_IMODE(files.path.stat().st_mode) == 0o644
    assert stat.S_IMODE(files.path.parent.stat().st_mode) == 0o755
    assert [each.name for each in files.path.parent.iterdir()] == [files.path.name]
    assert node.well
    node.end()
    files.path.unlink()
    node.start()
    assert not files.path.exists()


def test_every_setting_of_it_is_obeyed(node: Daemon, files: Files):
    """Name, mode, attachment and chain; the link's name where the plugin needs it."""
    node.start(
        *files.flags,
        "--cni-conf-mode=0600",
        "--cni-network=cbr0",
        "--cni-attachment=macvlan",
        "--cni-chain=portmap",
        "--mtu=1400",
    )
    eventually(files.path.exists, within=SOON)
    whole = json.loads(files.path.read_bytes())
    assert whole["name"] == "cbr0"
    assert [plugin["type"] for plugin in whole["plugins"]] == ["macvlan", "portmap"]
    assert (files.attaching["master"], files.attaching["mtu"]) == ("eth0", 1400)
    assert node.subnet_env()["FLANNEL_MTU"] == "1400"
    assert stat.S_IMODE(files.path.stat().st_mode) == 0o600


def test_it_is_written_when_it_must_be_and_never_otherwise(node: Daemon, files: Files):
    """Not at a restart, which changes nothing; again when somebody deletes or spoils it."""
    node.start(*files.flags)
    eventually(files.path.exists, within=SOON)
    before, content = files.path.stat(), files.path.read_bytes()
    node.end()
    node.start(*files.flags)
    eventually(lambda: node.well)
    node.send(signal.SIGHUP)
    assert files.path.stat().st_ino == before.st_ino
    assert files.path.stat().st_mtime_ns == before.st_mtime_ns
    files.path.unlink()
    node.send(signal.SIGHUP)
    eventually(files.path.exists, within=SOON)
    files.path.write_text("{")
    node.send(signal.SIGHUP)
    eventually(lambda: files.path.read_bytes() == content, within=SOON)


def test_another_subnet_is_another_conflist(cluster: Cluster, node: Daemon, files: Files):
    """A node that had to give up its subnet gives containers none of its addresses any more."""
    node.start(*files.flags)
    eventually(files.path.exists, within=SOON)
    subnet = node.subnet
    assert files.subnets == [subnet]
    cluster.put(f"subnets/{subnet.replace('/', '-')}", flannels("192.168.51.201"))
    eventually(lambda: node.subnet not in ("", subnet), within=SOON, what="another subnet")
    eventually(lambda: files.subnets == [node.subnet], within=SOON)


def test_both_families_are_in_it_when_the_network_has_both(cluster: Cluster, files: Files):
    """One range each, so that a container gets an address of each."""
    node = cluster.daemons[0]
    cluster.configure(EnableIPv6=True, IPv6Network="fd00:77::/48", IPv6SubnetLen=64)
    node.host.ip("address", "add", f"fd50::{node.host.number:x}/64", "dev", "eth0", "nodad")
    node.start(*files.flags)
    eventually(files.path.exists, within=SOON)
    assert files.subnets == node.status["claim"]["subnets"]
    assert [":" in subnet for subnet in files.subnets] == [False, True]


def test_a_host_that_boots_without_a_store_has_its_conflist(frail: Frail):
    """By what it remembers, as it has its routes and its subnet file."""
    node = frail.daemon()
    files = Files(node)
    node.start(*files.flags)
    settled(node, 4)
    eventually(files.path.exists, within=SOON)
    content = files.path.read_bytes()
    node.end()
    frail.lose_store()
    reboot(node)
    files.path.unlink()
    node.start(*files.flags)
    eventually(files.path.exists, within=SOON)
    assert files.path.read_bytes() == content
    assert node.status["claim"]["phase"] == "headless"


def test_a_folder_that_cannot_be_written_stops_no_route(node: Daemon, files: Files):
    """A condition with the path and the reason; cured, the file is there and the condition over."""
    files.path.parent.parent.mkdir(parents=True, exist_ok=True)
    files.path.parent.write_text("no folder")
    node.start(*files.flags)
    eventually(shows(node, "cni_conf_failing"), within=SOON)
    assert str(files.path.parent) in node.conditions["cni_conf_failing"]
    assert works(node)
    files.path.parent.unlink()
    eventually(lambda: node.well, within=10)
    assert files.subnets == [node.subnet]


def test_a_plugin_that_is_missing_is_named(node: Daemon, files: Files, tmp_path: Path):
    """With the folders and the cure; the file and the routes are there; installed, it is over."""
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    (bin_dir / "bridge").symlink_to(f"{PLUGINS}/bridge")
    (bin_dir / "host-local").symlink_to(f"{PLUGINS}/host-local")
    node.start(files.flags[0], f"--cni-bin-dir={bin_dir}", "--cni-chain=portmap")
    eventually(shows(node, "cni_plugin_missing"), within=SOON)
    assert node.conditions["cni_plugin_missing"] == (
        f"there is no portmap in {bin_dir}: install containernetworking-plugins, or say where they"
        " are with --cni-bin-dir"
    )
    assert works(node)
    assert files.subnets == [node.subnet]
    (bin_dir / "portmap").symlink_to(f"{PLUGINS}/portmap")
    node.send(signal.SIGHUP)
    eventually(lambda: node.well, within=SOON)


# -- the host's own child of the uplink -----------------------------------------------------------


def child(node: Daemon) -> set[str]:
    """Give the addresses of hostgw0, none when it is not there."""
    links = node.host.namespace.ip_json("-4", "address", "show")
    return {
        f"{each['local']}/{each['prefixlen']}"
        for link in links
        if link["ifname"] == "hostgw0"
        for each in link["addr_info"]
    }


def test_a_host_of_macvlan_containers_has_a_child_of_its_own(node: Daemon, files: Files):
    """With the gateway's address; it outlives the daemon, and goes with the attachment."""
    node.start(*files.flags, "--cni-attachment=macvlan")
    gateway = node.subnet.replace(".0/24", ".1/24")
    eventually(lambda: child(node) == {gateway}, within=SOON)
    eventually(lambda: node.well, within=SOON)
    node.host.ip("link", "delete", "hostgw0")
    eventually(lambda: child(node) == {gateway}, within=SOON)
    node.end()
    assert child(node) == {gateway}
    node.start(*files.flags)
    eventually(lambda: child(node) == set(), within=SOON)
    assert works(node)


def test_a_link_of_that_name_of_somebody_else_stops_no_route(node: Daemon, files: Files):
    """It is named with the command that cures it, and stays as it is."""
    node.host.ip("link", "add", "hostgw0", "type", "bridge")
    node.start(*files.flags, "--cni-attachment=macvlan")
    eventually(shows(node, "cni_child_failing"), within=SOON)
    assert "`ip link delete hostgw0`" in node.conditions["cni_child_failing"]
    assert works(node)
    node.host.ip("link", "delete", "hostgw0")
    eventually(lambda: node.well, within=10)
    assert child(node)


# -- the MTU --------------------------------------------------------------------------------------


def test_the_mtu_of_the_link_is_followed(node: Daemon, files: Files):
    """Down and up again, in both files, while the daemon runs and nothing else changes."""
    node.start(*files.flags)
    eventually(files.path.exists, within=SOON)
    for size in (1400, 1500):
        node.host.ip("link", "set", "eth0", "mtu", str(size))
        eventually(lambda size=size: files.has(mtu=size), within=SOON)
        eventually(lambda size=size: node.subnet_env()["FLANNEL_MTU"] == str(size), within=SOON)
    assert node.well


def test_an_mtu_that_was_asked_for_stays_while_it_can(node: Daemon, files: Files):
    """A link that gets narrower than that is followed, and said; wide again, it is as asked for."""
    node.start(*files.flags, "--mtu=1450")
    eventually(lambda: files.path.exists() and files.has(mtu=1450), within=SOON)
    node.host.ip("link", "set", "eth0", "mtu", "1400")
    eventually(lambda: files.has(mtu=1400), within=SOON)
    eventually(shows(node, "mtu_impossible"), within=SOON)
    assert node.conditions["mtu_impossible"] == (
        "an MTU of 1450 was asked for and eth0 carries 1400 at most: containers get 1400"
    )
    assert works(node)
    node.host.ip("link", "set", "eth0", "mtu", "9000")
    eventually(lambda: files.has(mtu=1450), within=SOON)
    eventually(lambda: node.well, within=SOON)


def test_an_mtu_that_is_impossible_from_the_start_stops_no_route(node: Daemon, files: Files):
    """Containers get the link's instead."""
    node.start(*files.flags, "--mtu=60")
    eventually(shows(node, "mtu_impossible"), within=SOON)
    assert "IPv4 needs 68 at least: containers get 1500" in node.conditions["mtu_impossible"]
    assert works(node)
    assert node.subnet_env()["FLANNEL_MTU"] == "1500"
    eventually(lambda: files.has(mtu=1500), within=SOON)
