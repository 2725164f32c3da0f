"""The values of the store: decoded to a frozen value or a refusal, never to an exception.

A lease's value is flannel's (`pkg/lease/lease.go`, LeaseAttrs), field for field and in its order,
with two fields more that flannel ignores: `Node` and `NodeID`, because an address is no identity.
The other values are ours and follow its manner: one flat JSON object, names in capitals.

What others wrote is not trusted: it is bounded, unknown fields are ignored, and an address that
cannot be anybody's gateway spoils its record, and only its record.
"""

from hostgw_core.records.dispute import Dispute, dispute_of
from hostgw_core.records.lease import lease_of, lease_value, readable_of, usable_gateway
from hostgw_core.records.presence import Status, presence_of, presence_value, status_of
from hostgw_core.records.reservation import Reservation, reservation_of, reservation_value

__all__ = [
    "Dispute",
    "Reservation",
    "Status",
    "dispute_of",
    "lease_of",
    "lease_value",
    "presence_of",
    "presence_value",
    "readable_of",
    "reservation_of",
    "reservation_value",
    "status_of",
    "usable_gateway",
]
