"""What a lab is made of: names, addresses and cables, decided before anything is made.

Pure: the same specification always gives the same topology.

    n1 ---+                      every host: eth0 (underlay address, default route to the switch),
    n2 ---+--- switch (br0)      forwarding on, a bridge cni0 once it has a subnet,
    n3 ---+                      containers n1/c1, n1/c2 ... behind that bridge
    etcd1-+

The underlay is 198.18.0.0/16 and, for IPv6, 2001:2::/64: both set aside for the tests of networks
(RFC 2544, RFC 5180, RFC 6890), so that no host on the Internet has them. The root namespace gets no
link, no address and no route, so that the lab could even overlap the machine's own network without
harm. MAC addresses are made of the IP addresses (02 for "locally administered", RFC 7042), so that
a capture can be read.

A lab of both families has two addresses a machine; its store is reached by the first of them, IPv4.
A lab with IPv6 alone has no IPv4 address but the loopback's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import (
    IPv4Interface,
    IPv4Network,
    IPv6Interface,
    IPv6Network,
    ip_interface,
)
from typing import Any

from hostgw_core.model import Family, IPAddress, IPNetwork

NAME = re.compile(r"[a-z0-9_]{1,24}")
MOST_NODES = 1000  # a bridge takes 1024 ports (BR_MAX_PORTS of the kernel)
MOST_CONTAINERS = 200
CLIENT_PORT = 2379
PEER_PORT = 2380
ATTACHMENTS = ("bridge", "ptp", "macvlan", "ipvlan")
"""How containers may be attached: the CNI plugins of which hostgwd knows what they need."""

UNDERLAY = IPv4Network("198.18.0.0/16")
UNDERLAY6 = IPv6Network("2001:2::/64")
NETWORK = IPv4Network("10.244.0.0/16")
NETWORK6 = IPv6Network("fd00:10:244::/48")

Interface = IPv4Interface | IPv6Interface
"""An address with the length of the network it is in."""


class LabError(Exception):
    """The lab cannot be made, or is not as it was made. The message is a sentence with the cure."""


@dataclass(frozen=True, slots=True)
class LabSpec:
    """What somebody asks for. `containers` are per host; `daemon_args` go to every hostgwd.

    `attachment` is what hostgwd is told: a host without one has its containers behind a bridge.

    `families` are in the order in which a machine is known by them: (4,), (6,) or (4, 6).

    The lab's name holds no hyphen: it separates the parts of a namespace's name, and so the
    namespaces of the lab `a` are exactly those whose names begin with `hgw-a-`.
    """

    nodes: int = 3
    etcd: int = 1
    name: str = "default"
    network: IPv4Network = NETWORK
    subnet_len: int = 24
    families: tuple[Family, ...] = (4,)
    network6: IPv6Network = NETWORK6
    subnet_len6: int = 64
    containers: int = 1
    attachment: str = "bridge"
    daemons: bool = True
    daemon_args: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """What the names of all its namespaces begin with."""
        return f"hgw-{self.name}-"

    @property
    def networks(self) -> tuple[tuple[IPNetwork, IPNetwork, int], ...]:
        """For each family: the network of all containers, the hosts' own, a subnet's length."""
        known: dict[Family, tuple[IPNetwork, IPNetwork, int]] = {
            4: (self.network, UNDERLAY, self.subnet_len),
            6: (self.network6, UNDERLAY6, self.subnet_len6),
        }
        return tuple(known[family] for family in self.families)

    @property
    def config(self) -> dict[str, Any]:
        """The cluster's network configuration: flannel's JSON."""
        config: dict[str, Any] = {}
        if 4 in self.families:
            config |= {"Network": str(self.network), "SubnetLen": self.subnet_len}
        else:
            config |= {"EnableIPv4": False}
        if 6 in self.families:
            config |= {
                "EnableIPv6": True,
                "IPv6Network": str(self.network6),
                "IPv6SubnetLen": self.subnet_len6,
            }
        return config | {"Backend": {"Type": "host-gw"}}

    def faults(self) -> list[str]:
        """Say everything that is wrong with it, each with what would be right."""
        checks = {
            f"name {self.name!r}: 1 to 24 of a-z, 0-9 and _": bool(NAME.fullmatch(self.name)),
            f"nodes {self.nodes}: 1 to {MOST_NODES}": 1 <= self.nodes <= MOST_NODES,
            f"etcd {self.etcd}: 1, 3 or 5 members": self.etcd in (1, 3, 5),
            f"families {self.families}: 4, 6 or both": self.families in ((4,), (6,), (4, 6)),
            f"attachment {self.attachment!r}: one of {', '.join(ATTACHMENTS)}": (
                self.attachment in ATTACHMENTS
            ),
        }
        for network, underlay, length in self.networks:
            room = 2 ** (network.max_prefixlen - length) - 3  # network, gateway, broadcast address
            subnets = 2 ** max(0, length - network.prefixlen)
            checks |= {
                f"network {network} overlaps the hosts' own {underlay}: choose another": (
                    not network.overlaps(underlay)
                ),
                f"network {network}: too small for {self.nodes} subnets of /{length}": (
                    subnets >= self.nodes
                ),
                f"containers {self.containers}: 0 to {MOST_CONTAINERS}, and a /{length} has "
                f"room for {room}": 0 <= self.containers <= min(MOST_CONTAINERS, max(0, room)),
            }
        return [sentence for sentence, holds in checks.items() if not holds]


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """A container: its short name (`n1/c1`) and its namespace."""

    name: str
    namespace: str


@dataclass(frozen=True, slots=True)
class MachinePlan:
    """A host or an etcd member: one namespace with one cable to the switch."""

    name: str
    namespace: str
    addresses: tuple[Interface, ...]
    containers: tuple[ContainerPlan, ...] = ()

    @property
    def address(self) -> Interface:
        """The first of its addresses: IPv4's, where there is one."""
        return self.addresses[0]

    @property
    def mac(self) -> str:
        """The MAC address of its eth0."""
        return mac(self.address.ip)

    def url(self, port: int) -> str:
        """Where a client finds a program of it."""
        ip = self.address.ip
        return f"http://[{ip}]:{port}" if ip.version == 6 else f"http://{ip}:{port}"


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything a lab consists of."""

    spec: LabSpec
    switch: str
    gateways: tuple[Interface, ...]
    hosts: tuple[MachinePlan, ...]
    etcd: tuple[MachinePlan, ...]

    @property
    def gateway(self) -> Interface:
        """The first address of the switch: IPv4's, where there is one."""
        return self.gateways[0]

    @property
    def machines(self) -> tuple[MachinePlan, ...]:
        """All that hang on the switch."""
        return self.etcd + self.hosts

    @property
    def endpoints(self) -> str:
        """What a client of the store is given: a URL a member, with commas."""
        return ",".join(member.url(CLIENT_PORT) for member in self.etcd)

    @property
    def namespaces(self) -> dict[str, str]:
        """Every namespace by the name that a person calls it: n1, n1/c1, switch, etcd1."""
        names = {"switch": self.switch}
        for machine in self.machines:
            names[machine.name] = machine.namespace
            names.update({each.name: each.namespace for each in machine.containers})
        return names


def mac(address: IPAddress) -> str:
    """Give the MAC address that belongs to an IP address here.

    Of an IPv6 address it has the last number of the network and the last of the host.
    """
    number = address.packed
    tail = number if address.version == 4 else number[6:8] + number[14:]
    return ":".join(f"{byte:02x}" for byte in (0x02, 0x00 if address.version == 4 else 0x06, *tail))


def plan(spec: LabSpec) -> Topology:
    """Give the lab that a specification asks for. Raise LabError with every fault in it."""
    if faults := spec.faults():
        raise LabError("this lab cannot be: " + "; ".join(faults))
    return Topology(
        spec=spec,
        switch=f"{spec.prefix}switch",
        gateways=_underlay(spec, -2),
        hosts=tuple(_host(spec, number) for number in range(1, spec.nodes + 1)),
        etcd=tuple(
            MachinePlan(
                f"etcd{number}", f"{spec.prefix}etcd{number}", _underlay(spec, 0xFF00 + number)
            )
            for number in range(1, spec.etcd + 1)
        ),
    )


def _host(spec: LabSpec, number: int) -> MachinePlan:
    name = f"n{number}"
    containers = (
        ContainerPlan(f"{name}/c{each}", f"{spec.prefix}{name}-c{each}")
        for each in range(1, spec.containers + 1)
    )
    return MachinePlan(name, f"{spec.prefix}{name}", _underlay(spec, number), tuple(containers))


def _underlay(spec: LabSpec, number: int) -> tuple[Interface, ...]:
    """Give the addresses of a number, counted from the end of a /16 where it is negative."""
    return tuple(
        ip_interface((underlay[number % 0x10000], underlay.prefixlen))
        for _network, underlay, _length in spec.networks
    )
