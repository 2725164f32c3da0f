"""This host: what is there of a daemon's things, whether a daemon runs, and the removal.

The commands are those that an operator would type. One that is not installed has left nothing: a
host without nft has no table of ours. Whatever was done, a second look says what is still there.
"""

from __future__ import annotations

import os
import socket
import struct
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hostgw_cli.cleanup import leftovers
from hostgw_cli.cleanup.leftovers import MARK, Leftover, Part, Route
from hostgw_cli.endings import Unreachable
from hostgw_core.model import FAMILIES, Family

_DEADLINE: Final = 60.0  # seconds that one command may take
_TOOLS: Final[dict[str, str]] = {  # and where a kernel that has the legacy form lists its tables
    "iptables-nft": "",
    "ip6tables-nft": "",
    "iptables-legacy": "ip_tables_names",
    "ip6tables-legacy": "ip6_tables_names",
}


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the daemon's files are. Those of further networks lie beside them."""

    subnet_file: Path
    conflist: Path

    def there(self) -> Iterator[Path]:
        """Give those that there are, the conflist first: no container is to be attached now."""
        beside = self.conflist.parent.glob("99-hostgw-*.conflist")
        further = (self.subnet_file.parent / "networks").glob("*.env")
        for path in (self.conflist, *sorted(beside), self.subnet_file, *sorted(further)):
            if path.is_file():
                yield path


def daemon() -> int | None:
    """Give the pid of the daemon of this network namespace; 0 where it cannot be known.

    None: none runs. It holds an abstract unix socket for as long as it lives (unix(7)).
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)
        try:
            asking.connect(f"\0hostgwd-proto-{MARK}")
        except ConnectionRefusedError:
            return None
        except BlockingIOError:  # many ask at once: somebody holds it
            return 0
        answer = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, _, _ = struct.unpack("3i", answer)
    return int(pid)


def routes() -> list[Route]:
    """Give the routes of our protocol, in all tables. Raise Unreachable."""
    show = ("route", "show", "table", "all", "proto", str(MARK))
    # IPv6 may have been switched off at boot.
    families: tuple[Family, ...] = FAMILIES if Path("/proc/self/net/if_inet6").exists() else (4,)
    return [
        route
        for family in families
        for route in leftovers.routes(
            _say(["ip", "-N", "-details", "-json", f"-{family}", *show]), family
        )
    ]


def look(parts: Iterable[Part], paths: Paths) -> list[Leftover]:
    """Give what is there of these parts, in the order in which it is removed. Raise Unreachable."""
    return [each for part in Part if part in parts for each in _look(part, paths)]


def _look(part: Part, paths: Paths) -> Iterator[Leftover]:
    match part:
        case Part.FILES:
            yield from leftovers.files(paths.there())
        case Part.ROUTES:
            yield from (each.leftover() for each in routes())
        case Part.NEIGHBOURS:
            show = ("neigh", "show", "nud", "all")
            yield from leftovers.neighbours(_say(["ip", "-N", "-details", "-json", *show]))
        case Part.RULES:
            for tool in _tools():
                yield from leftovers.rules(tool, _say([tool, "-w", "5", "-S"], perhaps=True))
        case Part.TABLES:
            yield from leftovers.tables(_say(["nft", "list", "tables"], perhaps=True))
        case Part.LINKS:
            show = ("link", "show", "group", str(MARK))
            yield from leftovers.links(_say(["ip", "-details", "-json", *show]))


def _tools() -> Iterator[str]:
    """Give the forms of iptables; listing with the legacy one would make a table, so ask first."""
    for tool, names in _TOOLS.items():
        try:
            if not names or "filter" in Path("/proc/self/net", names).read_text().split():
                yield tool
        except OSError:  # the kernel has no legacy form
            continue


def remove(found: Sequence[Leftover]) -> list[str]:
    """Remove things; give what failed, a sentence each. What is gone already is no failure."""
    failed = _remove_routes([each for each in found if each.part is Part.ROUTES])
    for each in found:
        if each.part is Part.FILES:
            try:
                Path(each.argv[-1]).unlink(missing_ok=True)
            except OSError as error:
                failed.append(f"{each.argv[-1]}: {error.strerror}")
        elif each.part is not Part.ROUTES:
            try:
                _say(each.argv)
            except Unreachable as error:
                failed.append(error.message)
    return failed


def _remove_routes(found: Sequence[Leftover]) -> list[str]:
    """Remove routes, all of a family with one run of `ip`: there may be ten thousand."""
    failed = []
    for family in FAMILIES:
        head = ("ip", f"-{family}")
        lines = [" ".join(each.argv[2:]) for each in found if each.argv[:2] == head]
        if lines:
            failed += _batch(family, lines)
    return failed


def _batch(family: Family, lines: Sequence[str]) -> list[str]:
    argv = ["ip", f"-{family}", "-force", "-batch", "-"]
    complaints = _run(argv, given="\n".join(lines)).stderr.splitlines()
    # "No such process" (ESRCH): somebody else was quicker.
    told = [line for line in complaints if "Command failed" not in line]
    return [f"ip route: {line}" for line in told if "No such process" not in line]


def _say(argv: Sequence[str], *, perhaps: bool = False) -> str:
    """Run a command and give what it prints.

    `perhaps`: nothing, where it is not installed or will not. Raise Unreachable.
    """
    try:
        done = _run(argv)
    except Unreachable:
        if perhaps:
            return ""
        raise
    if done.returncode != 0 and not perhaps:
        raise Unreachable(f"`{' '.join(argv)}`: {done.stderr.strip() or done.returncode}")
    return done.stdout


def _run(argv: Sequence[str], *, given: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            argv,
            input=given,
            capture_output=True,
            text=True,
            timeout=_DEADLINE,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise Unreachable(f"there is no `{argv[0]}` on this host") from None
    except subprocess.TimeoutExpired:
        raise Unreachable(f"`{argv[0]}` did not end within {_DEADLINE:g} s") from None
