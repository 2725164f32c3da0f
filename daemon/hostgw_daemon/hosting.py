"""What looks after the host, wired: its check, and the neighbours that are kept resolved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hostgw_core.logs import Logger
from hostgw_daemon.circumstances import circumstances, gateways_on
from hostgw_daemon.halt import Halt
from hostgw_daemon.host.facts import Circumstances
from hostgw_daemon.host.hostcheck import HostCheck, HostState
from hostgw_daemon.host.resolver import Neighbourhood, Resolver
from hostgw_daemon.host.survey import Survey
from hostgw_daemon.host.sysctls import Changed, Sysctls
from hostgw_daemon.kernel import KernelEvent
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.outside import Outside
from hostgw_daemon.routes.desired import RouteRule
from hostgw_daemon.settings import Settings
from hostgw_daemon.told.overview import Parts


class Hosting:
    """`uplink` gives the choice of now, `rule` where routes are written, `networks` their states.

    `told` is called when something about the host is so that was not.
    """

    def __init__(
        self,
        out: Outside,
        settings: Settings,
        environ: Mapping[str, str],
        *,
        uplink: Callable[[], Uplink | NoUplink],
        rule: Callable[[], RouteRule | None],
        networks: Callable[[], Iterable[Parts]],
        told: Callable[[], None],
        halt: Halt,
        log: Logger,
    ) -> None:
        self._inspector = out.inspector
        self._uplink = uplink
        self._rule = rule
        self._networks = networks
        self._log = log
        sysctls = Sysctls()
        self._check = HostCheck(
            Survey(out.inspector, sysctls, environ=environ),
            sysctls,
            about=self._circumstances,
            told=told,
            changed=self._wrote,
            clock=time.thread_time,
            fix=settings.fix_sysctls,
            halt=halt,
        )
        self._resolver = Resolver(
            out.managed,
            about=self._neighbourhood,
            told=lambda why: log.warning("Neighbours are not kept resolved", reason=why),
            enabled=settings.managed_neighbours == "auto",
        )

    @property
    def state(self) -> HostState:
        """What was found."""
        return self._check.state

    @property
    def resolved(self) -> int:
        """How many neighbours the kernel keeps resolved for us."""
        return self._resolver.count

    @property
    def releasing(self) -> int:
        """How many of them are yet to be let go, for this host serves no network any more."""
        return 0 if [*self._networks()] else self._resolver.count

    @property
    def loops(self) -> Mapping[str, Callable[[], Any]]:
        """Give the tasks, by name."""
        return {"hostcheck": self._check.run, "resolver": self._resolver.run}

    def hear(self, events: list[KernelEvent]) -> None:
        """Take what the kernel said."""
        self._check.hear(events)
        self._resolver.hear(events)

    def consider(self) -> None:
        """Look, if the link, a network or a lease is another."""
        self._check.consider()
        self._resolver.again()

    def understood(self) -> None:
        """Take note that there are other nodes than before."""
        self._resolver.again()

    def again(self) -> None:
        """Look at everything anew, as a reload asks."""
        self._check.again()
        self._resolver.again()

    def _wrote(self, changed: Changed) -> None:
        self._log.warning("Set a sysctl", sysctl=str(changed.sysctl), before=changed.before)

    def _circumstances(self) -> Circumstances:
        networks = (
            (parts.understanding, parts.claim.lease or parts.resting, parts.subnets)
            for parts in self._networks()
        )
        return circumstances(self._uplink(), *networks, rule=self._rule())

    def _neighbourhood(self) -> Neighbourhood:
        """Give the gateways to keep resolved. Raise OSError."""
        uplink = self._uplink()
        if not isinstance(uplink, Uplink) or not uplink.up:
            return Neighbourhood()
        found = gateways_on(uplink, *(parts.understanding for parts in self._networks()))
        tables = [self._inspector.neighbours(family) for family in {a.version for a in found}]
        thresh1 = min((table.thresholds[0] for table in tables if table is not None), default=0)
        return Neighbourhood(uplink.link.index, found, thresh1)
