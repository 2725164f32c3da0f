"""A container: a namespace with one cable into its host, and an address of the host's subnet."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

from hostgw_cli.lab.echo import Echo, SteadyPing, ping
from hostgw_cli.lab.netns import Namespace, veth
from hostgw_cli.lab.topology import ContainerPlan, LabError, mac


class Container:
    """A container that stands; it has an address once it is attached."""

    def __init__(self, plan: ContainerPlan) -> None:
        self.plan = plan
        self.name = plan.name
        self.namespace = Namespace(plan.namespace)
        self.run = self.namespace.run
        self.ip = self.namespace.ip
        self.ip_json = self.namespace.ip_json

    def attach(
        self, host: Namespace, bridge: str, *, gateway: IPv4Interface, mtu: int = 1500
    ) -> None:
        """Put a cable between the container and a host's bridge, in place of a former one."""
        with self.namespace.links() as links:
            links.delete("eth0")
        address = self.plan.address(gateway)
        veth(self.namespace, "eth0", host, self.plan.cable, mtu=mtu, mac_one=mac(address.ip))
        with host.links() as links:
            links.put_in(bridge, self.plan.cable)
        with self.namespace.links() as links:
            links.add_address("eth0", str(address))
            links.add_default_route("eth0", str(gateway.ip))

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
