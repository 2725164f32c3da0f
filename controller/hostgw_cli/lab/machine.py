"""A machine on the switch: the namespace and the cable of a host or of an etcd member."""

from __future__ import annotations

from hostgw_cli.lab import processes
from hostgw_cli.lab.netns import Namespace, veth
from hostgw_cli.lab.topology import MachinePlan, Topology

SWITCH_BRIDGE = "br0"

# The sysctls of a new namespace follow those of the machine: say what a host needs.
_SYSCTLS = (
    "net.ipv4.ip_forward=1",
    "net.ipv4.conf.all.rp_filter=0",
    "net.ipv4.conf.default.rp_filter=0",
)
# Duplicate address detection would keep each address tentative for a second, and nobody here is a
# router that advertises.
_QUIET6 = tuple(
    f"net.ipv6.conf.{which}.{name}=0"
    for which in ("all", "default")
    for name in ("accept_dad", "accept_ra", "use_tempaddr")
)
_SYSCTLS6 = ("net.ipv6.conf.all.forwarding=1", *_QUIET6)


def quiet_ipv6(inside: Namespace) -> None:
    """Let IPv6 addresses be usable at once in a namespace, and none be added by itself."""
    inside.run("sysctl", "-q", "-w", *_QUIET6)


def build_machine(plan: MachinePlan, topology: Topology) -> None:
    """Make the namespace with its cable, address and default route; and those of its containers.

    The containers have no cable yet. Raise LabError, CommandError.
    """
    families = topology.spec.families
    machine = Namespace.create(plan.namespace)
    machine.run("sysctl", "-q", "-w", *_SYSCTLS, *(_SYSCTLS6 if 6 in families else ()))
    switch = Namespace(topology.switch)
    veth(machine, "eth0", switch, plan.name, mac_one=plan.mac)
    with switch.links() as links:
        links.put_in(SWITCH_BRIDGE, plan.name)
    with machine.links() as links:
        for address in plan.addresses:
            links.add_address("eth0", str(address))
        for gateway in topology.gateways:
            links.add_default_route("eth0", str(gateway.ip))
    for container in plan.containers:
        inside = Namespace.create(container.namespace)
        if 6 in families:
            quiet_ipv6(inside)


def remove_machine(plan: MachinePlan, topology: Topology) -> None:
    """Remove it as a power cut does: every process inside, the namespaces, the cable."""
    inside = [Namespace(each) for each in (plan.namespace, *(c.namespace for c in plan.containers))]
    processes.end_all_inside(inside)
    # The kernel removes the links of a namespace some time after it: the port's name is free now.
    with Namespace(topology.switch).links() as links:
        links.delete(plan.name)
    for namespace in inside:
        namespace.delete()
