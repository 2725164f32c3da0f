"""Containers of two networks, their packets, and who they come from at the other end.

Hosts `one` and `two` are members of both networks, `three` of the first alone. Each host has a
container of each of its networks, attached by hand on what the subnet files say.
"""

from __future__ import annotations

import json

import pytest

from hostgw_cli.lab.netns import Namespace, veth
from support.daemon import Daemon
from support.daemon_fixtures import Cluster
from support.hostgwctl import hostgwctl
from support.netns_fixtures import MakeNamespace
from support.networks_fixtures import SOON
from support.pod_site import source_seen
from support.waiting import eventually

pytestmark = pytest.mark.root


class Pod:
    """A container: its namespace and its address."""

    def __init__(self, daemon: Daemon, env: str, inside: Namespace, name: str) -> None:
        path = daemon.subnet_file.parent / env
        eventually(path.exists, within=SOON)
        values = dict(line.split("=", 1) for line in path.read_text().splitlines())
        self.gateway, _, length = values["FLANNEL_SUBNET"].partition("/")
        self.subnet = self.gateway.rpartition(".")[0] + f".0/{length}"
        self.address = self.gateway.rpartition(".")[0] + ".2"
        self.inside = inside
        host = daemon.host.namespace
        veth(host, name, inside, "eth0")
        host.ip("address", "add", f"{self.gateway}/{length}", "dev", name)
        inside.ip("address", "add", f"{self.address}/{length}", "dev", "eth0")
        inside.ip("route", "add", "default", "via", self.gateway)

    def seen_by(self, other: Pod) -> str:
        """Send to another container; give the address that it sees."""
        return source_seen(self.inside, other.inside, other.address, within=5.0)


def test_each_reaches_its_own_and_is_outside_to_the_other(
    twofold: Cluster, make_netns: MakeNamespace
):
    """In its network a container is seen with its own address, beyond it with its host's.

    But for two of one host. `three`, which is no member of blue, answers all the same.
    """
    daemons = {name: twofold.daemon(node=name) for name in ("one", "two", "three")}
    for name, daemon in daemons.items():
        daemon.host.namespace.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        conf = f"--cni-conf={daemon.folder}/net.d/10-hostgw.conflist"
        further = ["--networks=blue"] if name != "three" else []
        daemon.start(
            "--ip-masq", "--probe=true", conf, "--cni-bin-dir=/usr/lib/cni", *further, wait=False
        )
    for daemon in daemons.values():
        daemon.wait_ready()
    first = {name: Pod(each, "subnet.env", make_netns(), "p0") for name, each in daemons.items()}
    blue = {
        name: Pod(daemons[name], "networks/blue.env", make_netns(), "p1") for name in ("one", "two")
    }
    for name, daemon in daemons.items():
        others = {pod.subnet for each, pod in first.items() if each != name}
        if name != "three":
            others |= {pod.subnet for each, pod in blue.items() if each != name}
        eventually(lambda d=daemon, o=others: d.host.ours().keys() == o, within=SOON)
        eventually(lambda d=daemon: d.well, within=SOON)
    # Without the rules of both networks, the packet between them on one host is one to outside.
    for name in ("one", "two"):
        near, other = first[name], blue[name]
        eventually(lambda n=near, o=other: n.seen_by(o) == n.address, within=30)
        eventually(lambda n=near, o=other: o.seen_by(n) == o.address, within=30)
    assert first["one"].seen_by(first["three"]) == first["one"].address
    assert blue["one"].seen_by(blue["two"]) == blue["one"].address
    assert blue["two"].seen_by(blue["one"]) == blue["two"].address
    assert blue["one"].seen_by(first["three"]) == daemons["one"].host.address
    assert first["two"].seen_by(blue["one"]) == daemons["two"].host.address
    # What runtimes read is of each network by itself.
    folder = daemons["one"].folder / "net.d"
    lists = {each.name: json.loads(each.read_bytes()) for each in folder.iterdir()}
    assert sorted(lists) == ["10-hostgw.conflist", "99-hostgw-blue.conflist"]
    assert [(each["name"], each["plugins"][0]["bridge"]) for _, each in sorted(lists.items())] == [
        ("hostgw", "cni0"),
        ("hostgw-blue", "cni-blue"),
    ]
    # The last container of one network goes: its way can be asked no more, that of the other can.
    one, two = daemons["one"], daemons["two"]
    eventually(lambda: (states(one, ""), states(one, "blue")) == ({"ok"}, {"ok"}), within=SOON)
    asked = hostgwctl(one, "explain", blue["two"].address)
    assert f"of the subnet {blue['two'].subnet} of two" in asked.stdout, asked.stdout
    two.host.namespace.ip("link", "delete", "p1")
    eventually(lambda: states(one, "blue") == {"unprobed"}, within=SOON)
    assert states(one, "") == {"ok"}


def states(daemon: Daemon, network: str) -> set[str]:
    """Give the states in which a daemon sees the others of a network."""
    peers = json.loads(daemon.ask(f"/v1/peers?network={network}").body)
    found = {peer["state"] for peer in peers}
    assert found <= {"ok", "unprobed"}, peers
    return found
