"""Every container pings every other: the plainest proof that the routes are there."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import permutations

from hostgw_cli.lab.container import Container
from hostgw_cli.lab.echo import Echo, ping
from hostgw_cli.lab.topology import LabError
from hostgw_core.model import Family, IPAddress

AT_ONCE = 8  # pings that run side by side


@dataclass(frozen=True, slots=True)
class Pair:
    """From one container to another, and what came back."""

    source: str
    source_address: IPAddress
    target: str
    target_address: IPAddress
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
    """Ping every container from every other in each family that it has an address of.

    `count` requests each; an unanswered one is a value. Raise LabError when the other has no
    address of that family, or a container none at all.
    """
    known = {each.name: each.addresses for each in containers}
    for each in containers:
        if not known[each.name]:
            raise LabError(f"{each.name} is not attached: its host has no subnet yet")

    def one(way: tuple[Container, Container, Family]) -> Pair:
        source, target, family = way
        address = known[target.name].get(family) or target.address_in(family)
        echo = ping(source.namespace, address, count=count, within=1.0)
        return Pair(source.name, known[source.name][family], target.name, address, echo)

    ways = [
        (source, target, family)
        for source, target in permutations(containers, 2)
        for family in known[source.name]
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, ways))
