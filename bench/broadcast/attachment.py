"""The three ways to attach the containers of a lab, on the same hosts, cables and switch.

Real CNI plugins attach them, each host's by a list of its own. What differs between the flat
bridge and host-gw is two things only: the length of the prefix, and whether the uplink is a port of
the containers' bridge.

    host-gw        bridge cni0 with the /24 that a real hostgwd has leased: as the lab makes it
    flat bridge    bridge cni0 with 10.244.N.1/16, and eth0, the uplink, is one of its ports
    flat macvlan   each container is a macvlan child, mode bridge, of eth0, of 10.244.0.0/16

In the flat ones host N gives its containers addresses between 10.244.N.2 and 10.244.N.254.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from bench.broadcast.law import Arrangement

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.conflist import VERSION, Conflist
from hostgw_cli.lab.container import Container
from hostgw_cli.lab.host import Host
from hostgw_cli.lab.interrupt import held
from hostgw_cli.lab.netns import Namespace
from hostgw_cli.lab.topology import LabSpec
from hostgw_cli.lab.waiting import wait_for

BRIDGE: Final = "cni0"
UPLINK: Final = "eth0"
FORWARDING: Final = "forwarding"
PROTOCOL: Final = "104"  # of hostgwd's routes
_WITHIN: Final = 30.0  # seconds


class Attachment:
    """The containers of a lab, attached in one way; `make` makes it, and takes apart another."""

    def __init__(self, lab: Lab, arrangement: Arrangement) -> None:
        self.lab = lab
        self.arrangement = arrangement

    @classmethod
    def make(cls, lab: Lab, arrangement: Arrangement) -> Attachment:
        """Attach all containers. Host-gw is what the lab begins with, and cannot be had again.

        Raise LabError, CommandError.
        """
        made = cls(lab, arrangement)
        for host in lab.hosts if arrangement is not Arrangement.HOST_GW else ():
            _take_apart(host)
            host.attach_containers(made._conflist(host))
            if arrangement is Arrangement.FLAT_BRIDGE:
                with host.namespace.links() as links:
                    links.put_in(BRIDGE, UPLINK)
        for host in lab.hosts:
            made._wait(host)
        return made

    def attach(self, host: Host, container: Container) -> None:
        """Give a container its link, in place of a former one, and wait until it carries frames."""
        self.plug(host, container)
        self._wait(host)

    def plug(self, host: Host, container: Container) -> None:
        """Give a container its link, in place of a former one, and do not wait."""
        with held():
            host.plugins.detach(container.namespace)
            host.plugins.attach(container.namespace, self._conflist(host))

    def _conflist(self, host: Host) -> Conflist:
        """Give what the plugins of a host are told."""
        if self.arrangement is Arrangement.HOST_GW:
            return host.conflist()
        number = self.lab.hosts.index(host) + 1
        network = self.lab.spec.network
        first = network.network_address + (number << 8)
        ipam = {
            "type": "host-local",
            "ranges": [
                [
                    {
                        "subnet": str(network),
                        "rangeStart": str(first + 2),
                        "rangeEnd": str(first + 254),
                        "gateway": str(first + 1),
                    }
                ]
            ],
        }
        plugin: dict[str, Any] = {"type": "macvlan", "master": UPLINK, "mode": "bridge"}
        if self.arrangement is Arrangement.FLAT_BRIDGE:
            # hairpinMode as in hostgwd's list
            plugin = {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "hairpinMode": True}
        return Conflist("flat", VERSION, ({**plugin, "ipam": ipam},))

    def _wait(self, host: Host) -> None:
        """Wait until the link of each container of a host carries frames, and the uplink too."""

        def bridged() -> bool:
            wanted = len(host.containers) + (self.arrangement is Arrangement.FLAT_BRIDGE)
            return list(ports(host.namespace, BRIDGE).values()) == [FORWARDING] * wanted

        def carried() -> bool:
            links = (each.ip_json("link", "show", "eth0")[0] for each in host.containers)
            return all(each["operstate"] == "UP" for each in links)

        look = carried if self.arrangement is Arrangement.FLAT_MACVLAN else bridged
        wait_for(look, what=f"the links of {host.name}", within=_WITHIN)


def ports(inside: Namespace, bridge: str) -> dict[str, str]:
    """Give the ports of a bridge, each with its state as a spanning tree names it."""
    return {
        each["ifname"]: each["linkinfo"]["info_slave_data"]["state"]
        for each in inside.ip_json("-details", "link", "show", "master", bridge)
    }


def every(name: str, sizes: Iterable[tuple[int, int]]) -> Iterator[Attachment]:
    """Make a lab of each size (hosts, containers of each), and attach it in each of the ways.

    Each is gone when the next is asked for. Raise LabError, CommandError.
    """
    for hosts, containers in sizes:
        with Lab.up(LabSpec(nodes=hosts, containers=containers, name=name)) as lab:
            for arrangement in (
                Arrangement.HOST_GW,  # first: it is how the lab is made
                Arrangement.FLAT_BRIDGE,
                Arrangement.FLAT_MACVLAN,
            ):
                yield Attachment.make(lab, arrangement)


def _take_apart(host: Host) -> None:
    """Remove what another arrangement left: links, bridge, the daemon and the routes it leaves."""
    if host.running:
        host.stop_daemon()
        host.ip("route", "flush", "proto", PROTOCOL)
    with held():
        host.plugins.detach_all(each.namespace for each in host.containers)
        with host.namespace.links() as links:
            links.delete(BRIDGE)
