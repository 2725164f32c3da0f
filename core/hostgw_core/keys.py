"""The names of everything in the store: what a key says, and which key says it.

Everything lies under one prefix, `/coreos.com/network` by default, which is flannel's own. The key
of a lease *is* its subnets, in flannel's spelling: `10.5.52.0-24`, or `10.5.52.0-24&fd00:5::-64`
for both families in one key (flannel's `pkg/subnet/subnet.go`). Keys that flannel could not parse
lie under `<prefix>/hostgw/`, where it never looks: it lists everything that begins with
`<prefix>/subnets`, without a slash, so nothing else of ours may begin so.

flannel finds a subnet by a regular expression that is not anchored at its start and takes any
character for a dot. Here every subnet has exactly one key, and any other spelling of it is refused:
two keys for one subnet would be two owners, and no transaction that compares one would see the
other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Network, IPv6Network, NetmaskValueError
from typing import Final

from hostgw_core.model import IPNetwork, Refusal, Subnets
from hostgw_core.store import Span

SHOWN: Final = 120
"""How many characters of a foreign text a sentence quotes at most."""

_OCTET = r"(?:0|[1-9][0-9]{0,2})"
_KEY4 = rf"(?P<ipv4>{_OCTET}(?:\.{_OCTET}){{3}})-(?P<length4>0|[1-9][0-9]?)"
_KEY6 = r"(?P<ipv6>[0-9a-f:]{2,39})-(?P<length6>0|[1-9][0-9]{0,2})"
_WITH_IPV4 = re.compile(rf"{_KEY4}(?:&{_KEY6})?")
_IPV6_ONLY = re.compile(_KEY6)
_NODE_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,252}")


def quoted(text: bytes | str) -> str:
    """Show a foreign text in a sentence: printable, in quotes, cut when it is long."""
    if isinstance(text, bytes):
        text = text[: SHOWN + 1].decode(errors="backslashreplace")
    shown = ascii(text[:SHOWN])
    # What is no ASCII takes up to ten characters each.
    return shown if len(text) <= SHOWN and len(shown) <= 4 * SHOWN else shown[: 4 * SHOWN] + "..."


def subnet_name(subnets: Subnets) -> str:
    """Give flannel's spelling of the subnets; that of IPv6 alone is ours.

    Raise ValueError when there is no subnet to name.
    """
    parts = [f"{subnet.network_address}-{subnet.prefixlen}" for subnet in subnets]
    if not parts:
        raise ValueError("no subnet has no name")
    return "&".join(parts)


def is_node_id(text: str) -> bool:
    """Tell whether the text may be a node id: a short word without a slash or a space."""
    return _NODE_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys and spans under one prefix, which is kept without a slash at its end.

    Doubled slashes count as one, as flannel's `path.Join` has it.
    """

    prefix: str
    config: bytes = field(init=False, repr=False, compare=False)
    subnets: Span = field(init=False, repr=False, compare=False)
    subnets6: Span = field(init=False, repr=False, compare=False)
    reservations: Span = field(init=False, repr=False, compare=False)
    nodes: Span = field(init=False, repr=False, compare=False)
    disputes: Span = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        base = re.sub("/+", "/", self.prefix).removesuffix("/")
        # The one way to set a field of a frozen value while it is being made.
        put = object.__setattr__
        put(self, "prefix", base)
        put(self, "config", f"{base}/config".encode())
        for name, path in (
            ("subnets", "subnets"),
            ("subnets6", "hostgw/subnets6"),
            ("reservations", "hostgw/reservations"),
            ("nodes", "hostgw/nodes"),
            ("disputes", "hostgw/disputes"),
        ):
            put(self, name, Span.under(f"{base}/{path}/".encode()))

    def lease(self, subnets: Subnets) -> bytes:
        """Name the lease of these subnets. Raise ValueError when there are none."""
        return self._leases(subnets).start + subnet_name(subnets).encode()

    def reservation(self, subnets: Subnets) -> bytes:
        """Name the reservation of these subnets. Raise ValueError when there are none."""
        return self.reservations.start + subnet_name(subnets).encode()

    def node(self, node_id: str) -> bytes:
        """Name the presence of a node. Raise ValueError when the text cannot be a node id."""
        if not is_node_id(node_id):
            raise ValueError(f"{quoted(node_id)} is not a node id")
        return self.nodes.start + node_id.encode()

    def dispute(self, holder: str, claimant: str) -> bytes:
        """Name the note of one node that it wants the address of another.

        Raise ValueError when a text cannot be a node id.
        """
        if bad := next((each for each in (holder, claimant) if not is_node_id(each)), None):
            raise ValueError(f"{quoted(bad)} is not a node id")
        return self.disputes.start + f"{holder}/{claimant}".encode()

    def heard_by(self, node_id: str) -> tuple[Span, ...]:
        """Give what a node watches: the network, every lease and dispute, and its own presence."""
        itself = Span(self.node(node_id))
        return Span(self.config), self.subnets, self.subnets6, self.disputes, itself

    def block(self, subnets: Subnets) -> Span:
        """Give the range in which every key lies that leases a subnet with this first address.

        For IPv4 that is [`A.B.C.D-`, `A.B.C.D.`): the subnet alone, with whatever IPv6 subnet, and
        with another length. A claim compares the whole range, because a dual-stack key is another
        key for the same IPv4 subnet.
        """
        return _block(self._leases(subnets), subnets)

    def reservation_block(self, subnets: Subnets) -> Span:
        """Give the range in which every reservation lies that has this first address."""
        return _block(self.reservations, subnets)

    def subnets_of(self, key: bytes) -> Subnets | Refusal:
        """Read the subnets that a lease's key names, or say what is wrong with it."""
        if key.startswith(self.subnets.start):
            return _parse(key, key[len(self.subnets.start) :], _WITH_IPV4)
        if key.startswith(self.subnets6.start):
            return _parse(key, key[len(self.subnets6.start) :], _IPV6_ONLY)
        return _malformed(key, f"it does not lie under {quoted(self.subnets.start)}")

    def reserved_by(self, key: bytes) -> Subnets | Refusal:
        """Read the subnets that a reservation's key names, or say what is wrong with it."""
        if not key.startswith(self.reservations.start):
            return _malformed(key, f"it does not lie under {quoted(self.reservations.start)}")
        name = key[len(self.reservations.start) :]
        return _parse(key, name, _WITH_IPV4 if b"." in name else _IPV6_ONLY)

    def node_of(self, key: bytes) -> str | Refusal:
        """Read the node id that a presence's key names, or say what is wrong with it."""
        if key.startswith(self.nodes.start):
            node_id = key[len(self.nodes.start) :].decode(errors="replace")
            if is_node_id(node_id):
                return node_id
        return _malformed(key, f"it is not a node id under {quoted(self.nodes.start)}")

    def parties_of(self, key: bytes) -> tuple[str, str] | Refusal:
        """Read the node ids that a dispute's key names: who has the address, and who wants it."""
        if key in self.disputes:
            name = key[len(self.disputes.start) :].decode(errors="replace")
            holder, _, claimant = name.partition("/")
            if is_node_id(holder) and is_node_id(claimant) and holder != claimant:
                return holder, claimant
        return _malformed(
            key, f"it is not the ids of two nodes under {quoted(self.disputes.start)}"
        )

    def _leases(self, subnets: Subnets) -> Span:
        return self.subnets6 if subnets.ipv4 is None else self.subnets


def _block(span: Span, subnets: Subnets) -> Span:
    for subnet in subnets:
        return Span.under(span.start + f"{subnet.network_address}-".encode())
    raise ValueError("no subnet has no range of keys")


def _malformed(key: bytes, why: str) -> Refusal:
    return Refusal(
        key, "malformed_key", f"the key {quoted(key)} is not used: {why}; delete it or rename it"
    )


def _parse(key: bytes, name: bytes, spelling: re.Pattern[str]) -> Subnets | Refusal:
    match = spelling.fullmatch(name.decode("ascii", errors="replace"))
    if match is None:
        return _malformed(key, "it does not spell a subnet, like 10.5.52.0-24")
    parts = match.groupdict()
    try:
        ipv4 = _ipv4(parts["ipv4"], int(parts["length4"])) if parts.get("ipv4") else None
        ipv6 = IPv6Network((parts["ipv6"], parts["length6"])) if parts.get("ipv6") else None
    except (AddressValueError, NetmaskValueError):
        return _malformed(key, "it spells no address and length that exist")
    except ValueError:
        return _malformed(key, "its address is not the first one of a subnet of that length")
    # An IPv6 address has many spellings, of which one is canonical (RFC 5952).
    if ipv6 is not None and str(ipv6.network_address) != parts["ipv6"]:
        return _malformed(key, f"the usual spelling of that subnet is {ipv6.network_address}")
    return Subnets(ipv4, ipv6)


def _ipv4(text: str, length: int) -> IPv4Network:
    """Make a subnet of four octets that are spelled right: quicker than to read them once more."""
    first, second, third, fourth = map(int, text.split("."))
    if max(first, second, third, fourth) > 255:
        raise AddressValueError(text)
    return IPv4Network((first << 24 | second << 16 | third << 8 | fourth, length))


def networks_in(subnets: Subnets | Refusal) -> tuple[IPNetwork, ...]:
    """Give the subnets that a key takes, none when it was refused."""
    return () if isinstance(subnets, Refusal) else tuple(subnets)
