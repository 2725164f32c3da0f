"""What a lab is made of: names, addresses and cables, decided before anything is made.

Pure: the same specification always gives the same topology.

    n1 ---+                      every host: eth0 (underlay address, default route to the switch),
    n2 ---+--- switch (br0)      forwarding on, a bridge cni0 once it has a subnet,
    n3 ---+                      containers n1/c1, n1/c2 ... behind that bridge
    etcd1-+

The underlay is 198.18.0.0/16, set aside for the tests of networks (RFC 2544, RFC 6890): no host on
the Internet has it. The root namespace gets no link, no address and no route, so that the lab could
even overlap the machine's own network without harm. MAC addresses are made of the IP addresses
(02 for "locally administered", RFC 7042), so that a capture can be read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

NAME = re.compile(r"[a-z0-9_]{1,24}")
MOST_NODES = 1000  # a bridge takes 1024 ports (BR_MAX_PORTS of the kernel)
MOST_CONTAINERS = 200
CLIENT_PORT = 2379
PEER_PORT = 2380

UNDERLAY = IPv4Network("198.18.0.0/16")
NETWORK = IPv4Network("10.244.0.0/16")


class LabError(Exception):
    """The lab cannot be made, or is not as it was made. The message is a sentence with the cure."""


@dataclass(frozen=True, slots=True)
class LabSpec:
    """What somebody asks for. `containers` are per host; `daemon_args` go to every hostgwd.

    The lab's name holds no hyphen: it separates the parts of a namespace's name, and so the
    namespaces of the lab `a` are exactly those whose names begin with `hgw-a-`.
    """

    nodes: int = 3
    etcd: int = 1
    name: str = "default"
    network: IPv4Network = NETWORK
    subnet_len: int = 24
    containers: int = 1
    daemons: bool = True
    daemon_args: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """What the names of all its namespaces begin with."""
        return f"hgw-{self.name}-"

    def faults(self) -> list[str]:
        """Say everything that is wrong with it, each with what would be right."""
        room = 2 ** (32 - self.subnet_len) - 3  # network, gateway and broadcast address
        subnets = 2 ** max(0, self.subnet_len - self.network.prefixlen)
        checks = {
            f"name {self.name!r}: 1 to 24 of a-z, 0-9 and _": bool(NAME.fullmatch(self.name)),
            f"nodes {self.nodes}: 1 to {MOST_NODES}": 1 <= self.nodes <= MOST_NODES,
            f"etcd {self.etcd}: 1, 3 or 5 members": self.etcd in (1, 3, 5),
            f"network {self.network} overlaps the hosts' own {UNDERLAY}: choose another": (
                not self.network.overlaps(UNDERLAY)
            ),
            f"network {self.network}: too small for {self.nodes} subnets of /{self.subnet_len}": (
                subnets >= self.nodes
            ),
            f"containers {self.containers}: 0 to {MOST_CONTAINERS}, and a /{self.subnet_len} has "
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
    address: IPv4Interface
    containers: tuple[ContainerPlan, ...] = ()

    @property
    def mac(self) -> str:
        """The MAC address of its eth0."""
        return mac(self.address.ip)


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything a lab consists of."""

    spec: LabSpec
    switch: str
    gateway: IPv4Interface
    hosts: tuple[MachinePlan, ...]
    etcd: tuple[MachinePlan, ...]

    @property
    def machines(self) -> tuple[MachinePlan, ...]:
        """All that hang on the switch."""
        return self.etcd + self.hosts

    @property
    def endpoints(self) -> str:
        """What a client of the store is given: a URL a member, with commas."""
        return ",".join(f"http://{member.address.ip}:{CLIENT_PORT}" for member in self.etcd)

    @property
    def namespaces(self) -> dict[str, str]:
        """Every namespace by the name that a person calls it: n1, n1/c1, switch, etcd1."""
        names = {"switch": self.switch}
        for machine in self.machines:
            names[machine.name] = machine.namespace
            names.update({each.name: each.namespace for each in machine.containers})
        return names


def mac(address: IPv4Address) -> str:
    """Give the MAC address that belongs to an IP address here."""
    return ":".join(f"{byte:02x}" for byte in b"\x02\x00" + address.packed)


def plan(spec: LabSpec) -> Topology:
    """Give the lab that a specification asks for. Raise LabError with every fault in it."""
    if faults := spec.faults():
        raise LabError("this lab cannot be: " + "; ".join(faults))
    return Topology(
        spec=spec,
        switch=f"{spec.prefix}switch",
        gateway=_underlay(-2),
        hosts=tuple(_host(spec, number) for number in range(1, spec.nodes + 1)),
        etcd=tuple(
            MachinePlan(f"etcd{number}", f"{spec.prefix}etcd{number}", _underlay(0xFF00 + number))
            for number in range(1, spec.etcd + 1)
        ),
    )


def _host(spec: LabSpec, number: int) -> MachinePlan:
    name = f"n{number}"
    containers = (
        ContainerPlan(f"{name}/c{each}", f"{spec.prefix}{name}-c{each}")
        for each in range(1, spec.containers + 1)
    )
    return MachinePlan(name, f"{spec.prefix}{name}", _underlay(number), tuple(containers))


def _underlay(number: int) -> IPv4Interface:
    return IPv4Interface((UNDERLAY[number], UNDERLAY.prefixlen))
