"""Two hosts whose containers are attached by our conflist and real plugins, and a neighbour.

    container - host 1 --+-- host 2 - container        host n: 192.168.50.n, fd50::n; its containers
                         |                             10.5.n.0/24, fd00:5:0:n::/64
                     neighbour                         192.168.50.3, no node

Each host routes to the other's containers as hostgwd does; nothing masquerades.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_interface
from pathlib import Path
from typing import Any

from hostgw_cli.lab.conflist import read
from hostgw_cli.lab.netns import CommandError, Namespace
from hostgw_cli.lab.plugins import Plugins
from hostgw_core.model import Subnets
from hostgw_daemon.cni.child import host_child
from hostgw_daemon.cni.conflist import Attachment, ConflistSpec, conflist
from hostgw_daemon.cni.doorway import Doorway
from hostgw_daemon.netlink.children import Children
from support.netns_fixtures import Lan, MakeNamespace

MTU = 1400


@dataclass
class Container:
    """A container that is attached, and its addresses by family."""

    namespace: Namespace
    addresses: dict[int, str]

    def shown(self, *question: str) -> list[dict[str, Any]]:
        """Ask `ip` inside."""
        return self.namespace.ip_json(*question)


@dataclass
class Node:
    """A host, with its runtime, the conflist of its subnet, and a child of its uplink."""

    host: Namespace
    number: int
    plugins: Plugins
    doorway: Doorway

    @property
    def addresses(self) -> dict[int, str]:
        """Its addresses on the link."""
        return {4: f"192.168.50.{self.number}", 6: f"fd50::{self.number}"}

    def subnets(self, number: int = 0) -> Subnets:
        """Give the subnets of its lease, or those of another number."""
        number = number or self.number
        return Subnets(IPv4Network(f"10.5.{number}.0/24"), IPv6Network(f"fd00:5:0:{number}::/64"))

    def attach(
        self,
        container: Namespace,
        attachment: Attachment,
        *chained: str,
        number: int = 0,
        given: dict[str, Any] | None = None,
    ) -> Container:
        """Do as daemon and runtime do together."""
        subnets = self.subnets(number)
        if attachment.on_uplink:
            link = self.host.ip_json("link", "show", "eth0")[0]["ifindex"]
            self.doorway.want(host_child(attachment, parent=link, subnets=subnets, mtu=MTU))
            assert self.doorway.step() is None
        spec = ConflistSpec(
            name="hostgw",
            attachment=attachment,
            subnets=subnets,
            mtu=MTU,
            bridge="cni0",
            uplink="eth0",
            chained=chained,
        )
        written = read(conflist(spec).content.decode(), source="the conflist")
        result = self.plugins.attach(container, written, given)
        got = [ip_interface(each["address"]) for each in result["ips"]]
        return Container(container, {each.version: str(each.ip) for each in got})


@dataclass
class AttachmentSite:
    """Two nodes and a neighbour; each node routes to the other's subnets, as hostgwd does."""

    nodes: tuple[Node, Node]
    neighbour: Namespace
    make: MakeNamespace

    def attached(self, attachment: Attachment) -> tuple[Container, Container, Container]:
        """Attach two containers to the first node and one to the second."""
        first, second = self.nodes
        return (
            first.attach(self.make(), attachment),
            first.attach(self.make(), attachment),
            second.attach(self.make(), attachment),
        )


@contextmanager
def build(lan: Lan, make: MakeNamespace, folder: Path) -> Iterator[AttachmentSite]:
    """Make it of a network of three hosts, without a container yet."""
    hosts = lan.hosts
    with ExitStack() as ends:
        nodes = []
        for number, host in enumerate(hosts[:2], start=1):
            host.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
            other = 3 - number
            host.ip("route", "add", f"10.5.{other}.0/24", "via", f"192.168.50.{other}")
            host.ip("route", "add", f"fd00:5:0:{other}::/64", "via", f"fd50::{other}")
            with host.enter():
                children = ends.enter_context(Children.open())
            said: list[str] = []
            plugins = Plugins(host, folder / f"n{number}")
            nodes.append(Node(host, number, plugins, Doorway(children, told=said.append)))
        yield AttachmentSite((nodes[0], nodes[1]), hosts[2], make)


def has_ipvlan(host: Namespace) -> str:
    """Give "" when the kernel of a host makes ipvlan links, else its words."""
    try:
        host.ip("link", "add", "probe", "link", "eth0", "type", "ipvlan")
    except CommandError as error:
        return error.stderr.strip()
    host.ip("link", "delete", "probe")
    return ""
