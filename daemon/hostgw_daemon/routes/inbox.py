"""What has rung since the reconciler looked last. Nothing that rang is forgotten before it is done.

A pass takes what is there; should it fail, it gives it back. `anew` says that the whole must be
aimed at again (a list of the store, another link): what else rings then waits for that full pass,
because the small ones know only differences to what was aimed at before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hostgw_daemon.kernel import Route


@dataclass(slots=True)
class Inbox:
    """The keys whose peer moved, the routes that were lost, and when the store told of it.

    `seen` are moments in seconds of time.monotonic; `why` says what moved the peers.
    """

    anew: bool = True
    moved: set[bytes] = field(default_factory=set)
    lost: set[Route] = field(default_factory=set)
    seen: list[float] = field(default_factory=list)
    why: set[str] = field(default_factory=set)

    def take(self) -> Inbox:
        """Empty it, and give what was in it."""
        taken = Inbox(self.anew, self.moved, self.lost, self.seen, self.why)
        self.anew, self.moved, self.lost, self.seen, self.why = False, set(), set(), [], set()
        return taken

    def give_back(self, taken: Inbox) -> None:
        """Take back what a pass that failed had taken: a full pass is what is left to do."""
        self.anew = True
        self.moved |= taken.moved
        self.lost |= taken.lost
        self.seen = taken.seen + self.seen
        self.why |= taken.why
