"""Lengths of time as options take them."""

from __future__ import annotations

from collections.abc import Callable

import click

from hostgw_core.settings import kinds


def duration(most: float) -> Callable[[click.Context, click.Parameter, str | None], float | None]:
    """Read a length of time as in the settings (90s, 15m, 2h), from 1 to so many seconds."""
    kind = kinds.seconds(1, most)

    def read(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
        try:
            return None if text is None else float(kind.read(text))
        except ValueError as error:
            raise click.BadParameter(f"{text!r} {error}") from error

    return read
