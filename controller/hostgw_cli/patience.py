"""A word while a command waits: one that is silent for seconds looks like one that hangs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

SOON: Final = 1.0
"""Seconds in which whoever is well has answered."""


@contextmanager
def waiting(who: str, limit: float, *, soon: float = SOON) -> Iterator[None]:
    """Say on the error output, after `soon` seconds, for whom it is waited, and how long at most.

    `limit` is in seconds.
    """
    words = f"{who} has not answered yet; it is waited for, {limit:g} s at most"
    timer = threading.Timer(soon, click.echo, (words,), {"err": True})
    timer.name, timer.daemon = "patience", True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
