"""What hostgwd leaves, each thing with the command that removes it. Pure.

A daemon that stops or crashes takes nothing back, so that no packet is lost. Each thing that it
makes carries a mark, by which it is known here as well, without asking what it was made for:

| what | its mark |
|---|---|
| a route | its protocol is 104, in whatever table |
| a neighbour that the kernel keeps resolved | its protocol is 104, and it is `extern_learn` |
| a link, the host's own child beside macvlan or ipvlan containers | its group is 104 |
| a table of nftables | its name is `hostgw` |
| a rule in iptables' filter table | its comment begins with `hostgw:` |
| a file | its path |

What is printed by `ip -json`, `nft list tables` and `iptables -S` comes in, commands go out.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network
from itertools import pairwise
from pathlib import Path
from typing import Any

from hostgw_core.model import Family, IPNetwork

MARK = 104
"""The protocol of our routes, and the group of our links."""

_TABLE = "hostgw"
_COMMENT = "hostgw:"
_KINDS = {"6": "blackhole", "7": "unreachable", "8": "prohibit", "9": "throw"}  # rtnetlink.h
_MAIN = "254"


class Part(StrEnum):
    """The kinds of things, in the order in which they are removed."""

    FILES = "files"
    ROUTES = "routes"
    NEIGHBOURS = "neighbours"
    RULES = "rules"
    TABLES = "tables"
    LINKS = "links"


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing, and the command that removes it; `why` where somebody may ask."""

    part: Part
    argv: tuple[str, ...]
    why: str = ""

    def __str__(self) -> str:
        return shlex.join(self.argv) + (f"  # {self.why}" if self.why else "")


@dataclass(frozen=True, slots=True)
class Route:
    """A route of ours: `gateway` is empty where it has none, or several, or one of IPv6 for IPv4.

    `arguments` are what `ip route delete` is given.
    """

    family: Family
    destination: IPNetwork
    gateway: str
    arguments: tuple[str, ...]

    def leftover(self, why: str = "") -> Leftover:
        """Give it as a thing to remove."""
        argv = ("ip", f"-{self.family}", "route", "delete", *self.arguments)
        return Leftover(Part.ROUTES, argv, why)


def routes(listing: str, family: Family) -> list[Route]:
    """Read `ip -N -details -json route show table all proto 104`. Raise ValueError."""
    return [_route(each, family) for each in json.loads(listing or "[]") if each]


def _route(said: dict[str, Any], family: Family) -> Route:
    everything = "0.0.0.0/0" if family == 4 else "::/0"
    destination = everything if said["dst"] == "default" else said["dst"]
    gateway = said.get("gateway", "")
    table = str(said.get("table", _MAIN))
    words = [
        *([kind] if (kind := _KINDS.get(str(said.get("type")))) else []),
        str(destination),
        *(["via", gateway, "dev", said["dev"]] if gateway else []),
        *(["metric", str(said["metric"])] if said.get("metric") else []),
        *(["table", table] if table != _MAIN else []),
        *("proto", str(MARK)),
    ]
    return Route(family, ip_network(destination), gateway, tuple(words))


def tables(listing: str) -> Iterator[Leftover]:
    """Read `nft list tables`."""
    for line in listing.splitlines():
        match line.split():
            case ["table", ("ip" | "ip6") as family, name] if name == _TABLE:
                yield Leftover(Part.TABLES, ("nft", "delete", "table", family, name))


def rules(tool: str, listing: str) -> Iterator[Leftover]:
    """Read `iptables -S` of either family and form, which is the `tool`."""
    for line in listing.splitlines():
        try:
            words = shlex.split(line)
        except ValueError:  # quotes that do not close are none of ours
            continue
        ours = any(
            word == "--comment" and after.startswith(_COMMENT) for word, after in pairwise(words)
        )
        if ours and words[0] == "-A":
            yield Leftover(Part.RULES, (tool, "-w", "5", "-D", *words[1:]))


def neighbours(listing: str) -> Iterator[Leftover]:
    """Read `ip -N -details -json neigh show nud all`. Raise ValueError.

    One that a daemon has left to the kernel keeps the number, and is nobody's: it grows old.
    """
    for each in json.loads(listing or "[]"):
        if each.get("protocol") == str(MARK) and "extern_learn" in each:
            argv = ("ip", "neigh", "delete", each["dst"], "dev", each["dev"])
            yield Leftover(Part.NEIGHBOURS, argv)


def links(listing: str) -> Iterator[Leftover]:
    """Read `ip -details -json link show group 104`. Raise ValueError."""
    for each in json.loads(listing or "[]"):
        if each.get("linkinfo", {}).get("info_kind") in ("macvlan", "ipvlan"):
            yield Leftover(Part.LINKS, ("ip", "link", "delete", each["ifname"]))


def files(paths: Iterable[Path]) -> Iterator[Leftover]:
    """Give files as things to remove."""
    for path in paths:
        yield Leftover(Part.FILES, ("rm", str(path)))
