"""Processes of the lab: started apart from us, known by number *and* start time, ended for sure.

The kernel gives a process id to somebody else once its process is gone, and everything is somebody
else's after a reboot. So a record holds the start time (field 22 of /proc/PID/stat, clock ticks
since boot) and the boot id, and signals go through a pidfd that was opened *before* the start time
was compared: what is killed is what was started, or nothing.

A process gets a session of its own: a Ctrl-C at the terminal is ours to answer, not its.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hostgw_cli.lab.netns import Namespace

GRACE = 5.0  # seconds that a process has to end by itself


@dataclass(frozen=True, slots=True)
class Process:
    """A process that was started: `started` in clock ticks since the boot named `boot`."""

    name: str
    pid: int
    started: int
    boot: str
    log: str
    argv: tuple[str, ...] = ()

    @property
    def alive(self) -> bool:
        """Whether it still runs (a zombie does not)."""
        if (descriptor := _open(self)) is None:
            return False
        try:
            return not _ended(descriptor, within=0.0)
        finally:
            os.close(descriptor)


def start(
    name: str,
    argv: Sequence[str],
    *,
    inside: Namespace,
    log: Path,
    environment: Mapping[str, str],
) -> Process:
    """Start a process inside a namespace, its output appended to `log`. Raise OSError.

    By posix_spawn, not subprocess: it is to live on without an object of ours.
    """
    # Python makes its own descriptors close on exec: the process inherits these three only.
    actions: list[tuple[int, int, str, int, int] | tuple[int, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    command = inside.argv(*argv)
    pid = os.posix_spawnp(
        command[0],
        command,
        {**_inherited(), **environment},
        file_actions=actions,
        setsid=True,
        setsigmask=(),
    )
    return Process(name, pid, start_time(pid) or 0, boot_id(), str(log), tuple(argv))


def send(process: Process, number: int) -> bool:
    """Send a signal if it is still that very process; tell whether it was."""
    if (descriptor := _open(process)) is None:
        return False
    try:
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def stop(process: Process, number: int = signal.SIGTERM, *, within: float = GRACE) -> bool:
    """Send a signal and wait for the end; after `within` seconds, kill. Tell whether it obeyed.

    A process that is already gone has obeyed.
    """
    if (descriptor := _open(process)) is None:
        return True
    try:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, number)
            # A stopped process runs no handler until it is continued.
            signal.pidfd_send_signal(descriptor, signal.SIGCONT)
        if obeyed := _ended(descriptor, within=within):
            return obeyed
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        _ended(descriptor, within=GRACE)
        return False
    finally:
        os.close(descriptor)
        _reap(process.pid)


def kill(all_of_them: Iterable[Process]) -> None:
    """Kill processes, all at once, and see them gone; those gone already are no error."""
    known = list(all_of_them)
    for process in known:
        send(process, signal.SIGKILL)
    for process in known:
        stop(process, signal.SIGKILL)


def inhabitants(namespaces: Sequence[Namespace]) -> set[int]:
    """Give the processes inside the namespaces, ourselves never, in one walk through /proc."""
    homes = set()
    for each in namespaces:
        with suppress(FileNotFoundError):
            homes.add(each.path.stat().st_ino)
    found = set()
    for entry in Path("/proc").iterdir():
        # A process may end between the two looks, or be a zombie, which is nowhere.
        with suppress(OSError):
            if entry.name.isdigit() and (entry / "ns/net").stat().st_ino in homes:
                found.add(int(entry.name))
    return found - {os.getpid()}


def end_all_inside(namespaces: Sequence[Namespace]) -> None:
    """Kill whatever still runs inside: shells of `lab exec`, captures, a process not yet noted."""
    end = time.monotonic() + GRACE
    while (pids := inhabitants(namespaces)) and time.monotonic() < end:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def _inherited() -> dict[str, str]:
    """Give our environment without what would set up a daemon or a store behind the lab's back."""
    foreign = ("HOSTGW_", "FLANNELD_", "ETCD_", "ETCDCTL_", "NOTIFY_", "WATCHDOG_", "NODE_NAME")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def boot_id() -> str:
    """Give the kernel's name for this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> int | None:
    """Give when a process started, in clock ticks since boot; None when it is gone.

    proc(5): the name in field 2 may hold spaces and parentheses, so count from its end.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat.rpartition(")")[2].split()[19])


def _open(process: Process) -> int | None:
    """Give a pidfd of that very process, or None when it is gone."""
    if process.boot != boot_id():
        return None
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return None
    if start_time(process.pid) != process.started:
        os.close(descriptor)
        return None
    return descriptor


def _ended(descriptor: int, *, within: float) -> bool:
    """Wait for the end of a pidfd's process, at most `within` seconds."""
    watch = select.poll()
    watch.register(descriptor, select.POLLIN)
    return bool(watch.poll(within * 1000))


def _reap(pid: int) -> None:
    """Collect the status of a child that ended; somebody else's child is nothing to us."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
