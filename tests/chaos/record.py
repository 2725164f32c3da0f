"""What the witnesses saw: values, with the moments in seconds of CLOCK_MONOTONIC.

One clock for all of them: packets, routes, the store's history and what the driver did can be laid
side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from chaos.fault import Fault, Injection


@dataclass(frozen=True, slots=True)
class Loss:
    """A packet from a container of one host to one of another that was never answered."""

    source: int
    target: int
    sent: float


@dataclass(frozen=True, slots=True)
class RouteChange:
    """A host's kernel said that a route came or (`gone`) went."""

    host: int
    when: float
    gone: bool
    protocol: int
    table: int
    destination: str
    gateway: str
    metric: int


@dataclass(frozen=True, slots=True)
class LeaseEvent:
    """A key of a lease was written or (`gone`) ended at a revision of the store.

    `node` is the node id in its value, empty in a record that no hostgwd wrote; `gateway` its
    PublicIP. `history` counts the beginnings of the store's history: a wiped or restored store
    counts from anew.
    """

    history: int
    revision: int
    when: float
    gone: bool
    key: str
    node: str = ""
    gateway: str = ""
    created: bool = False


@dataclass(slots=True)
class Deed:
    """A fault that was done: when it was injected, when healed, and when its hosts were well again.

    Moments are infinite until they have come. `hosts` are those that it touches.
    """

    fault: Fault
    injection: Injection
    hosts: frozenset[int]
    injected: float
    settled: float = float("inf")  # its injection is done
    healing: float = float("inf")
    healed: float = float("inf")
    back: float = float("inf")


@dataclass(frozen=True, slots=True)
class Window:
    """For a while, packets of a host may be lost, or its routes may go; and why."""

    host: int
    since: float
    until: float
    why: str

    def covers(self, hosts: frozenset[int], when: float) -> bool:
        """Tell whether it excuses what happened to these hosts at that moment."""
        return self.host in hosts and self.since <= when <= self.until


@dataclass(frozen=True, slots=True)
class Start:
    """A daemon's process was started, and was ready for the first time."""

    host: int
    started: float
    ready: float


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that did not hold."""

    invariant: str
    detail: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.detail}"


@dataclass(slots=True)
class Evidence:
    """Everything that was seen from the beginning of an episode to its end.

    `subnets` are those that the hosts hold, by the number of the host; `planted` the foreign routes
    (destination, table, protocol) that are on each; `canary` a lease whose gateways only grow.
    """

    deeds: Sequence[Deed]
    subnets: Sequence[IPv4Network]
    planted: frozenset[tuple[str, int, int]]
    canary: str = ""
    sent: int = 0
    losses: Sequence[Loss] = ()
    changes: Sequence[RouteChange] = ()
    leases: Sequence[LeaseEvent] = ()
    starts: Sequence[Start] = ()
    violations: list[Violation] = field(default_factory=list)
