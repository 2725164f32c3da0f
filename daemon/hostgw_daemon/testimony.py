"""What this node says of itself in one network's store, wired: what is wrong, what it routes by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from hostgw_daemon.claim.announcement import Announcement
from hostgw_daemon.claim.telling import Telling
from hostgw_daemon.routes.applied import Applied
from hostgw_daemon.routes.report import Report
from hostgw_daemon.routes.understanding import News, Understanding


class Testimony:
    """`now` gives how the network is understood; `clock` is CLOCK_BOOTTIME."""

    def __init__(
        self,
        announcement: Announcement,
        *,
        now: Callable[[], Understanding | None],
        clock: Callable[[], float],
    ) -> None:
        self._now = now
        self._applied = Applied()
        self._telling = Telling(announcement, crowd=self._crowd, clock=clock)

    @property
    def run(self) -> Callable[[], Awaitable[object]]:
        """The task that writes it."""
        return self._telling.run

    def understood(self, news: News) -> None:
        """Take a change of the records."""
        self._applied.understood(news)

    def passed(self, report: Report, network: str) -> None:
        """Take note of a pass over the routes of all networks; this one has that name."""
        self._applied.passed(report, network)
        self._telling.applied(self._applied.revision, self._applied.withdrawn)

    def stand(self, conditions: Iterable[str], *, full: bool) -> None:
        """Take the codes of what is wrong here, and whether the store is full."""
        self._telling.stand(conditions, full=full)

    def _crowd(self) -> int:
        now = self._now()
        return len(now.roster.peers) if now is not None and now.roster is not None else 0
