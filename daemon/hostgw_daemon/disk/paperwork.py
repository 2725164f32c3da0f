"""The loop that keeps files as they must be: level, not edge, and never in the event loop.

What a file must hold is said with `want`, that it must not be there with `want_none`. It is written
in a thread, because a sync may take as long as a disk does, and tried again for as long as it
fails. A disk that is full or gone is a trouble with a sentence, and nothing else: no route waits
for it.

Others may change or remove the file, and nobody tells: so it is looked at again every `AUDIT`. One
that was removed is not looked for again: what comes in its place is somebody else's.

A daemon that stops writes what it has not written yet, once, and within `FLUSH`: the next one
begins with what this one knew last, and not with what it knew before it gathered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import Final, Generic, NoReturn, TypeVar

from hostgw_core.backoff import Backoff, around
from hostgw_core.wake import Wake
from hostgw_daemon.halt import Halt

T = TypeVar("T")


class Absence(Enum):
    """What a file holds that must not be there."""

    ABSENT = "absent"


ABSENT: Final = Absence.ABSENT

AUDIT = 60.0  # seconds between two looks that nobody asked for
GATHER = 0.2  # seconds by default: what changes together is written once
FLUSH = 3.0  # seconds that a stop waits for the disk


class Paperwork(Generic[T]):
    """Keeps one file. `write` blocks, raises OSError, and does nothing for content that stands.

    So does `remove`, for a file that is not there; without one nobody may want it to be absent.
    `done` is called after each write that worked, and with the trouble after each that did not.
    While it is halted nothing is written.
    """

    def __init__(
        self,
        write: Callable[[T], object],
        *,
        done: Callable[[str], None],
        remove: Callable[[], object] | None = None,
        audit: float = AUDIT,
        gather: float = GATHER,
        halt: Halt | None = None,
    ) -> None:
        self._write = write
        self._done = done
        self._remove = remove
        self._audit = audit
        self._gather = gather
        self._wanted: T | Absence | None = None
        self._wake = Wake()
        self._backoff = Backoff(0.5, 30.0)
        self._writing: asyncio.Future[object] | None = None
        self.trouble = ""
        self.written: T | Absence | None = None
        self._doubted = False  # since the write that is under way began
        # What was written last, whatever was asked for since.
        self._stands: T | Absence | None = None
        self._halt = (halt or Halt()).heed(self._wake.ring)

    def want(self, content: T) -> None:
        """Say what the file must hold from now on."""
        if content != self._wanted:
            self._wanted = content
            self._wake.ring()

    def want_none(self) -> None:
        """Say that the file must not be there from now on."""
        if self._remove is not None and self._wanted is not ABSENT:
            self._wanted = ABSENT
            self._wake.ring()

    @property
    def there(self) -> bool:
        """Whether it holds what was written last, as far as is known."""
        return self._stands is not None and self._stands is not ABSENT

    @property
    def pending(self) -> bool:
        """Whether it is known to be otherwise than it must be; others may have changed it."""
        return self._wanted != self._stands

    def again(self) -> None:
        """Look at the file anew, whatever was written last."""
        if self._wanted is not ABSENT:
            self.written, self._doubted = None, True
        self._wake.ring()

    async def run(self) -> NoReturn:
        """Write for ever; when it is cancelled, write what is left to be written."""
        pause: float | None = None
        try:
            while True:
                rung = await self._wake.wait(within=around(self._audit) if pause is None else pause)
                if not rung and not self._halt.on and self._wanted is not ABSENT:
                    self.written = None
                pause = await self.step()
                await asyncio.sleep(self._gather)
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(FLUSH):
                    await self._flush()

    async def step(self) -> float | None:
        """Write once; give the seconds until it must be tried again, None when it stands."""
        content = self._wanted
        if content is None or content == self.written or self._halt.on:
            return None
        self._doubted = False
        try:
            await self._write_out(content)
        except OSError as error:
            # What it holds now is not known: a write may fail after it was done.
            self.written, self.trouble = None, str(error)
            self._done(self.trouble)
            return self._backoff.failed()
        self._backoff.succeeded()
        self._stands = content
        self.written = None if self._doubted else content
        self.trouble = ""
        self._done("")
        return None

    async def _write_out(self, content: T | Absence) -> None:
        """Write in a thread. Raise OSError.

        A thread cannot be cancelled: who is, leaves the write to `_flush`.
        """
        loop = asyncio.get_running_loop()
        if isinstance(content, Absence):
            assert self._remove is not None
            self._writing = loop.run_in_executor(None, self._remove)
        else:
            self._writing = loop.run_in_executor(None, self._write, content)
        await asyncio.shield(self._writing)
        self._writing = None

    async def _flush(self) -> None:
        """Wait for a write that is under way, and write what is still to be written, once."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        await self.step()
