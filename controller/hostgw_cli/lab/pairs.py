"""Every container pings every other: the plainest proof that the routes are there."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import permutations

from hostgw_cli.lab.container import Container
from hostgw_cli.lab.echo import Echo, ping

AT_ONCE = 8  # pings that run side by side


@dataclass(frozen=True, slots=True)
class Pair:
    """From one container to another, and what came back."""

    source: str
    source_address: IPv4Address
    target: str
    target_address: IPv4Address
    echo: Echo

    @property
    def crosses(self) -> bool:
        """Whether the two are on different hosts."""
        return self.source.partition("/")[0] != self.target.partition("/")[0]

    def __str__(self) -> str:
        here = f"{self.source} ({self.source_address})"
        there = f"{self.target} ({self.target_address})"
        count = f"{self.echo.received} of {self.echo.sent} answered"
        return f"{here} -> {there}: {count}" + (f", {self.echo.rtt:g} ms" if self.echo else "")


def ping_all(containers: Sequence[Container], *, count: int = 3) -> list[Pair]:
    """Ping every container from every other, `count` requests each; an unanswered one is a value.

    Raise LabError when a container has no address.
    """
    addresses = {each.name: each.address for each in containers}

    def one(pair: tuple[Container, Container]) -> Pair:
        source, target = pair
        address = addresses[target.name]
        echo = ping(source.namespace, address, count=count, within=1.0)
        return Pair(source.name, addresses[source.name], target.name, address, echo)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, permutations(containers, 2)))
