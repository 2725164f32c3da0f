"""A flat network with two switches and two cables between them: a loop, once both are plugged in.

    n1, n2 ... --- switch ===== switch2 --- the other half of the hosts
                          trunk1
                          trunk2

trunk2 is laid and up, but no port of the first switch until `close` puts it there. IPv6 is off
everywhere: nothing but what the experiment sends is to go round.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.broadcast.attachment import BRIDGE, UPLINK, Attachment, ports
from bench.broadcast.law import Arrangement

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.host import Host
from hostgw_cli.lab.interrupt import held
from hostgw_cli.lab.machine import SWITCH_BRIDGE
from hostgw_cli.lab.netns import Namespace, bridge, veth
from hostgw_cli.lab.topology import LabSpec

TRUNKS: Final = ("trunk1", "trunk2")


class Twin:
    """Such a network, its loop still open."""

    def __init__(self, attachment: Attachment, second: Namespace) -> None:
        self.attachment = attachment
        self.lab = attachment.lab
        self.switches = (self.lab.switch, second)

    @classmethod
    @contextmanager
    def up(cls, name: str, hosts: int, containers: int) -> Iterator[Twin]:
        """Make it for as long as the block lasts. Raise LabError, CommandError."""
        spec = LabSpec(nodes=hosts, containers=containers, name=name, daemons=False)
        with Lab.up(spec) as lab:
            with held():
                second = Namespace.create(f"{spec.prefix}switch2")
                bridge(second, SWITCH_BRIDGE)
            for each in _namespaces(lab, second):
                each.run(
                    *["sysctl", "-q", "-w", "net.ipv6.conf.all.disable_ipv6=1"],
                    "net.ipv6.conf.default.disable_ipv6=1",
                )
            for host in lab.hosts[(hosts + 1) // 2 :]:
                _move(host, lab.switch, second)
            for trunk in TRUNKS:
                veth(lab.switch, trunk, second, trunk)
                with second.links() as links:
                    links.put_in(SWITCH_BRIDGE, trunk)
            with lab.switch.links() as links:
                links.put_in(SWITCH_BRIDGE, TRUNKS[0])
            yield cls(Attachment.make(lab, Arrangement.FLAT_BRIDGE), second)

    def close(self) -> None:
        """Close the loop: from now on a broadcast goes round, unless something stops it."""
        with self.lab.switch.links() as links:
            links.put_in(SWITCH_BRIDGE, TRUNKS[1])
            links.up(TRUNKS[1])

    def bridges(self) -> list[tuple[Namespace, str]]:
        """Give every bridge: those of the switches, the first one first, then the hosts'."""
        return [
            *((switch, SWITCH_BRIDGE) for switch in self.switches),
            *((host.namespace, BRIDGE) for host in self.lab.hosts),
        ]

    def trunks(self) -> dict[str, list[str]]:
        """Give the states of both ends of each trunk, as a spanning tree names them."""
        ends = [ports(switch, SWITCH_BRIDGE) for switch in self.switches]
        return {each: [states.get(each, "") for states in ends] for each in TRUNKS}


def _namespaces(lab: Lab, second: Namespace) -> Iterator[Namespace]:
    yield from (lab.switch, second)
    for host in lab.hosts:
        yield from (host.namespace, *(each.namespace for each in host.containers))


def _move(host: Host, first: Namespace, second: Namespace) -> None:
    """Hang a host on the other switch."""
    with first.links() as links:
        links.delete(host.name)
    veth(host.namespace, UPLINK, second, host.name, mac_one=host.plan.mac)
    with second.links() as links:
        links.put_in(SWITCH_BRIDGE, host.name)
