"""Who has one address with whom: the notes of the nodes that want the address of another one.

Every node reads them, so that each can say of both nodes what is wrong with them. There is none on
most days; one costs each node what one lease costs. A note that cannot be read is passed over: it
is in the way of nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hostgw_core.keys import Keys
from hostgw_core.records import Dispute, dispute_of
from hostgw_core.store import Change, Deleted, Entry


def disputes_in(keys: Keys, entries: Iterable[Entry]) -> Mapping[bytes, Dispute]:
    """Read those among all entries, by their keys."""
    found = (dispute_of(keys, entry) for entry in entries if entry.key in keys.disputes)
    return {each.key: each for each in found if isinstance(each, Dispute)}


def amended(
    before: Mapping[bytes, Dispute], keys: Keys, changes: Iterable[Change]
) -> Mapping[bytes, Dispute]:
    """Give those that there are after some changes; the very same where none is among these."""
    touched = [change for change in changes if change.key in keys.disputes]
    if not touched:
        return before
    entries = [change for change in touched if not isinstance(change, Deleted)]
    gone = {change.key for change in touched}
    kept = {key: each for key, each in before.items() if key not in gone}
    return kept | dict(disputes_in(keys, entries))
