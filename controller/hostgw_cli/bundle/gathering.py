"""Gathers what the archive has: from the daemon, the store, the kernel and the system.

Whoever cannot be asked is left out and named, with the reason; nothing here fails as a whole.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

from hostgw_cli.connection import Connection
from hostgw_cli.daemon_socket import DaemonSocket
from hostgw_cli.endings import Refused, Unreachable
from hostgw_core.store import Entry, Listing, Span

DOCUMENTS: Final = (
    *("status", "peers", "routes", "leases", "refusals", "holds", "config", "plan", "events"),
)
"""What is asked for under `/v1/`; an older daemon does not know each of them."""

IP: Final[dict[str, tuple[str, ...]]] = {
    "links.json": ("link", "show"),
    "addresses.json": ("address", "show"),
    "routes4.json": ("-4", "route", "show", "table", "all"),
    "routes6.json": ("-6", "route", "show", "table", "all"),
    "rules4.json": ("-4", "rule", "show"),
    "rules6.json": ("-6", "rule", "show"),
    "neighbours.json": ("neighbour", "show"),
}
SWITCHES: Final = (
    *("ipv4/ip_forward", "ipv6/conf/all/forwarding"),
    *("ipv4/conf/all/rp_filter", "ipv4/conf/default/rp_filter"),
    *(f"ipv{f}/neigh/default/gc_thresh{n}" for f in (4, 6) for n in (1, 2, 3)),
)
FILES: Final = ("/etc/os-release", "/proc/sys/kernel/osrelease", "/proc/uptime", "/proc/loadavg")
UNIT: Final = "hostgwd"
_DEADLINE: Final = 20.0  # seconds that one command may take
_JOURNAL_LINES: Final = "5000"


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the archive, or, where `why` says so, one that could not be had."""

    name: str
    text: str = ""
    why: str = ""


class _LeftOutError(Exception):
    """A part cannot be had; the message says why."""


def gather(connection: Connection, daemon: DaemonSocket) -> Iterator[Part]:
    """Give every part, one after the other."""
    yield Part("versions.txt", _versions())
    yield from _daemon(daemon)
    yield _part("store/keys.json", lambda: _store(connection))
    for name, words in IP.items():
        yield _part(f"kernel/{name}", partial(_run, "ip", "-details", "-json", *words))
    yield _part("kernel/switches.txt", _switches)
    yield _part("kernel/nft.txt", _nft)
    yield _part("journal.txt", _journal)
    for path in FILES:
        yield _part(f"host{path}", partial(_file, path))


def _part(name: str, get: Callable[[], str]) -> Part:
    try:
        return Part(name, get())
    except _LeftOutError as error:
        return Part(name, why=str(error))


def _daemon(daemon: DaemonSocket) -> Iterator[Part]:
    """Ask for every document; who is not there is asked once."""
    wanted = {f"daemon/{name}.json": f"/v1/{name}" for name in DOCUMENTS}
    for name, path in {**wanted, "daemon/metrics.txt": "/metrics"}.items():
        try:
            yield Part(name, daemon.get(path).decode(errors="replace"))
        except Refused as error:
            yield Part(name, why=error.message)
        except Unreachable as error:
            yield Part("daemon/", why=error.message)
            return


def _store(connection: Connection) -> str:
    span = Span.under(f"{connection.keys.prefix}/".encode())
    try:
        listing = connection.run(lambda store: store.list(span))
    except Unreachable as error:
        raise _LeftOutError(error.message) from error
    return _listed(listing)


def _listed(listing: Listing) -> str:
    """Write keys and values as JSON."""

    def shown(entry: Entry) -> dict[str, object]:
        return {
            "key": entry.key.decode(errors="backslashreplace"),
            "value": entry.value.decode(errors="backslashreplace"),
            "created": entry.created,
            "modified": entry.modified,
            "lease": f"{entry.lease:x}" if entry.lease else None,
        }

    header = listing.header
    document = {
        "cluster": f"{header.cluster:x}",
        "revision": header.revision,
        "term": header.term,
        "keys": [shown(entry) for entry in listing.entries],
    }
    return json.dumps(document, indent=1)


def _nft() -> str:
    """Give the names of all tables, and the whole of ours: the others are not our business."""
    names = _run("nft", "list", "tables")
    ours = [line.split()[1:3] for line in names.splitlines() if _is_ours(line)]
    return "\n".join([names, *(_run("nft", "list", "table", *table) for table in ours)])


def _is_ours(line: str) -> bool:
    words = line.split()
    return len(words) == 3 and words[2].startswith("hostgw")


def _journal() -> str:
    if not Path("/run/systemd/system").is_dir():
        raise _LeftOutError("systemd does not run here")
    return _run("journalctl", "--unit", UNIT, "--lines", _JOURNAL_LINES, "--no-pager")


def _switches() -> str:
    found = []
    for name in SWITCHES:
        path = Path("/proc/sys/net", name)
        try:
            found.append(f"net.{name.replace('/', '.')} = {path.read_text().strip()}")
        except OSError as error:
            found.append(f"net.{name.replace('/', '.')}: {error.strerror}")
    return "\n".join(found) + "\n"


def _file(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError as error:
        raise _LeftOutError(error.strerror or str(error)) from error


def _versions() -> str:
    """Say which programs these are."""
    said = [f"hostgw {version('hostgw')}", f"Python {sys.version}", platform.platform()]
    for program, *words in (("ip", "-Version"), ("nft", "--version"), ("systemctl", "--version")):
        try:
            said.append(_run(program, *words).strip())
        except _LeftOutError as error:
            said.append(str(error))
    return "\n".join(said) + "\n"


def _run(*argv: str) -> str:
    """Give what a command prints. Raise _LeftOutError."""
    if shutil.which(argv[0]) is None:
        raise _LeftOutError(f"there is no `{argv[0]}` on this host")
    return _printed(argv)


def _printed(argv: Sequence[str]) -> str:
    words = " ".join(argv)
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, errors="replace", timeout=_DEADLINE, check=False
        )
    except subprocess.TimeoutExpired:
        raise _LeftOutError(f"`{words}` did not end within {_DEADLINE:g} s") from None
    if done.returncode != 0:
        raise _LeftOutError(f"`{words}`: {done.stderr.strip()[:500]}")
    return done.stdout
