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


def build_machine(plan: MachinePlan, topology: Topology) -> None:
    """Make the namespace with its cable, address and default route; and those of its containers.

    The containers have no cable yet. Raise LabError, CommandError.
    """
    machine = Namespace.create(plan.namespace)
    machine.run("sysctl", "-q", "-w", *_SYSCTLS)
    switch = Namespace(topology.switch)
    veth(machine, "eth0", switch, plan.name, mac_one=plan.mac)
    with switch.links() as links:
        links.put_in(SWITCH_BRIDGE, plan.name)
    with machine.links() as links:
        links.add_address("eth0", str(plan.address))
        links.add_default_route("eth0", str(topology.gateway.ip))
    for container in plan.containers:
        Namespace.create(container.namespace)


def remove_machine(plan: MachinePlan, topology: Topology) -> None:
    """Remove it as a power cut does: every process inside, the namespaces, the cable."""
    inside = [Namespace(each) for each in (plan.namespace, *(c.namespace for c in plan.containers))]
    processes.end_all_inside(inside)
    # The kernel removes the links of a namespace some time after it: the port's name is free now.
    with Namespace(topology.switch).links() as links:
        links.delete(plan.name)
    for namespace in inside:
        namespace.delete()
