"""What must be on this host, said to those who keep it: from the leases, the networks and the link.

A host that was drained, all of whose networks were left on purpose, is to have nothing of ours. The
rules and files of one network go when that is left, whatever others are still waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hostgw_daemon.duties import Duties
from hostgw_daemon.halt import Halt
from hostgw_daemon.hosting import Hosting
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.membership import Membership
from hostgw_daemon.memberships import left
from hostgw_daemon.planning import planned
from hostgw_daemon.probing import Probing
from hostgw_daemon.routes.reconciler import Reconciler
from hostgw_daemon.rules.flows import own_moved
from hostgw_daemon.surroundings import Surroundings
from hostgw_daemon.told.foreseen import PlanStatus


class Household:
    """`uplink` gives the link to the others; `route_mtu` is the setting, in bytes.

    `trouble` takes a network, the code of a condition and its sentence, "" when it is over.
    """

    def __init__(
        self,
        members: Mapping[str, Membership],
        *,
        reconciler: Reconciler,
        surroundings: Surroundings,
        hosting: Hosting,
        probing: Probing,
        uplink: Callable[[], Uplink | NoUplink],
        route_mtu: int,
        halt: Halt,
        trouble: Callable[[str, str, str], None],
    ) -> None:
        self._members = members
        self._reconciler = reconciler
        self._surroundings = surroundings
        self._hosting = hosting
        self._probing = probing
        self._uplink = uplink
        self._route_mtu = route_mtu
        self._halt = halt
        self._trouble = trouble
        self._duties: dict[str, Duties] = {}

    def follow(self) -> None:
        """Say what must be now."""
        gone = left(self._members)
        self._reconciler.retire(on=gone)
        if gone:
            self._clear()
        else:
            self._furnish()
        for name, member in self._members.items():
            self._probing.hold(name, member.routed)
        self._hosting.consider()

    def plan(self) -> PlanStatus:
        """Tell what would change on this host now; nothing is written."""
        members = self._members.values()
        return planned(self._reconciler, self._surroundings, self._hosting, members, self._halt)

    def _clear(self) -> None:
        """Let nothing of ours be here; what this daemon needs to come back stays."""
        self._duties.clear()
        for member in self._members.values():
            member.papers.clear()
        self._surroundings.want_nothing()

    def _furnish(self) -> None:
        uplink = self._uplink()
        for name, member in self._members.items():
            must = member.perform(uplink)
            if member.left:  # its subnet may be another node's while other networks are waited for
                member.papers.clear()
                self._duties.pop(name, None)
            elif must is not None:
                before = self._duties.get(name)
                self._surroundings.moved(own_moved(before.rules if before else None, must.rules))
                self._duties[name] = must.after(before)
                if must.containers is not None:
                    self._trouble(name, "mtu_impossible", must.containers.mtu.trouble)
                    mtu = must.containers.mtu.value  # what pods send, if their routes carry it
                    self._probing.stand_on(uplink, min(mtu, self._route_mtu or mtu))
        self._surroundings.want(self._duties.values(), uplink)
