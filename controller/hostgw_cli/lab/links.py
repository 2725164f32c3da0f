"""The links of a namespace, with their addresses and default routes: made and changed by netlink.

They are changed by a thread of its own, which enters the namespace, opens a socket there and ends.
So the caller's thread never leaves its namespace, not even when a signal strikes, and it may have
an event loop: pyroute2 runs one in the other thread. A change takes 0.2 to 1 ms, a run of `ip` 2.
pyroute2's own way inside, the argument `netns`, is not used: it forks the process for each socket,
creates a namespace that is not there and fires signal handlers.

pyroute2 takes 0.15 s to load, so it is loaded when links are changed: who looks does not wait.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

from hostgw_cli.lab.topology import LabError

_BOOT = 3  # RTPROT_BOOT of linux/rtnetlink.h: what `ip route` writes


@dataclass(frozen=True, slots=True)
class End:
    """One end of a cable: the link's name; its MAC address (random when empty); its MTU, bytes."""

    name: str
    mac: str = ""
    mtu: int = 1500

    @property
    def attributes(self) -> dict[str, Any]:
        """What a message says of it."""
        return {"ifname": self.name, "mtu": self.mtu, **_mac(self.mac)}


class Links:
    """The links of one namespace, while an `open_links` lasts.

    Every method raises LabError, which names the namespace, what failed and the kernel's reason.
    """

    def __init__(self, where: str, thread: ThreadPoolExecutor) -> None:
        self._where = where
        self._thread = thread
        self._netlink: Any = None

    def open(self, enter: AbstractContextManager[None], ends: ExitStack) -> None:
        """Enter the namespace and open the socket; both end with `ends`, in the same thread."""
        from pyroute2 import IPRoute  # noqa: PLC0415 - slow to load

        def work() -> None:
            ends.enter_context(enter)
            self._netlink = ends.enter_context(IPRoute(ext_ack=True))

        self._do(work, "not entered")

    def add_cable(self, here: End, there: End, *, namespace: Path) -> None:
        """Make a veth pair, one end here and the other in the namespace of a file; both down."""

        def work() -> None:
            descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
            try:
                peer = {**there.attributes, "net_ns_fd": descriptor}
                self._netlink.link("add", kind="veth", peer=peer, **here.attributes)
            finally:
                os.close(descriptor)

        self._do(work, f"no cable from {here.name} to {there.name} in {namespace.name}")

    def add_bridge(self, name: str, *, mac: str = "") -> None:
        """Make a bridge that forwards at once: no spanning tree, no delay; down.

        Its address is set in any case. One that is not takes the lowest of its ports' addresses,
        and another whenever that port goes or a lower one comes: whoever talks to the bridge then
        talks to nobody until its neighbour entry is doubted, which takes up to a minute.
        """
        options = {"br_stp_state": 0, "br_forward_delay": 0, **_mac(mac or _random_mac())}
        self._do(
            lambda: self._netlink.link("add", ifname=name, kind="bridge", **options),
            f"no bridge {name}",
        )

    def up(self, name: str) -> None:
        """Set a link up."""
        self._do(lambda: self._set(name, state="up"), f"{name} not up")

    def down(self, name: str) -> None:
        """Set a link down."""
        self._do(lambda: self._set(name, state="down"), f"{name} not down")

    def put_in(self, bridge: str, name: str) -> None:
        """Make a link a port of a bridge."""
        self._do(
            lambda: self._set(name, master=socket.if_nametoindex(bridge)),
            f"{name} not in {bridge}",
        )

    def add_address(self, name: str, address: str) -> None:
        """Give a link an address, with its prefix length: `10.5.1.1/24`."""
        parsed = ip_interface(address)
        self._do(
            lambda: self._netlink.addr(
                "add",
                index=socket.if_nametoindex(name),
                address=str(parsed.ip),
                prefixlen=parsed.network.prefixlen,
            ),
            f"no address {address} on {name}",
        )

    def add_default_route(self, name: str, gateway: str) -> None:
        """Send what has no other route to a gateway on a link, of either family."""
        self._do(
            lambda: self._netlink.route(
                "add",
                family=socket.AF_INET6 if ":" in gateway else socket.AF_INET,
                dst="default",
                gateway=gateway,
                oif=socket.if_nametoindex(name),
                proto=_BOOT,
            ),
            f"no default route via {gateway} on {name}",
        )

    def delete(self, name: str) -> None:
        """Remove a link; one that is not there is no error."""
        self._do(
            lambda: self._netlink.link("del", ifname=name),
            f"{name} not deleted",
            unless=errno.ENODEV,
        )

    def _set(self, name: str, **state: Any) -> None:
        self._netlink.link("set", index=socket.if_nametoindex(name), **state)

    def _do(self, work: Callable[[], object], failure: str, *, unless: int = 0) -> None:
        """Do `work` inside; raise LabError with `failure` and why, unless it is that errno."""
        from pyroute2 import NetlinkError  # noqa: PLC0415 - slow to load

        try:
            self._thread.submit(work).result()
        except NetlinkError as error:
            if error.code != unless:
                raise LabError(f"{self._where}: {failure}: {error.args[-1]}") from error
        except OSError as error:
            raise LabError(f"{self._where}: {failure}: {error.strerror or error}") from error


@contextmanager
def open_links(where: str, enter: AbstractContextManager[None]) -> Iterator[Links]:
    """Give the links of the namespace called `where`, which `enter` enters. Raise LabError."""
    ends = ExitStack()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix=where) as thread:
        links = Links(where, thread)
        try:
            links.open(enter, ends)
            yield links
        finally:
            thread.submit(ends.close).result()


def _random_mac() -> str:
    """Give an address of nobody: locally administered, unicast (IEEE 802)."""
    return bytes((0x02, *os.urandom(5))).hex(":")


def _mac(address: str) -> dict[str, str]:
    return {"address": address} if address else {}
