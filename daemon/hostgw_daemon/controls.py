"""What is done when somebody orders something of the daemon itself (`told.controls`).

A pause and a log level may be ordered for a while. A timer of the event loop ends them, so that an
operator who is called away leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from hostgw_core import logs
from hostgw_daemon import halt
from hostgw_daemon.claim.leaving import WAIT
from hostgw_daemon.halt import Halt
from hostgw_daemon.told.controls import Control, Drain, LogLevel, Obeyed, Pause, Resume, Resync


class Leave(Protocol):
    """Who leaves all networks on purpose, or claims in them again."""

    def __call__(self, *, on: bool, wait: float = WAIT) -> None:
        """Do it; `wait` is how many seconds others are waited for."""
        ...


class Controls:
    """Obeys. `look` looks at everything anew; `told` gets how a pause stands, "" for none."""

    def __init__(
        self,
        halted: Halt,
        level: logs.Control,
        *,
        look: Callable[[], None],
        leave: Leave,
        told: Callable[[str], None],
        log: logs.Logger,
    ) -> None:
        self._halt = halted
        self._level = level
        self._usual = level.level
        self._look = look
        self._leave = leave
        self._left = False
        self._told = told
        self._log = log
        self._pause_ends: asyncio.TimerHandle | None = None
        self._level_ends: asyncio.TimerHandle | None = None

    def obey(self, order: Control, by: str) -> Obeyed:
        """Carry out an order that `by` gives; say what came of it."""
        match order:
            case Resync():
                self._log.info("Looks at everything anew", asked_by=by)
                self._look()
                return Obeyed("everything is looked at anew")
            case LogLevel(level, seconds):
                return self._log_at(level, seconds, by)
            case Pause(seconds, name):
                return self._pause(seconds, f"{name} ({by})" if name else by)
            case Drain(wait):
                return self._drain(wait, by)
            case Resume():
                return self._resume(by)

    # -- how much is logged -------------------------------------------------------------------

    def loud(self) -> None:
        """Log everything, until it is said otherwise."""
        self._set_level("debug")

    def usual(self) -> None:
        """Log as the settings say."""
        self._set_level(self._usual)

    def _log_at(self, level: str, seconds: float | None, by: str) -> Obeyed:
        self._log.warning("The log level changes", to=level, seconds=seconds, asked_by=by)
        self._set_level(level)
        if seconds is None:
            return Obeyed(f"logs from level {level} on, until the daemon is started again")
        self._level_ends = asyncio.get_running_loop().call_later(seconds, self.usual)
        until = time.time() + seconds
        return Obeyed(f"logs from level {level} on until {moment(until)}", until)

    def _set_level(self, level: str) -> None:
        if self._level_ends is not None:
            self._level_ends.cancel()
            self._level_ends = None
        self._level.set_level(level)

    # -- whether anything is written ----------------------------------------------------------

    def _pause(self, seconds: float, by: str) -> Obeyed:
        until = time.time() + seconds
        self._cancel()
        self._pause_ends = asyncio.get_running_loop().call_later(seconds, self._over)
        self._halt.begin(halt.Pause(by, until))
        self._log.warning("Paused: nothing is written", until=moment(until), asked_by=by)
        self._told(f"until {moment(until)}, by the wish of {by}")
        return Obeyed(f"nothing is written until {moment(until)}", until)

    def _resume(self, by: str) -> Obeyed:
        self._cancel()
        done = []
        if self._halt.on:
            self._log.warning("The pause is ended", asked_by=by)
            self._end()
            done.append("the pause is over")
        if self._left:
            self._left = False
            self._log.warning("Claims a subnet again", asked_by=by)
            self._leave(on=False)
            done.append("a subnet is claimed again")
        return Obeyed("; ".join(done) or "it was neither paused nor drained")

    def _drain(self, wait: float, by: str) -> Obeyed:
        self._left = True
        self._log.warning("Leaves on purpose", wait=wait, asked_by=by)
        self._leave(on=True, wait=wait)
        return Obeyed(
            "it leaves: its lease is put in quarantine and released once others let go, then its"
            " routes, rules and files are removed"
        )

    def _over(self) -> None:
        self._pause_ends = None
        self._log.warning("The pause is over: its time has come")
        self._end()

    def _end(self) -> None:
        self._halt.end()
        self._told("")

    def _cancel(self) -> None:
        if self._pause_ends is not None:
            self._pause_ends.cancel()
            self._pause_ends = None


def moment(seconds: float) -> str:
    """Write a moment, in seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
