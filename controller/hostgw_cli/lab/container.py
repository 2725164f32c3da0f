"""A container: a namespace with one link to its host, and addresses of the host's subnets.

CNI plugins attach it (`plugins.py`); here is what can be asked of it afterwards.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from hostgw_cli.lab.echo import Echo, SteadyPing, ping
from hostgw_cli.lab.netns import Namespace
from hostgw_cli.lab.topology import ContainerPlan, LabError
from hostgw_core.model import Family, IPAddress


class Container:
    """A container that stands; it has an address once it is attached."""

    def __init__(self, plan: ContainerPlan) -> None:
        self.plan = plan
        self.name = plan.name
        self.namespace = Namespace(plan.namespace)
        self.run = self.namespace.run
        self.ip = self.namespace.ip
        self.ip_json = self.namespace.ip_json

    @property
    def addresses(self) -> dict[Family, IPAddress]:
        """The address it has now in each family, as the kernel says; none before it is attached."""
        there = [
            ip_address(each["local"])
            for link in self.ip_json("address", "show", "scope", "global")
            for each in link["addr_info"]
            if each  # iproute2 prints an empty object for one that its filter left out
        ]
        found: dict[Family, IPAddress] = {}
        for each in sorted(there, key=lambda each: each.version):
            found.setdefault(each.version, each)
        return found

    @property
    def address(self) -> IPAddress:
        """The first address it has now: IPv4's, where it has one. Raise LabError."""
        for each in self.addresses.values():
            return each
        raise LabError(f"{self.name} is not attached: its host has no subnet yet")

    def address_in(self, family: Family) -> IPAddress:
        """Give its address in a family. Raise LabError where it has none."""
        if (address := self.addresses.get(family)) is None:
            raise LabError(f"{self.name} has no IPv{family} address: its host has no such subnet")
        return address

    def ping(self, other: Container | IPAddress, *, count: int = 1, within: float = 1.0) -> Echo:
        """Send echo requests and give what came back; no answer is a value, not an error."""
        return ping(self.namespace, _address(other), count=count, within=within)

    def ping_steadily(self, other: Container | IPAddress, *, interval: float = 0.02) -> SteadyPing:
        """Give a ping that goes on, every `interval` seconds, while its `with` block lasts."""
        return SteadyPing(self.namespace, _address(other), interval=interval)


def _address(of: Container | IPAddress) -> IPAddress:
    return of if isinstance(of, (IPv4Address, IPv6Address)) else of.address
