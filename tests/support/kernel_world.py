"""The world that the kernel contract is tried in: a kernel, others' hands, and a witness.

The kernel has a link on 172.16.0.0/16 and fd00::/64. The witness tells what is really in the
tables: for the real kernel that is `ip -json`.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple, Protocol, TypeAlias

from hostgw_core.model import Family
from hostgw_daemon.kernel import MAIN_TABLE, Kernel

Ours: TypeAlias = set[tuple[str, str, int]]  # destination, gateway, metric

BOOT, STATIC, BIRD = 3, 4, 12
NO_LINK = 9999


class KernelWorld(Protocol):
    """A kernel, and the hand of a test in its world."""

    kernel: Kernel
    link: int

    def add(
        self,
        prefix: str,
        gateway: str,
        *,
        protocol: int = BOOT,
        metric: int | None = None,
        table: int = MAIN_TABLE,
    ) -> None:
        """Add somebody else's route; without a metric it has the one the kernel gives it."""
        ...

    def link_down(self) -> None:
        """Take the link down."""
        ...

    def ours(self, family: Family, *, table: int = MAIN_TABLE) -> Ours:
        """Give the routes of protocol 104, as a witness sees them."""
        ...

    def others(self, prefix: str) -> set[tuple[str, int]]:
        """Give gateway and metric of the routes of other protocols, as a witness sees them."""
        ...


class Names(NamedTuple):
    """The names of one family, so that every test is written once."""

    family: Family
    own: str
    near: str
    second: str
    third: str
    far: str
    form: str
    no_metric: int

    def prefix(self, number: int) -> str:
        """Give the n-th peer's subnet."""
        return self.form.format(number >> 8, number & 255)

    def gateway(self, number: int) -> str:
        """Give the n-th peer's address."""
        return str(ip_address(self.near) + number)


IPV4 = Names(
    4, "172.16.0.1", "172.16.1.2", "172.16.1.3", "172.16.1.4", "192.0.2.1", "10.{}.{}.0/24", 0
)
IPV6 = Names(
    6, "fd00::1", "fd00::1:2", "fd00::1:3", "fd00::1:4", "2001:db8::1", "fd05:{:x}:{:x}::/64", 1024
)
