"""Waiting in the lab is for a condition, with a limit, and says what was seen when it fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hostgw_cli.lab.topology import LabError

T = TypeVar("T")

PAUSE = 0.02  # seconds between two looks
TAIL = 20  # lines of a log that explain a failure


def wait_for(
    look: Callable[[], T | None], *, what: str, within: float, why: Callable[[], str] = str
) -> T:
    """Look until there is something true to give, at most `within` seconds.

    Raise LabError with `what` was waited for and what `why` then says.
    """
    end = time.monotonic() + within
    while True:
        if seen := look():
            return seen
        if time.monotonic() > end:
            raise LabError("\n".join([f"{what}: not within {within:g} s", why()]).rstrip())
        time.sleep(PAUSE)


def tail(log: Path) -> str:
    """Give the last lines of a log, indented, under its name."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-TAIL:]
    except FileNotFoundError:
        return f"{log} was never written"
    if not lines:
        return f"{log} is empty"
    return "\n".join([f"the end of {log}:", *(f"    {line}" for line in lines)])
