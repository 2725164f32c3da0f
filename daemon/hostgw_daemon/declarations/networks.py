"""Further networks, beside the one at --etcd-prefix.

flannel once had `--networks=blue,green` (until v0.7, as an experiment), whose records lay under
`<etcd-prefix>/blue`, and whose subnet files were `/run/flannel/networks/blue.env`; since then it is
one daemon a network, with an --etcd-prefix and a --subnet-file of its own. Both layouts of the
store are named here in one word, and the files lie where they lay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from hostgw_core.settings import Check, Setting, Value, kinds
from hostgw_core.settings.kinds import Kind

FIRST: Final = "default"
"""The name of the network at --etcd-prefix, where a network is asked for by name."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,9}[a-z0-9])?")
_TAKEN = ("config", "hostgw", "subnets")
"""What flannel and we have under a prefix ourselves."""


class Further(NamedTuple):
    """A network by its name; where `prefix` is empty, it lies under --etcd-prefix by that name."""

    name: str
    prefix: str

    def under(self, first: str) -> str:
        """Give its prefix; `first` is --etcd-prefix."""
        return self.prefix or f"{first}/{self.name}"


def _further(text: str) -> Further:
    name, equals, prefix = text.partition("=")
    if not _NAME.fullmatch(name):
        raise ValueError(
            "names no network; write for example blue or blue=/blue/network, the name with at most"
            " 11 small letters, digits and dashes"
        )
    if name in (FIRST, "host", *_TAKEN):
        raise ValueError(f"cannot be: {name} means something else already; take another name")
    prefix = kinds.PREFIX.read(prefix)
    if equals and not prefix:
        raise ValueError(f"names no prefix; write {name} or {name}=/{name}/network")
    return Further(name, prefix)


NETWORKS = (
    Setting(
        name="networks",
        kind=Kind("NAME[=KEY]", _further),
        repeatable=True,
        separator=",",
        help="Further networks that this node is a member of, separated by commas: by name those "
        "under <etcd-prefix>/NAME, others with their own prefix. docs/networks.md tells more.",
    ),
)


def prefixes(first: str, further: tuple[Further, ...]) -> Iterator[tuple[str, str]]:
    """Give the name and the prefix of each network."""
    yield FIRST, first
    for each in further:
        yield each.name, each.under(first)


def _distinct(networks: Value, first: Value) -> str:
    """Two networks have two names, two prefixes, and neither's records lie among the other's."""
    found = [*prefixes(first.value, networks.value)]
    names = [name for name, _ in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        return f"{twice[0]} is given twice; give it once"
    for name, prefix in found:
        for other, theirs in found:
            if name < other and prefix == theirs:
                return f"{name} and {other} have one prefix, {prefix}; give each its own"
            beyond = prefix.removeprefix(f"{theirs}/") if prefix.startswith(f"{theirs}/") else ""
            # flannel lists all that begins with "subnets", without a slash.
            if beyond.partition("/")[0] in _TAKEN or beyond.startswith("subnets"):
                return f"{prefix} of {name} lies among the records of {other}; take another prefix"
    return ""


APART = Check(("networks", "etcd-prefix"), _distinct)
