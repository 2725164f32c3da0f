"""Who must hear a broadcast: the law of each arrangement, by hosts and containers a host. Pure.

A *stack* is what has an IP stack of its own: a host or a container. An *interface* is any link of a
host or of a container on which the frame arrives, ports of a host's bridge among them. The
container that sends is in neither, though a bridge in hairpin mode sends it its own frame back; nor
is the switch between the hosts, which is no host.

    flat bridge    every stack but the sender. On each other host the frame arrives on the uplink,
                   the bridge and every container's link; on the sender's own host on the
                   sender's port, the bridge and the links of the other containers.
    flat macvlan   the same but for the sender's own host: the kernel lets no macvlan child talk to
                   its parent. No bridge, no ports: one interface a stack.
    host-gw        the sender's own host, and the containers on it. Nobody else, however many hosts
                   there are: the host routes, and a router passes no broadcast on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Arrangement(StrEnum):
    """How containers are attached to the hosts' network."""

    FLAT_BRIDGE = "flat bridge"
    FLAT_MACVLAN = "flat macvlan"
    HOST_GW = "host-gw"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who received a broadcast: how many stacks, on how many interfaces, and in how many frames.

    One frame on each interface, unless the network has a loop.
    """

    stacks: int
    interfaces: int
    frames: int


def audience(arrangement: Arrangement, hosts: int, containers: int) -> Audience:
    """Give who must hear one broadcast of a container; `containers` are those of each host."""
    match arrangement:
        case Arrangement.FLAT_BRIDGE:
            stacks, interfaces = hosts * (containers + 1) - 1, hosts * (containers + 2) - 1
        case Arrangement.FLAT_MACVLAN:
            stacks = interfaces = hosts * (containers + 1) - 2
        case Arrangement.HOST_GW:
            stacks, interfaces = containers, containers + 1
    return Audience(stacks, interfaces, interfaces)
