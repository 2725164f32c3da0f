"""A reservation: a subnet that is kept for one node, whether it lives or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from hostgw_core.keys import Keys
from hostgw_core.model import Refusal, Subnets
from hostgw_core.records.wire import Name, decode, encode, malformed
from hostgw_core.store import Entry


class _ReservationValue(msgspec.Struct):
    node: Name = msgspec.field(name="Node", default="")
    node_id: Name = msgspec.field(name="NodeID", default="")


_RESERVATION: Final = msgspec.json.Decoder(_ReservationValue)


@dataclass(frozen=True, slots=True)
class Reservation:
    """A subnet kept for one node: by its id, or by its name as long as it has none."""

    key: bytes
    subnets: Subnets
    node: str = ""
    node_id: str = ""
    modified: int = 0

    def meant_for(self, *, node: str, node_id: str) -> bool:
        """Tell whether this node may take it: the id decides where there is one."""
        return self.node_id == node_id if self.node_id else self.node == node


def reservation_of(keys: Keys, entry: Entry) -> Reservation | Refusal:
    """Read a reservation. The refusals: `malformed_key`, `malformed_value`."""
    subnets = keys.reserved_by(entry.key)
    if isinstance(subnets, Refusal):
        return subnets
    value = decode(_RESERVATION, entry)
    if isinstance(value, Refusal):
        return value
    if not (value.node or value.node_id):
        return malformed(entry, "a reservation names a Node or a NodeID")
    if not (value.node.isprintable() and value.node_id.isprintable()):
        return malformed(entry, "Node and NodeID must be printable")
    return Reservation(entry.key, subnets, value.node, value.node_id, entry.modified)


def reservation_value(*, node: str = "", node_id: str = "") -> bytes:
    """Write a reservation's value; the subnet is in its key."""
    return encode(_ReservationValue(node, node_id))
