"""Two hosts with a pod each and an outsider on one link, and a look at who a packet comes from.

    pod 10.5.1.2 -- 10.5.1.1 first 192.168.50.1 --+-- 192.168.50.2 second 10.5.2.1 -- pod 10.5.2.2
                                                  |
                                            192.168.50.3 outsider

IPv6 likewise: pods fd00:5:0:n::2, hosts fd50::n. Each host routes to the other's pods as host-gw
does; the outsider sends everything for pods to the first host, as a router without host-gw would.
"""

from __future__ import annotations

import itertools
import secrets
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from typing import Any

from hostgw_cli.lab.netns import Namespace, veth
from hostgw_core.model import IPAddress
from hostgw_daemon.rules.ruleset import Elements, RulesetSpec
from support.netns_fixtures import Lan, MakeNamespace
from support.waiting import eventually

PATIENCE = 2.0  # seconds that a datagram may take
GROUP, GROUP6 = "239.5.5.5", "ff05::5:5"

_ports = itertools.count(20000 + secrets.randbelow(20000))


@dataclass(frozen=True)
class PodSite:
    """The five namespaces."""

    first: Namespace
    second: Namespace
    outsider: Namespace
    pod: Namespace
    pod_elsewhere: Namespace

    def wait_for_ipv6(self) -> None:
        """Wait until no link-local address is tentative: a router asks for neighbours from it."""
        every = (self.first, self.second, self.outsider, self.pod, self.pod_elsewhere)
        eventually(lambda: not any(n.ip_json("-6", "address", "show", "tentative") for n in every))

    def run(self, command: str, *, given: str | None = None) -> str:
        """Run a command on the first host, the one whose firewall is looked at."""
        return self.first.run(*command.split(), input=given).stdout


def build(lan: Callable[[int], Lan], make_netns: MakeNamespace) -> PodSite:
    """Make the site, both families."""
    first, second, outsider = lan(3).hosts
    pods = (make_netns(), make_netns())
    for number, (host, pod) in enumerate(zip((first, second), pods, strict=True), start=1):
        host.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        veth(host, "pods", pod, "eth0")
        for prefix, length in ((f"10.5.{number}.", 24), (f"fd00:5:0:{number}::", 64)):
            nodad = ["nodad"] if length == 64 else []
            host.ip("address", "add", f"{prefix}1/{length}", "dev", "pods", *nodad)
            pod.ip("address", "add", f"{prefix}2/{length}", "dev", "eth0", *nodad)
            pod.ip("route", "add", "default", "via", f"{prefix}1")
    for host, peer in ((first, 2), (second, 1), (outsider, 1)):
        host.ip("route", "add", f"10.5.{peer}.0/24", "via", f"192.168.50.{peer}")
        host.ip("route", "add", f"fd00:5:0:{peer}::/64", "via", f"fd50::{peer}")
    outsider.ip("route", "add", "10.5.2.0/24", "via", "192.168.50.1")
    outsider.ip("route", "add", "fd00:5:0:2::/64", "via", "fd50::1")
    return PodSite(first, second, outsider, *pods)


NODES: Elements = {
    4: frozenset({"192.168.50.1", "192.168.50.2"}),
    6: frozenset({"fd50::1", "fd50::2"}),
}


def spec(**changes: Any) -> RulesetSpec:
    """Give what the first host's daemon asks for, both families."""
    usual = RulesetSpec(
        networks=(ip_network("10.5.0.0/16"), ip_network("fd00:5::/48")),
        own=(ip_network("10.5.1.0/24"), ip_network("fd00:5:0:1::/64")),
        masquerade=True,
        forward_rules=True,
        nodes=NODES,
    )
    return replace(usual, **changes)


def source_seen(
    sender: Namespace,
    receiver: Namespace,
    destination: str,
    *,
    source: str = "",
    mark: int = 0,
    within: float = PATIENCE,
) -> str:
    """Send a datagram of a new connection; give the source address that its receiver sees.

    `source` is the address to send from, where the sender has several; `mark` the packet's mark.
    Raise TimeoutError if nothing arrives `within` seconds.
    """
    with flow(sender, receiver, destination, source=source, mark=mark) as seen:
        return seen(within)[0]


class Flow:
    """A connection. Called, it sends one more datagram and gives the peer that its receiver sees.

    That is address and port; it takes the seconds to wait, and raises TimeoutError.
    """

    def __init__(self, mouth: socket.socket, ear: socket.socket, to: tuple[str, int]) -> None:
        self._mouth, self._ear, self._to = mouth, ear, to
        self.port: int = mouth.getsockname()[1]

    def __call__(self, within: float = PATIENCE) -> tuple[str, int]:
        """Send, and see."""
        self._ear.settimeout(within)
        self._mouth.sendto(b"who am I?", self._to)
        _, peer = self._ear.recvfrom(64)
        return peer[0], peer[1]


@contextmanager
def flow(
    sender: Namespace,
    receiver: Namespace,
    destination: str,
    *,
    source: str = "",
    mark: int = 0,
) -> Iterator[Flow]:
    """Open a connection, and close it at the end."""
    port = next(_ports)
    address = ip_address(destination)
    domain = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with receiver.enter():
        ear = socket.socket(domain, socket.SOCK_DGRAM)
    with sender.enter():
        mouth = socket.socket(domain, socket.SOCK_DGRAM)
    with ear, mouth:
        ear.bind(("", port))
        if address.is_multicast:
            _join(ear, receiver, address)
            _send_groups_through(mouth, sender)
        if mark:
            mouth.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
        mouth.bind((source, 0))
        yield Flow(mouth, ear, (destination, port))


def _join(ear: socket.socket, receiver: Namespace, group: IPAddress) -> None:
    link = _index(receiver)
    if group.version == 4:
        member = group.packed + bytes(4) + link.to_bytes(4, sys.byteorder)  # struct ip_mreqn
        ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    else:
        member = group.packed + link.to_bytes(4, sys.byteorder)  # struct ipv6_mreq
        ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)


def _send_groups_through(mouth: socket.socket, sender: Namespace) -> None:
    link = _index(sender).to_bytes(4, sys.byteorder)
    if mouth.family == socket.AF_INET:
        mouth.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, bytes(8) + link)
    else:
        mouth.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, link)


def _index(namespace: Namespace) -> int:
    return int(namespace.ip_json("link", "show", "eth0")[0]["ifindex"])
