"""What this node says of itself when it is asked: read from the kernel, at most once a second.

IPv4 packets are forwarded if the link by which they come in says so, whatever `all` says, which is
net.ipv4.ip_forward: that sets every link (net/ipv4/devinet.c). For IPv6 `all` alone decides
(net/ipv6/ip6_output.c).

Reverse-path filtering is strict if the larger of two numbers is 1 (Documentation/networking/
ip-sysctl.rst): `all` and the link's own. It drops what comes in by another link than that by which
the answers would leave. IPv6 has no such filter in the kernel itself.

Answers that would leave by the right link may go wrong still: where the route to somebody's pods is
missing the default route carries them, on most hosts by that very link, to a router. So the gateway
is looked at, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, Protocol

from hostgw_core.model import Family, IPAddress, IPNetwork
from hostgw_daemon.kernel import MAIN_TABLE, Leg
from hostgw_daemon.link.uplink import Uplink
from hostgw_daemon.probe.datagram import Report
from hostgw_daemon.probe.target import Target

FRESH: Final = 1.0
"""Seconds for which a reading is told on."""


class Ways(Protocol):
    """Who knows which way the kernel would send a packet."""

    def hop(self, to: IPAddress, source: IPAddress | None = None) -> Leg | None:
        """Tell which way it would leave, None if it is to this host. Raise OSError: no way."""
        ...

    def table(self, to: IPAddress, source: IPAddress) -> int:
        """Tell which table decides of that. Raise OSError: none does."""
        ...


class Posture:
    """Implements `prober.Prober`'s posture; `clock` is in seconds.

    `uplink` gives the link to the others, `dropped` the networks between whose pods another
    firewall of this host lets nothing through (`rules.obstacles`), `sysctl` the number at a path
    below /proc/sys, None where there is none (`host.sysctls`); `table` is that of the routes.
    """

    def __init__(
        self,
        ways: Ways,
        *,
        uplink: Callable[[], Uplink | None],
        dropped: Callable[[], Iterable[IPNetwork]] = lambda: (),
        sysctl: Callable[[str], int | None],
        clock: Callable[[], float],
        table: int = MAIN_TABLE,
    ) -> None:
        self._ways = ways
        self._uplink = uplink
        self._dropped = dropped
        self._table = table
        self._clock = clock
        self._sysctl = sysctl
        self._read: dict[Family, tuple[float, Report]] = {}

    def __call__(self, asker: Target | None, about: IPAddress) -> Report:
        """Give what an answer to this asker, about our pods' gateway at an address, reports.

        That address is there or not, whoever asks: one whom we do not know yet is told as well.
        """
        report, here = self._of_ourselves(4 if about.version == 4 else 6), self.here(about)
        if here:
            report |= Report.GATEWAY
        if any(about in network for network in self._dropped()):
            report |= Report.DROPS
        uplink = self._uplink()
        if asker is None or uplink is None:
            return report & ~Report.STRICT
        with suppress(OSError):
            back = self._ways.hop(asker.gateway, about if here else None)
            if back is not None and back.link == uplink.link.index:
                report &= ~Report.STRICT
            if back is not None and back.gateway in {each.packed for each in asker.addresses}:
                report |= Report.WAY_BACK
        return report

    def here(self, address: IPAddress) -> bool:
        """Tell whether an address is one of this host's, at this very moment.

        A reading of a second ago would have the others ask an address that has just gone.
        """
        try:
            return self._ways.hop(address) is None
        except OSError:
            return False

    def leads(self, target: Target) -> bool:
        """Tell whether a question can go by the way of pods' packets to a peer.

        Our pods' gateway must be there. Where routes have a table of their own, what sends pods'
        packets there may be a rule that knows them by the link that they come in by; it does not
        send this host's own there, and then no question can show how pods fare.
        """
        if not self.here(target.ours):
            return False
        if self._table == MAIN_TABLE:
            return True
        try:
            return self._ways.table(target.gateway, target.ours) == self._table
        except OSError:
            return False

    def _of_ourselves(self, family: Family) -> Report:
        now = self._clock()
        at, known = self._read.get(family, (float("-inf"), Report.NOTHING))
        if now - at < FRESH:
            return known
        known = self._look(family)
        self._read[family] = (now, known)
        return known

    def _look(self, family: Family) -> Report:
        if family == 6:
            on = self._sysctl("net/ipv6/conf/all/forwarding")
            return Report.FORWARDS if on else Report.NOTHING
        uplink = self._uplink()
        name = "all" if uplink is None else uplink.link.name
        on = self._sysctl(f"net/ipv4/conf/{name}/forwarding")
        report = Report.FORWARDS if on else Report.NOTHING
        filters = (self._sysctl(f"net/ipv4/conf/{each}/rp_filter") for each in ("all", name))
        if max(each or 0 for each in filters) == 1:
            report |= Report.STRICT
        return report
