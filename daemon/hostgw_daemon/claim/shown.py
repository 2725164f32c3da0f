"""What concerns every claim in an answer of the store: by it, the view is compared with a sight."""

from __future__ import annotations

from dataclasses import dataclass

from hostgw_core.keys import Keys
from hostgw_core.store import Entry, Listing
from hostgw_daemon.claim.sight import Me


@dataclass(frozen=True, slots=True)
class Shown:
    """What concerns every claim in what was read, or is shown by the view, at a revision.

    `config` is the revision at which the network was written, `presence` that at which our presence
    was created: 0 for none, and where it is not watched.
    """

    revision: int
    config: int = 0
    presence: int = 0
    broken: bool = False

    @classmethod
    def of(
        cls, revision: int, config: Entry | None, presence: Entry | None, *, broken: bool = False
    ) -> Shown:
        """Take it from the two entries."""
        written = config.modified if config is not None else 0
        return cls(revision, written, presence.created if presence is not None else 0, broken)

    def breaks_with(self, before: Shown | None) -> bool:
        """Tell whether another history began after what was shown before."""
        return before is not None and (
            self.revision < before.revision or self.broken != before.broken
        )


def read_in(listing: Listing, keys: Keys, me: Me) -> Shown:
    """Take from what was listed what the view will be compared with."""
    own = keys.node(me.node_id)
    found = {e.key: e for e in listing.entries if e.key in (keys.config, own)}
    return Shown.of(listing.header.revision, found.get(keys.config), found.get(own))
