"""Which interface leads to the other nodes: flannel's settings, and two of our own."""

from __future__ import annotations

from hostgw_core.settings import Setting, kinds

INTERFACE = (
    Setting(
        name="iface",
        kind=kinds.INTERFACE,
        repeatable=True,
        separator=",",
        flannel=True,
        help="The interface, or an address on it, that leads to the other nodes. The first that "
        "is there is taken. Without any of these settings: the one with --public-ip, else the one "
        "with the default route.",
    ),
    Setting(
        name="iface-regex",
        kind=kinds.REGEX,
        repeatable=True,
        flannel=True,
        help="A regular expression for the interface's name or address, tried after --iface.",
    ),
    Setting(
        name="iface-can-reach",
        kind=kinds.address(),
        flannel=True,
        help="The interface by which the kernel would reach this address, tried after "
        "--iface-regex.",
    ),
    Setting(
        name="iface-cidr",
        kind=kinds.NETWORK,
        repeatable=True,
        separator=",",
        help="The interface that has an address in this network, tried after --iface-can-reach.",
    ),
    Setting(
        name="iface-skip",
        kind=kinds.PATTERN,
        repeatable=True,
        separator=",",
        help="An interface, or a shell's pattern such as docker*, that is not taken unless --iface "
        "names it.",
    ),
    Setting(
        name="ecmp-iface",
        kind=kinds.LINK,
        repeatable=True,
        separator=",",
        help="A further interface that leads to the other nodes. Its address is told with the "
        "lease, and peers that tell one of theirs on it are reached by both interfaces.",
    ),
    Setting(
        name="public-ip",
        kind=kinds.address(4),
        flannel=True,
        help="The IPv4 address by which the other nodes reach this one; by default the interface's "
        "first. It must be on the interface.",
    ),
    Setting(
        name="public-ipv6",
        kind=kinds.address(6),
        flannel=True,
        help="The same for IPv6.",
    ),
)
