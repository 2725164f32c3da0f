"""Hosts that probe each other: real namespaces, real sockets, one event loop.

Host n has 192.168.50.n on its link and a bridge `cni0` with 10.5.n.1/24 behind it, forwards, and
has a route to the bridge of every other; so it is as a daemon would have made it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from hostgw_cli.lab.netns import Namespace, bridge
from hostgw_core.model import Addresses, IPAddress
from hostgw_daemon.host.sysctls import Sysctls
from hostgw_daemon.kernel import Link
from hostgw_daemon.link.uplink import Uplink
from hostgw_daemon.netlink.host import HostReader
from hostgw_daemon.netlink.neighbour_watch import NeighbourWatch, News
from hostgw_daemon.netlink.neighbours import Neighbours
from hostgw_daemon.probe.datagram import Report
from hostgw_daemon.probe.echo import Echo
from hostgw_daemon.probe.port import Neighbour
from hostgw_daemon.probe.posture import Posture
from hostgw_daemon.probe.prober import Prober
from hostgw_daemon.probe.target import Ground, Key, Target
from hostgw_daemon.probing import OnLink
from support.loops import running
from support.netns_fixtures import Lan

PORT = 9746


def address(number: int) -> IPv4Address:
    """Give a host's address on the link."""
    return IPv4Address(f"192.168.50.{number}")


def pods(number: int) -> IPv4Network:
    """Give a host's subnet."""
    return IPv4Network(f"10.5.{number}.0/24")


def key(number: int) -> Key:
    """Give the key under which the others know a host."""
    return b"/subnets/%d" % number, 4


@dataclass(frozen=True)
class Prospect:
    """One host, and what it has found out of the others."""

    number: int
    netns: Namespace
    prober: Prober

    def says(self, other: int) -> str:
        """Give the cause that this host names for another."""
        diagnosis = self.prober.diagnoses.get(key(other))
        return str(diagnosis.cause) if diagnosis is not None else ""

    def sysctl(self, name: str, value: int) -> None:
        """Set one below `net`."""
        with self.netns.enter():
            (Path("/proc/sys/net") / name).write_text(str(value), encoding="ascii")


def build(lan: Lan) -> None:
    """Give every host its pods' gateway, and its routes."""
    count = len(lan.hosts)
    for number, host in enumerate(lan.hosts, start=1):
        with host.enter():
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")
        bridge(host, "cni0", address=f"10.5.{number}.1/24")
        for other in range(1, count + 1):
            if other != number:
                host.ip("route", "add", str(pods(other)), "via", str(address(other)))


@asynccontextmanager
async def probing(
    lan: Lan, *, silent: frozenset[int] = frozenset()
) -> AsyncIterator[list[Prospect]]:
    """Let all hosts but the `silent` ones probe each other."""
    numbers = range(1, len(lan.hosts) + 1)
    with ExitStack() as open_things:
        found = [
            _prospect(n, lan.hosts[n - 1], numbers, open_things) for n in numbers if n not in silent
        ]
        async with running(*(each.prober.run for each in found)):
            yield found


def _prospect(number: int, netns: Namespace, numbers: range, open_things: ExitStack) -> Prospect:
    with netns.enter():
        echo = open_things.enter_context(Echo.open(PORT))
        watch = open_things.enter_context(NeighbourWatch.open())
        neighbours = open_things.enter_context(Neighbours.open())
        reader = open_things.enter_context(HostReader.open())
        links = {link.name: link for link in reader.look().links}
    ours = Addresses(address(number))
    uplink = Uplink(links["eth0"], ours, (), "it is")
    posture = Posture(reader, uplink=lambda: uplink, sysctl=Sysctls().read, clock=time.monotonic)
    prober = Prober(
        echo,
        node_id=f"node-{number}",
        posture=_inside(netns, posture),
        leads=lambda _target: True,
        link=OnLink(neighbours, lambda: uplink),
        told=lambda: None,
        clock=time.monotonic,
        rate=8.0,
    )
    prober.stand_on(Ground(ours, links["eth0"].mtu))
    prober.aim(
        {
            key(n): Target(f"node-{n}", address(n), pods(n)[1], pods(number)[1], pods(n)[-2])
            for n in numbers
            if n != number
        }
    )
    watch.start(lambda told: prober.neighbours(_on(links["eth0"], told)))
    return Prospect(number, netns, prober)


def _on(link: Link, told: News) -> list[Neighbour]:
    return [Neighbour(*each[1:]) for each in told if each[0] == link.index]


def _inside(netns: Namespace, posture: Posture) -> Callable[[Target | None, IPAddress], Report]:
    """Read /proc/sys as a process in that namespace does."""

    def look(asker: Target | None, about: IPAddress) -> Report:
        with netns.enter():
            return posture(asker, about)

    return look
