"""The adapter to nftables: the `nft` command for its verbs, a netlink socket for its doorbell.

What nft reads and prints is the stable interface; the netlink messages behind it are not ours to
write. For the doorbell nothing is parsed either: every message about a table, a chain or a rule
carries the table's and the chain's name, so that a message which names neither our table nor
iptables' FORWARD chain, nor docker's DOCKER-USER, cannot concern us. On a host where kube-proxy
rewrites thousands of rules a minute, that is what keeps us asleep.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from hostgw_core.model import Family
from hostgw_daemon.rules.command import Refused, run_command
from hostgw_daemon.rules.forwarding import CHAIN, DOCKER_USER
from hostgw_daemon.rules.nftables import (
    TABLE,
    Amendment,
    Listing,
    listed,
    standing,
    transaction,
    word,
    words_of,
)
from hostgw_daemon.rules.ruleset import Json, Ruleset

NETLINK_NETFILTER = 12  # linux/netlink.h
NFNLGRP_NFTABLES = 7  # linux/netfilter/nfnetlink.h
NFTA_RULE_CHAIN, NFTA_CHAIN_NAME = 2, 3  # linux/netfilter/nf_tables.h
_TRIES = 3  # of reading tables that come and go


_OURS = TABLE.encode() + b"\0"  # as netlink attributes carry it
# Whole attributes, for KUBE-FORWARD ends in the same bytes.
_FORWARD = tuple(
    struct.pack("=HH", 4 + len(chain) + 1, kind) + chain.encode() + b"\0"
    for chain in (CHAIN, DOCKER_USER)
    for kind in (NFTA_RULE_CHAIN, NFTA_CHAIN_NAME)
)


class NftFirewall:
    """nftables of the network namespace in which this object is made.

    `nft` is the command with its first arguments, `deadline` the seconds that one run of it may
    take. Close it, or use it as a context manager.
    """

    def __init__(self, *, nft: Sequence[str] = ("nft",), deadline: float = 10.0) -> None:
        self._nft = tuple(nft)
        self._deadline = deadline
        self._monitor = _open_monitor()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the doorbell's socket."""
        if self._monitor is not None:
            self._monitor.close()

    async def read(self) -> Listing:
        """List our tables. Raise FirewallError."""
        tries = _TRIES
        while True:
            tries -= 1
            families = standing(await self.chains())
            try:
                return Listing.of({family: await self._list(family) for family in families})
            except Refused:  # it may have gone between the two commands
                if not tries:
                    raise

    async def chains(self) -> str:
        """Give the text of all chains, everybody's. Raise FirewallError."""
        return await self._run("list", "chains")

    async def table(self, family: str, name: str) -> tuple[Json, ...]:
        """List any table. Raise FirewallError."""
        return listed(await self._run("-j", "list", "table", family, name))

    async def write(self, ruleset: Ruleset, present: Iterable[Family]) -> None:
        """Put the ruleset in force in one transaction. Raise FirewallError."""
        await self._run("-j", "-f", "-", given=transaction(ruleset, present))

    async def amend(self, amendment: Amendment) -> None:
        """Add to the sets of nodes, and delete from them, in one transaction. Raise FirewallError.

        What should be deleted and is not there is an error, and nothing is done.
        """
        await self._run("-j", "-f", "-", given=words_of(amendment))

    @contextmanager
    def watched(self, ring: Callable[[], None]) -> Iterator[None]:
        """Call `ring` whenever a message names our table or FORWARD, or when messages were lost."""
        monitor = self._monitor
        if monitor is None:  # no doorbell on this kernel: the audit alone must do
            yield
            return
        loop = asyncio.get_running_loop()
        loop.add_reader(monitor, _hear, monitor, ring)
        try:
            yield
        finally:
            loop.remove_reader(monitor)

    async def _list(self, family: Family) -> tuple[Json, ...]:
        return await self.table(word(family), TABLE)

    async def _run(self, *arguments: str, given: str = "") -> str:
        command = (*self._nft, *arguments)
        return await run_command(
            command, name="nft", package="nftables", deadline=self._deadline, given=given
        )


def _open_monitor() -> socket.socket | None:
    """Join nftables' notifications; None where the kernel has none or permits none."""
    try:
        monitor = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, NETLINK_NETFILTER
        )
    except OSError:
        return None
    try:
        monitor.bind((0, 1 << (NFNLGRP_NFTABLES - 1)))
    except OSError:
        monitor.close()
        return None
    return monitor


def _hear(monitor: socket.socket, ring: Callable[[], None]) -> None:
    """Empty the socket; ring if it named what we look after, or lost something."""
    while True:
        try:
            message = monitor.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            ring()
            continue
        if any(name in message for name in (_OURS, *_FORWARD)):
            ring()
