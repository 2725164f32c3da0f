"""Ctrl-C at any moment: the signal waits until the step at hand is whole and written down.

A signal that struck between the start of a process and the note of its number would leave that
process behind. So signals become an exception only outside of `held()` blocks; each block is one
short step (milliseconds), or the cleaning up itself, which nothing may cut short. And once all is
done and is to stay, `ignore_from_now_on()`: a signal during the last words changes nothing.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """Somebody asked us to stop, by the signal `number`."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class _Gate:
    """The state of this process's signals: how many steps are at hand, and what has come."""

    def __init__(self) -> None:
        self.depth = 0
        self.came: int | None = None
        self.deaf = False

    def handle(self, number: int, _frame: FrameType | None) -> None:
        if self.deaf:
            return
        self.came = number
        self.raise_if_free()

    def raise_if_free(self) -> None:
        if self.depth == 0 and self.came is not None:
            number, self.came = self.came, None
            raise Interrupted(number)


_GATE = _Gate()


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into `Interrupted` while inside. For the main thread."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        for number in SIGNALS:
            signal.signal(number, _GATE.handle)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if _GATE.deaf else handler)


def ignore_from_now_on() -> None:
    """Let no signal strike any more, up to the end of the process; one that came before still does.

    For a command whose work is done and stays: either it ends well and the work is there, or it
    does not and nothing is.
    """
    _GATE.deaf = True


@contextmanager
def held() -> Iterator[None]:
    """Let signals wait until the end of the block; outside of `interruptible` it does nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _GATE.depth += 1
    try:
        yield
    finally:
        _GATE.depth -= 1
    _GATE.raise_if_free()
