"""What the controller serves over HTTP: health, metrics and findings; read-only, nothing secret.

| path | says |
|---|---|
| `/livez`, `/healthz` | 200 while the event loop turns; never depends on the store |
| `/readyz`, `/startupz` | 200 when all is known; 503 and what is missing, a sentence a line |
| `/metrics` | OpenMetrics or Prometheus text, as the Accept header asks |
| `/v1/findings` | the latest audit as JSON |
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from aiohttp import web

from hostgw_controller.auditor import Report
from hostgw_core.settings import Listen


class Sight(Protocol):
    """What there is to be served, asked for at each request."""

    @property
    def report(self) -> Report | None:
        """The latest audit, if there has been one."""

    def obstacles(self) -> tuple[str, ...]:
        """Why the controller is not ready: sentences, none when it is."""

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Give the metrics and their content type."""


def application(sight: Sight) -> web.Application:
    """Make the application; it keeps no state."""

    async def live(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        missing = sight.obstacles()
        return web.Response(
            status=503 if missing else 200, text="\n".join(missing or ("ok",)) + "\n"
        )

    async def metrics(request: web.Request) -> web.Response:
        body, kind = sight.exposition(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": kind})

    async def findings(_: web.Request) -> web.Response:
        report = sight.report
        if report is None:
            return web.json_response({"error": "the store has not been seen yet"}, status=503)
        return web.json_response(document(report))

    made = web.Application()
    for path, answer in (
        ("/livez", live),
        ("/healthz", live),
        ("/readyz", ready),
        ("/startupz", ready),
        ("/metrics", metrics),
        ("/v1/findings", findings),
    ):
        made.router.add_get(path, answer)
    return made


def document(report: Report) -> dict[str, Any]:
    """Give a report as it is served."""
    occupancy = report.findings.occupancy
    return {
        "revision": report.revision,
        "leases": report.findings.leases,
        "subnets": {
            "total": occupancy.total,
            "leased": occupancy.leased,
            "reserved": occupancy.reserved,
            "free": occupancy.free,
        },
        "findings": [
            {
                "kind": finding.kind,
                "subject": finding.subject,
                "keys": [key.decode(errors="backslashreplace") for key in finding.keys],
                "sentence": finding.sentence,
            }
            for finding in report.findings.findings
        ],
    }


async def serve(sight: Sight, listen: Listen, *, listening: Callable[[], None]) -> NoReturn:
    """Serve until cancelled; call `listening` once it does. Raise OSError: the port is taken."""
    runner = web.AppRunner(application(sight), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, listen.host or None, listen.port).start()
        listening()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
    raise AssertionError("an event that nobody sets was set")
