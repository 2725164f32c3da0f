"""The adapter to nftables: the `nft` command for its verbs, a netlink socket for its doorbell.

What nft reads and prints is the stable interface; the netlink messages behind it are not ours to
write. For the doorbell nothing is parsed either: every message about a table, a chain or a rule
carries the table's name, so that a message in which our name does not occur cannot concern us. On a
host where kube-proxy rewrites thousands of rules a minute, that is what keeps us asleep.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from hostgw_core.model import Family
from hostgw_daemon.nftables import (
    TABLE,
    FirewallError,
    FirewallMissing,
    Listing,
    listed,
    standing,
    transaction,
    word,
)
from hostgw_daemon.ruleset import Json, Ruleset

NETLINK_NETFILTER = 12  # linux/netlink.h
NFNLGRP_NFTABLES = 7  # linux/netfilter/nfnetlink.h
_NAME = TABLE.encode() + b"\0"  # as netlink attributes carry it
_TRIES = 3  # of reading tables that come and go


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
            families = standing(await self._run("list", "tables"))
            try:
                return Listing({family: await self._list(family) for family in families})
            except _Refused:  # it may have gone between the two commands
                if not tries:
                    raise

    async def write(self, ruleset: Ruleset, present: Iterable[Family]) -> None:
        """Put the ruleset in force in one transaction. Raise FirewallError."""
        await self._run("-j", "-f", "-", given=transaction(ruleset, present))

    @contextmanager
    def watched(self, ring: Callable[[], None]) -> Iterator[None]:
        """Call `ring` whenever a message names our table, or when messages were lost."""
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
        return listed(await self._run("-j", "list", "table", word(family), TABLE))

    async def _run(self, *arguments: str, given: str = "") -> str:
        """Run nft and give what it prints. Raise FirewallError; _Refused: nft said no."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._nft,
                *arguments,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                env={**os.environ, "LC_ALL": "C"},
            )
        except FileNotFoundError as error:
            raise FirewallMissing(
                f"there is no `{self._nft[0]}` on this host: install the package nftables"
            ) from error
        except OSError as error:
            raise FirewallError(f"`{self._nft[0]}` cannot be run: {error}") from error
        printed, complaint = await self._finish(process, given)
        if process.returncode != 0:
            raise _Refused(f"nft refused: {_sentence(complaint) or f'status {process.returncode}'}")
        return printed.decode(errors="replace")

    async def _finish(self, process: Process, given: str) -> tuple[bytes, bytes]:
        """Wait for the end of a run, which no error and no cancellation leaves running."""
        try:
            async with asyncio.timeout(self._deadline):
                return await process.communicate(given.encode())
        except TimeoutError as error:
            raise FirewallError(f"nft did not end within {self._deadline:g} s") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


class _Refused(FirewallError):
    """nft ran, and ended with another status than 0."""


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
    """Empty the socket; ring if it named our table or lost something."""
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
        if _NAME in message:
            ring()


def _sentence(complaint: bytes) -> str:
    """Give the first line of what nft wrote to stderr, without the place in its input."""
    lines = complaint.decode(errors="replace").strip().splitlines()
    return lines[0].rpartition("Error: ")[2].strip() if lines else ""
