"""A host that comes with the address of another: it must stay unready, and the other go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.host import Host
from hostgw_cli.lab.machine import SWITCH_BRIDGE, remove_machine
from hostgw_cli.lab.netns import Namespace, veth

NAME = "newcomer"


class Newcomer:
    """It has a name, a disk and a MAC address of its own; only the address is another's."""

    def __init__(self, lab: Lab, host: Host) -> None:
        self._lab = lab
        self._host = host

    @classmethod
    def admit(cls, lab: Lab, incumbent: Host, flags: Sequence[str]) -> Newcomer:
        """Connect it to the switch and start its daemon."""
        plan = replace(
            incumbent.plan, name=NAME, namespace=f"{lab.spec.prefix}{NAME}", containers=()
        )
        inside = Namespace.create(plan.namespace)
        veth(inside, "eth0", lab.switch, NAME)
        with lab.switch.links() as links:
            links.put_in(SWITCH_BRIDGE, NAME)
        with inside.links() as links:
            links.add_address("eth0", str(plan.address))
            links.add_default_route("eth0", str(lab.topology.gateway.ip))
        host = Host(plan, lab.topology, lab.ledger)
        host.start_daemon(*flags, wait=False)
        return cls(lab, host)

    def expel(self) -> bool:
        """Take it away; tell whether its daemon says that it is ready."""
        ready = self._host.ready
        remove_machine(self._host.plan, self._lab.topology)
        return ready
