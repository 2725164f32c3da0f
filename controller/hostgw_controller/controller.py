"""The wiring of the controller: what is made of what, and what runs beside what.

This first form only reads. No packet depends on it: where it is away, the nodes go on as they are,
and only nobody tells what is wrong between them.
"""

from __future__ import annotations

import asyncio
import time

from hostgw_controller.auditor import Auditor, Report
from hostgw_controller.metrics import Metrics
from hostgw_controller.settings import Settings
from hostgw_controller.web import serve
from hostgw_core import __version__, logs
from hostgw_core.etcd import Etcd, EtcdSettings
from hostgw_core.keys import Keys
from hostgw_core.store import Span, Store
from hostgw_core.supervise import Work, run_together
from hostgw_core.view import View

_log = logs.get()


class Controller:
    """Everything but the store's connection and the server: what the web and the tests look at."""

    def __init__(self, store: Store, prefix: str) -> None:
        keys = Keys(prefix)
        self._auditor = Auditor(keys, self._tell, clock=time.monotonic, now=time.time)
        spans = (Span(keys.config), keys.subnets, keys.subnets6, keys.reservations)
        self._view = View(store, *spans, seen=self._auditor.seen, clock=time.monotonic)
        self._told: frozenset[str] = frozenset()
        self._metrics = Metrics(
            report=lambda: self.report,
            connected=lambda: self._view.state.connected,
            version=__version__,
        )

    @property
    def report(self) -> Report | None:
        """The latest audit, if there has been one."""
        return self._auditor.report

    @property
    def works(self) -> dict[str, Work]:
        """What has to run."""
        return {"view": self._view.run, "audit": self._auditor.run}

    def obstacles(self) -> tuple[str, ...]:
        """Why what is shown may not be what is: sentences, none when all is known."""
        state = self._view.state
        if not state.connected:
            return (f"the store is not being watched: {state.error}",)
        if self.report is None:
            return ("the first audit has not ended",)
        return ()

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Give the metrics and their content type."""
        return self._metrics.exposition(accept)

    def _tell(self, report: Report) -> None:
        """Log each finding when it comes and when it is over."""
        now = {finding.sentence: finding for finding in report.findings.findings}
        for sentence, finding in now.items():
            if sentence not in self._told:
                _log.warning("Found something wrong", kind=finding.kind, sentence=sentence)
        for sentence in self._told - now.keys():
            _log.info("It is over", sentence=sentence)
        self._told = frozenset(now)


async def control(settings: Settings, stop: asyncio.Event) -> None:
    """Run until `stop` is set. Raise the ExceptionGroup of what failed."""
    async with Etcd(EtcdSettings.of(settings)) as store:
        controller = Controller(store, settings.etcd_prefix)
        works = controller.works
        listen = settings.http_address
        if listen is not None:
            works["web"] = lambda: serve(
                controller, listen, listening=lambda: _log.info("Listening", address=listen)
            )
        await run_together(works, stop)
