"""The listeners: one task a place, opened after the first pass, tried again while a place is busy.

The routes come first: what carries HTTP is not even imported before the first pass is done, or
`PATIENCE` has passed without one, because a node that waits must be able to say what it waits for.

A client that cannot be accepted, for want of a descriptor, is told of by the event loop alone, once
a second. It is a condition, over with the next client that is.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hostgw_core.backoff import Backoff
from hostgw_core.logs import Logger
from hostgw_core.supervise import persistent
from hostgw_daemon.told.listen import Place

if TYPE_CHECKING:
    from hostgw_daemon.told.web import Waiting

PATIENCE = 1.0  # seconds
_ACCEPTING = "accepting"  # beside the names of the places
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Listeners:
    """Serves `view` on every place. `told` gets the condition's code and what is wrong, or ""."""

    def __init__(
        self,
        view: Waiting,
        places: Sequence[Place],
        *,
        told: Callable[[str, str], None],
        log: Logger,
    ) -> None:
        self._view = view
        self._places = places
        self._told = told
        self._log = log
        self._first_pass = asyncio.Event()
        self._troubles: dict[str, str] = {}

    def open(self) -> None:
        """Say that the first pass is done."""
        self._first_pass.set()

    async def run(self) -> None:
        """Serve for ever."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._first_pass.wait()
        except TimeoutError:
            pass
        asyncio.get_running_loop().set_exception_handler(self._complained)
        async with asyncio.TaskGroup() as group:
            for place in self._places:
                group.create_task(self._serve(place), name=f"web {place}")

    async def _serve(self, place: Place) -> None:
        from hostgw_daemon.told.web import serve  # noqa: PLC0415 - see above

        name = str(place)

        def opened(address: str) -> None:
            self._log.info("Serves health and metrics", address=address)
            self._tell(name, "")

        def accepted() -> None:
            if _ACCEPTING in self._troubles:
                self._tell(_ACCEPTING, "")

        def failed(error: Exception, _pause: float) -> None:
            self._tell(name, str(error))

        def broke(path: str, error: Exception) -> None:
            self._log.error("A request could not be answered", path=path, exc_info=error)

        async def work() -> None:
            await serve(self._view, place, opened=opened, failed=broke, accepted=accepted)

        await persistent(work, backoff=Backoff(0.5, 30.0), failed=failed)

    def _complained(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Take what the event loop complains of, which has nobody else to hear it."""
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _EXHAUSTED:
            loop.default_exception_handler(context)
        elif _ACCEPTING not in self._troubles:
            self._tell(
                _ACCEPTING,
                f"no client can be accepted: {error.strerror}; raise the limit (LimitNOFILE=)",
            )

    def _tell(self, place: str, trouble: str) -> None:
        self._troubles.pop(place, None)
        if trouble:
            self._troubles[place] = trouble
        self._told("listener_failing", "; ".join(self._troubles.values()))
