"""A dispute: the note of a node that wants the address of another one, which lives and has it.

Its value is the presence of the node that wants the address, so that whoever reads it can name
that node and the address; its key names both by their ids.
"""

from __future__ import annotations

from dataclasses import dataclass

from hostgw_core.keys import Keys
from hostgw_core.model import Presence, Refusal
from hostgw_core.records.presence import presence_in
from hostgw_core.store import Entry


@dataclass(frozen=True, slots=True)
class Dispute:
    """The node `holder` has the address of `claimant`; `modified` is when that was written last.

    `claimant` says who it is and at which addresses, as in its presence.
    """

    key: bytes
    holder: str
    claimant: Presence
    modified: int = 0


def dispute_of(keys: Keys, entry: Entry) -> Dispute | Refusal:
    """Read a dispute. The refusals: `malformed_key`, `malformed_value`."""
    parties = keys.parties_of(entry.key)
    if isinstance(parties, Refusal):
        return parties
    holder, node_id = parties
    claimant = presence_in(entry, node_id)
    if isinstance(claimant, Refusal):
        return claimant
    return Dispute(entry.key, holder, claimant, entry.modified)
