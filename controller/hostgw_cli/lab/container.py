"""A container: a namespace with one link to its host, and an address of the host's subnet.

CNI plugins attach it (`plugins.py`); here is what can be asked of it afterwards.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from hostgw_cli.lab.echo import Echo, SteadyPing, ping
from hostgw_cli.lab.netns import Namespace
from hostgw_cli.lab.topology import ContainerPlan, LabError


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
    def address(self) -> IPv4Address:
        """The address it has now, as the kernel says. Raise LabError before it is attached."""
        for link in self.ip_json("-4", "address", "show", "scope", "global"):
            for each in link["addr_info"]:
                return IPv4Address(each["local"])
        raise LabError(f"{self.name} is not attached: its host has no subnet yet")

    def ping(self, other: Container | IPv4Address, *, count: int = 1, within: float = 1.0) -> Echo:
        """Send echo requests and give what came back; no answer is a value, not an error."""
        return ping(self.namespace, _address(other), count=count, within=within)

    def ping_steadily(
        self, other: Container | IPv4Address, *, interval: float = 0.02
    ) -> SteadyPing:
        """Give a ping that goes on, every `interval` seconds, while its `with` block lasts."""
        return SteadyPing(self.namespace, _address(other), interval=interval)


def _address(of: Container | IPv4Address) -> IPv4Address:
    return of if isinstance(of, IPv4Address) else of.address
