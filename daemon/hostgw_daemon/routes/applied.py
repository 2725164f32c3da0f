"""Up to which change of the network's records the routes are in the kernel: what a node tells.

It is the revision of such a change, and not the store's, which grows with everything that anybody
writes: a cluster that stands still has nothing to tell. Our own lease makes no route and counts for
nothing.
"""

from __future__ import annotations

from hostgw_daemon.routes.peers import PeerState
from hostgw_daemon.routes.report import PassKind, Report
from hostgw_daemon.routes.understanding import News, Understanding


class Applied:
    """Follows one network. `revision` is 0 until its routes are in the kernel."""

    def __init__(self) -> None:
        self._asked = 0
        self.revision = 0

    def understood(self, news: News) -> None:
        """Take a change of the records."""
        now, roster = news.now, news.now.roster
        if now.headless or roster is None:
            return
        revision = now.snapshot.header.revision
        if news.moved is None:
            latest = _latest(now)
            # A list may be of another history; and what was deleted before it, nobody can tell.
            self._asked = latest if revision < self._asked else max(self._asked, latest)
        elif any(_is_others(now, key) for key in news.moved):
            self._asked = revision

    def passed(self, report: Report) -> None:
        """Take a pass over the routes that has ended."""
        if report.kind is not PassKind.RESTORE and report.revision >= self._asked:
            self.revision = self._asked


def _is_others(now: Understanding, key: bytes) -> bool:
    peer = now.roster.peers.get(key) if now.roster is not None else None
    return peer is None or peer.state is not PeerState.SELF


def _latest(now: Understanding) -> int:
    """Give the revision of the record that was written last: a lease, or the network itself."""
    peers = now.roster.peers.values() if now.roster is not None else ()
    leases = (peer.lease.modified for peer in peers if peer.state is not PeerState.SELF)
    return max(leases, default=0) if now.config is None else max(now.config.revision, *leases, 0)
