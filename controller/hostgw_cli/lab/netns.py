"""A named network namespace: a host, a switch or a container made of nothing but the kernel.

The namespace is the one that `ip netns` knows (a file below `/run/netns`), so that every tool an
operator has can look into it: `ip -n NAME route`, `ip netns exec NAME tcpdump`. Links are made
*inside* namespaces from their first moment, by netlink (`links.py`), so that the root namespace
never sees one, not even for a millisecond. The namespace itself is made and removed by `ip netns`:
pyroute2 would fork this process to make one, signal handlers and all, and takes longer to load than
the namespaces of a small lab take to remove.

All of this needs CAP_SYS_ADMIN and CAP_NET_ADMIN. Nothing here kills a process: a namespace whose
file is gone lives on, unseen, until its last process ends, so end its processes first.
"""

from __future__ import annotations

import ctypes
import json
import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hostgw_cli.lab.links import End, Links, open_links

DIRECTORY = Path("/run/netns")
TIMEOUT = 30.0  # seconds that a command in a namespace may take, unless told otherwise

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_LIBC = ctypes.CDLL(None, use_errno=True)  # os.setns came with Python 3.12


class CommandError(RuntimeError):
    """A command failed or took too long; the message names it and what it wrote to stderr."""

    def __init__(self, argv: Sequence[str], why: str, stderr: str = "") -> None:
        said = stderr.strip()
        super().__init__(f"`{shlex.join(argv)}` {why}" + (f": {said}" if said else ""))
        self.argv = tuple(argv)
        self.stderr = stderr


def run_here(
    argv: Sequence[str],
    *,
    check: bool = True,
    input: str | None = None,  # noqa: A002 - the word that subprocess.run uses
    timeout: float = TIMEOUT,
) -> subprocess.CompletedProcess[str]:
    """Run a command in the namespace of the caller and give its output as text.

    Raise CommandError when it is not there, takes longer than `timeout` seconds, or (with `check`)
    ends with another status than 0.
    """
    try:
        done = subprocess.run(
            argv, input=input, capture_output=True, text=True, timeout=timeout, check=False
        )
    except FileNotFoundError as error:
        raise CommandError(argv, "is not installed", str(error)) from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(argv, f"took longer than {timeout:g} s") from error
    if check and done.returncode != 0:
        raise CommandError(argv, f"ended with {done.returncode}", done.stderr or done.stdout)
    return done


def set_namespace(descriptor: int) -> None:
    """Move the calling thread into the network namespace of an open file. Raise OSError."""
    if _LIBC.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


@dataclass(frozen=True, slots=True, order=True)
class Namespace:
    """A namespace by its name; the value alone makes nothing: `create` and `delete` do."""

    name: str

    @property
    def path(self) -> Path:
        """The file that stands for it."""
        return DIRECTORY / self.name

    @property
    def exists(self) -> bool:
        """Whether the name is taken."""
        return self.path.exists()

    @classmethod
    def create(cls, name: str) -> Namespace:
        """Make a namespace, its loopback up.

        Raise CommandError, also when the name is taken; LabError from the loopback.
        """
        run_here(["ip", "netns", "add", name])
        made = cls(name)
        try:
            with made.links() as links:
                links.up("lo")
        except BaseException:
            made.delete()
            raise
        return made

    def delete(self) -> None:
        """Remove the name; one that is already gone is no error. Links in it go with it."""
        done = run_here(["ip", "netns", "delete", self.name], check=False)
        if done.returncode != 0 and self.exists:
            raise CommandError(["ip", "netns", "delete", self.name], "failed", done.stderr)

    def links(self) -> AbstractContextManager[Links]:
        """Open the links inside, to make and change them; `ip` and `ip_json` are for looking.

        Raise LabError.
        """
        return open_links(self.name, self.enter())

    def argv(self, *argv: str) -> list[str]:
        """Give the command that runs `argv` inside: it becomes `argv`, the process id is its own.

        `/sys` shows the namespace's links there; the rest of the file system is shared.
        """
        return ["ip", "netns", "exec", self.name, *argv]

    def run(
        self,
        *argv: str,
        check: bool = True,
        input: str | None = None,  # noqa: A002 - the word that subprocess.run uses
        timeout: float = TIMEOUT,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside; as `run_here` does."""
        return run_here(self.argv(*argv), check=check, input=input, timeout=timeout)

    def popen(self, argv: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a command inside and do not wait; `options` are those of subprocess.Popen."""
        return subprocess.Popen(self.argv(*argv), **options)

    def ip(self, *arguments: str) -> str:
        """Run `ip` on the namespace and give what it prints. Raise CommandError."""
        return run_here(["ip", "-n", self.name, *arguments]).stdout

    def ip_json(self, *arguments: str) -> list[dict[str, Any]]:
        """Run `ip -json` on the namespace and give the objects. Raise CommandError."""
        said = run_here(["ip", "-json", "-n", self.name, *arguments]).stdout
        objects: list[dict[str, Any]] = json.loads(said or "[]")
        # iproute2 prints an empty object for a link that its filter left out.
        return [each for each in objects if each]

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Move the *current thread* inside, and back at the end: sockets made within stay there.

        Never await or start a thread within: both would take the namespace elsewhere.
        Raise FileNotFoundError when there is no such namespace, OSError from setns.
        """
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            there = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                set_namespace(there)
            finally:
                os.close(there)
            try:
                yield
            finally:
                set_namespace(home)
        finally:
            os.close(home)

    def pids(self) -> list[int]:
        """Give the processes inside, lowest number first; none when it is gone."""
        done = run_here(["ip", "netns", "pids", self.name], check=False)
        return sorted(int(word) for word in done.stdout.split())


def veth(
    one: Namespace,
    name_one: str,
    other: Namespace,
    name_other: str,
    *,
    mtu: int = 1500,
    mac_one: str = "",
    mac_other: str = "",
) -> None:
    """Join two namespaces by a cable: a veth pair, both ends up. MACs are random when empty.

    Raise LabError.
    """
    here, there = End(name_one, mac_one, mtu), End(name_other, mac_other, mtu)
    with one.links() as links:
        links.add_cable(here, there, namespace=other.path)
        links.up(name_one)
    with other.links() as links:
        links.up(name_other)


def bridge(inside: Namespace, name: str, *, address: str = "", mac: str = "") -> None:
    """Make a bridge that forwards at once (no spanning tree, no delay), up.

    `address` is given with its prefix length, such as `10.5.1.1/24`. Raise LabError.
    """
    with inside.links() as links:
        links.add_bridge(name, mac=mac)
        if address:
            links.add_address(name, address)
        links.up(name)
