"""The fields of a configuration, read the way Go's encoding/json reads them into flannel's types.

One wrong field does not hide the next: each is noted as a problem with its cure, and reading goes
on with what an absent field would mean.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Final

import msgspec

from hostgw_core.keys import quoted
from hostgw_core.model import Family, IPAddress, IPNetwork

MAX_VALUE: Final = 64 * 1024
"""The longest configuration that is looked at, in bytes."""

_NAMES: Final = (
    *("EnableIPv4", "Network", "SubnetLen", "SubnetMin", "SubnetMax", "Networks"),
    *("EnableIPv6", "IPv6Network", "IPv6SubnetLen", "IPv6SubnetMin", "IPv6SubnetMax"),
    *("IPv6Networks", "EnableNFTables", "Backend"),
)
_KNOWN: Final = {name.casefold(): name for name in _NAMES}


@dataclass(slots=True)
class Notes:
    """What is said about a configuration while it is read: sentences that name its source."""

    source: str
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def problem(self, what: str, cure: str) -> None:
        """Note something that keeps the configuration from being used."""
        self.problems.append(f"{self.source}: {what}; {cure}")

    def remark(self, what: str) -> None:
        """Note something that hinders nothing."""
        self.remarks.append(f"{self.source}: {what}")


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields that were given, under flannel's spelling of their names."""

    values: dict[str, Any]
    notes: Notes

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def flag(self, name: str, *, default: bool) -> bool:
        """Give true or false."""
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        self.notes.problem(f"{name} is {shown(value)}", "write true or false, without quotes")
        return default

    def number(self, name: str) -> int:
        """Give a length; 0 when there is none."""
        value = self.values.get(name)
        if value is None:
            return 0
        # Exactly int: JSON's true would be one too.
        if type(value) is int and 0 <= value < 1 << 32:
            return value
        self.notes.problem(f"{name} is {shown(value)}", "write a small number, without quotes")
        return 0

    def network(self, name: str, *, version: Family, example: str) -> IPNetwork | None:
        """Give a network with the bits behind its prefix cleared; None when there is none."""
        if name not in self.values:
            return None
        value = self.values[name]
        network = _network(value)
        if network is None:
            cure = f'write an address and a length, like "{example}"'
        elif network.version != version:
            cure = "IPv4 belongs into Network, IPv6 into IPv6Network"
        else:
            if str(network) != value:
                self.notes.remark(f"{name} {shown(value)} is taken for {network}")
            return network
        self.notes.problem(f"{name} is {shown(value)}", cure)
        return None

    def address(self, name: str, *, version: Family) -> IPAddress | None:
        """Give an address; None when there is none, or when it is zero."""
        # flannel holds an IPv6 address as a pointer, which null empties, an IPv4 one as a number.
        if name not in self.values or (version == 6 and self.values[name] is None):
            return None
        value = self.values[name]
        address = _address(value)
        if address is None or address.version != version:
            cure = f"write the first IPv{version} address of a subnet, in quotes"
            self.notes.problem(f"{name} is {shown(value)}", cure)
            return None
        return address if int(address) else None


def read_fields(value: bytes, notes: Notes) -> Fields | None:
    """Decode a JSON object; None, and a problem in the notes, when there is none."""
    raw = _decoded(value)
    if not isinstance(raw, dict):
        what = raw.args[0] if isinstance(raw, ValueError) else f"it is {shown(raw)}, not an object"
        notes.problem(what, 'write a JSON object, like {"Network": ..., "Backend": ...}')
        return None
    values: dict[str, Any] = {}
    for given, each in raw.items():
        name = _KNOWN.get(given.casefold())
        if name is None:
            notes.remark(f"the unknown field {quoted(given)} is ignored")
        # In Go null leaves a flag or a number as it is.
        elif each is not None or name not in values:
            values[name] = each
    return Fields(values, notes)


def shown(value: Any) -> str:
    """Show a decoded value in a sentence."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return quoted(msgspec.json.encode(value)).strip("'")


def _decoded(value: bytes) -> Any:
    if len(value) > MAX_VALUE:
        return ValueError(f"it is longer than {MAX_VALUE} bytes")
    try:
        return msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return ValueError(f"it is not JSON ({error})")


def _network(value: Any) -> IPNetwork | None:
    """Read a network as Go's net.ParseCIDR does."""
    if not isinstance(value, str):
        return None
    address, slash, length = value.partition("/")
    if not slash or not (length.isascii() and length.isdigit()) or len(length) > 3:
        return None
    first = _address(address)
    if first is None or int(length) > first.max_prefixlen:
        return None
    if isinstance(first, IPv4Address):
        return IPv4Network((first, int(length)), strict=False)
    return IPv6Network((first, int(length)), strict=False)


def _address(value: Any) -> IPAddress | None:
    """Read an address as Go's net.ParseIP does: no zone, and no number taken for one."""
    if not isinstance(value, str) or "%" in value:
        return None
    try:
        return IPv6Address(value) if ":" in value else IPv4Address(value)
    except ValueError:
        return None
