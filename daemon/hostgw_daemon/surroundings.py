"""What this daemon keeps on its host beside the routes.

These are the rules of the packet filter, the child of the uplink that containers may be attached
to, and what is forgotten of connections. A host has one of each, whatever the number of
networks; what each network wants of them is put together here. Beside them stands
who only looks: for rules of others that drop pods' packets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hostgw_core.model import IPNetwork
from hostgw_daemon.cni.doorway import Doorway
from hostgw_daemon.duties import Duties, child_for, rules_for
from hostgw_daemon.halt import Halt
from hostgw_daemon.kernel import KernelEvent
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.opening import rules_audit
from hostgw_daemon.outside import Outside
from hostgw_daemon.rules.flows import Flows, FlowsState
from hostgw_daemon.rules.iptables import Iptables
from hostgw_daemon.rules.masquerade import Masquerade, MasqueradeState
from hostgw_daemon.rules.obstacles import Obstacles
from hostgw_daemon.rules.ruleset import NOTHING
from hostgw_daemon.settings import Settings


class Surroundings:
    """Keeps them. `changed`: the rules stand otherwise; `forgot` hears of connections.

    `trouble` takes the code of a condition and its sentence, "" when it is over.
    """

    def __init__(
        self,
        out: Outside,
        settings: Settings,
        *,
        changed: Callable[[], None],
        forgot: Callable[[FlowsState], None],
        trouble: Callable[[str, str], None],
        halt: Halt,
    ) -> None:
        self._settings = settings
        iptables = Iptables()
        self._masquerade = Masquerade(
            out.firewall,
            lambda _state: changed(),
            forwarding=iptables,
            audit=rules_audit(settings),
            halt=halt,
        )
        self._obstacles = Obstacles(
            out.firewall, iptables, lambda why: trouble("forward_dropped", why)
        )
        self._flows = Flows(
            out.conntrack, forgot, settled=lambda: self._masquerade.settled, halt=halt
        )
        self._doorway = Doorway(
            out.children, told=lambda why: trouble("cni_child_failing", why), halt=halt
        )

    @property
    def loops(self) -> Mapping[str, Callable[[], Any]]:
        """Give the tasks, by name."""
        return {
            "masquerade": self._masquerade.run,
            "flows": self._flows.run,
            "obstacles": self._obstacles.run,
            "doorway": self._doorway.run,
        }

    @property
    def rules(self) -> MasqueradeState:
        """How our rules stand."""
        return self._masquerade.state

    @property
    def dropped(self) -> Iterable[IPNetwork]:
        """The networks between whose pods another firewall of this host lets nothing through."""
        return self._obstacles.dropped

    @property
    def rules_pending(self) -> bool:
        """Whether the rules are known to be otherwise than they must be."""
        return not self._masquerade.settled

    def hear(self, events: Iterable[KernelEvent]) -> None:
        """Take what the kernel said about links."""
        self._doorway.hear(events)

    def moved(self, networks: Iterable[IPNetwork]) -> None:
        """Say which subnets are another node's now."""
        if self._settings.flush_conntrack:
            self._flows.moved(networks)

    @property
    def child_stands(self) -> bool:
        """Whether the child of the uplink is as it must be, or none must be."""
        return self._doorway.settled

    def want_nothing(self) -> None:
        """Let nothing of ours be there from now on: no network is served."""
        self._masquerade.want(NOTHING)
        self._obstacles.want(NOTHING, "")
        self._doorway.want(None)

    def want(self, duties: Iterable[Duties], uplink: Uplink | NoUplink) -> None:
        """Say what each network wants of this host from now on."""
        duties = [*duties]
        rules = rules_for(duties)
        self._masquerade.want(rules)
        self._obstacles.want(rules, uplink.link.name if isinstance(uplink, Uplink) else "")
        if any(each.containers is not None for each in duties):
            self._doorway.want(child_for(duties))
