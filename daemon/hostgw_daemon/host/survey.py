"""Reads the facts: the kernel by its messages, and a few files for what no message tells.

What is read is bounded and small; a file that is not there, or may not be read, says nothing. The
files of systemd-networkd and NetworkManager belong to the first network namespace, and name links
by the indexes of that one: in any other they are not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from hostgw_core.model import FAMILIES, Family, IPNetwork
from hostgw_daemon.host import networkd, networkmanager
from hostgw_daemon.host.facts import Around, Circumstances, HostFacts
from hostgw_daemon.host.sysctls import Sysctls
from hostgw_daemon.kernel import ForeignRoute, Link, LinkAddress
from hostgw_daemon.switches import NeighbourTable, Switches

LONGEST = 1 << 16  # bytes of a file that are read
_BRIDGED: Mapping[Family, str] = {
    4: "net/bridge/bridge-nf-call-iptables",
    6: "net/bridge/bridge-nf-call-ip6tables",
}
_LEGACY: Mapping[Family, str] = {4: "ip_tables_names", 6: "ip6_tables_names"}
"""Where the kernel names the tables of iptables-legacy, which it does to root alone."""
_FIRST = "net/ipv4/neigh/default/gc_thresh3"
"""A sysctl that only the first network namespace has."""


class Inspector(Protocol):
    """Who asks the kernel. OSError from any method."""

    def links(self) -> tuple[Link, ...]:
        """Read the links."""
        ...

    def addresses(self) -> tuple[LinkAddress, ...]:
        """Read the addresses."""
        ...

    def switches(self, family: Family) -> Mapping[int, Switches]:
        """Read what the sysctls of each link say, and those of `all`."""
        ...

    def neighbours(self, family: Family) -> NeighbourTable | None:
        """Read the size of the neighbour table."""
        ...

    def foreign(self, networks: Iterable[IPNetwork], table: int) -> Iterable[ForeignRoute]:
        """Give the routes of others, in a table, that share an address with a network."""
        ...


class Survey:
    """Reads the host around this process. `root` is / but in tests, `environ` our environment."""

    def __init__(
        self,
        inspector: Inspector,
        sysctls: Sysctls,
        *,
        environ: Mapping[str, str],
        root: Path = Path("/"),
    ) -> None:
        self._inspector = inspector
        self._sysctls = sysctls
        self._environ = environ
        self._root = root

    def read(self, about: Circumstances) -> HostFacts:
        """Read it all. Raise OSError."""
        ask, families = self._inspector, about.families
        tables = {family: ask.neighbours(family) for family in families}
        return HostFacts(
            about=about,
            around=self.around(about.link),
            links=ask.links(),
            addresses=ask.addresses(),
            switches={family: ask.switches(family) for family in families},
            tables={family: table for family, table in tables.items() if table is not None},
            foreign=tuple(ask.foreign([pool.network for pool in about.pools], about.table)),
        )

    def around(self, link: Link | None) -> Around:
        """Read what the files tell."""
        bridged = {family: self._sysctls.read(_BRIDGED[family]) for family in FAMILIES}
        first = self._sysctls.read(_FIRST) is not None
        return Around(
            bridged={f: None if value is None else value != 0 for f, value in bridged.items()},
            accept_ra=self._sysctls.read(f"net/ipv6/conf/{link.name}/accept_ra") if link else None,
            first=first,
            kubernetes="KUBERNETES_SERVICE_HOST" in self._environ
            or (first and (self._root / "var/lib/kubelet").exists()),
            flushes=first and link is not None and self._flushes(link),
            left_alone=self._left_alone() if first else None,
            hidden=tuple(family for family in FAMILIES if self._hidden(_LEGACY[family])),
        )

    def _hidden(self, names: str) -> bool:
        """Tell whether the kernel has such a file and does not show it to us."""
        try:
            (self._root / "proc/self/net" / names).open("rb").close()
        except OSError as error:
            return isinstance(error, PermissionError)
        return False

    def _flushes(self, link: Link) -> bool:
        state = self._text(self._root / f"run/systemd/netif/links/{link.index}")
        if not networkd.looks_after(state):
            return False
        folders = [self._root / folder for folder in networkd.FOLDERS]
        main = [self._text(each) for f in folders if (each := f / "networkd.conf").exists()]
        drop_ins = [self._drop_ins(folder / "networkd.conf.d") for folder in folders]
        return networkd.takes_foreign_routes(networkd.in_order(main, drop_ins))

    def _left_alone(self) -> tuple[str, ...] | None:
        if not (self._root / "run/NetworkManager").exists():
            return None
        name = "NetworkManager"
        return networkmanager.left_alone(
            self._text(self._root / "etc" / name / f"{name}.conf"),
            packages=self._drop_ins(self._root / "usr/lib" / name / "conf.d"),
            boot=self._drop_ins(self._root / "run" / name / "conf.d"),
            admin=self._drop_ins(self._root / "etc" / name / "conf.d"),
        )

    def _drop_ins(self, folder: Path) -> dict[str, str]:
        try:
            names = [path for path in folder.iterdir() if path.suffix == ".conf"]
        except OSError:
            return {}
        return {path.name: self._text(path) for path in names}

    def _text(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                return file.read(LONGEST).decode("utf-8", "replace")
        except OSError:
            return ""
