"""Up to which change of the network's records the routes are in the kernel: what a node tells.

It is the revision of such a change, and not the store's, which grows with everything that anybody
writes: a cluster that stands still has nothing to tell. Our own lease makes no route and counts for
nothing.

A node that leaves on purpose puts its lease in quarantine and waits for this: whoever has applied
the revision at which that was written routes to it no more.
"""

from __future__ import annotations

from collections.abc import Iterable

from hostgw_core.model import Lease
from hostgw_core.records import lease_of
from hostgw_daemon.kernel import Outcome, Verb, Verdict
from hostgw_daemon.routes.peers import QUARANTINED, PeerState
from hostgw_daemon.routes.report import ONLY, PassKind, Report
from hostgw_daemon.routes.understanding import News, Understanding


class Applied:
    """Follows one network. `revision` is 0 until its routes are in the kernel.

    `withdrawn` is the revision at which another node's lease was withdrawn on purpose last, 0 for
    never: that node waits to be told of it.
    """

    def __init__(self) -> None:
        self._asked = 0
        self.revision = 0
        self.withdrawn = 0

    def understood(self, news: News) -> None:
        """Take a change of the records."""
        now, roster = news.now, news.now.roster
        if now.headless or roster is None:
            return
        revision = now.snapshot.header.revision
        if news.moved is None:
            self.withdrawn = _withdrawn(now, roster.refusals)
            latest = max(_latest(now), self.withdrawn)
            # A list may be of another history; and what was deleted before it, nobody can tell.
            self._asked = latest if revision < self._asked else max(self._asked, latest)
        elif any(_is_others(now, key) for key in news.moved):
            self.withdrawn = max(self.withdrawn, _withdrawn(now, news.moved))
            self._asked = revision

    def passed(self, report: Report, network: str = ONLY) -> None:
        """Take a pass over the routes that has ended, for the network of this name."""
        if report.kind is PassKind.RESTORE or any(map(_stays, report.troubles)):
            return
        if report.revisions.get(network, 0) >= self._asked:
            self.revision = self._asked


def _stays(trouble: Outcome) -> bool:
    """Tell whether a route is still there that had to go."""
    return trouble.write.verb is Verb.DELETE and trouble.verdict is Verdict.FAILED


def _is_others(now: Understanding, key: bytes) -> bool:
    peer = now.roster.peers.get(key) if now.roster is not None else None
    return peer is None or peer.state is not PeerState.SELF


def _withdrawn(now: Understanding, keys: Iterable[bytes]) -> int:
    """Give when the last of these that is in quarantine was written; ours does not count."""
    assert now.roster is not None
    found = 0
    for key in keys:
        refusal, entry = now.roster.refusals.get(key), now.snapshot.entries.get(key)
        if refusal is None or refusal.reason != QUARANTINED or entry is None:
            continue
        lease = lease_of(now.roster.policy.keys, entry, any_backend=True)
        if isinstance(lease, Lease) and lease.node_id != now.roster.policy.node_id:
            found = max(found, entry.modified)
    return found


def _latest(now: Understanding) -> int:
    """Give the revision of the record that was written last: a lease, or the network itself."""
    peers = now.roster.peers.values() if now.roster is not None else ()
    leases = (peer.lease.modified for peer in peers if peer.state is not PeerState.SELF)
    return max(leases, default=0) if now.config is None else max(now.config.revision, *leases, 0)
