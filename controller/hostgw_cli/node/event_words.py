"""An event of the daemon's journal as a line for a person: pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hostgw_cli.moments import span

HEADINGS = ("TIME", "KIND", "BY", "STOOD", "WHAT")


def cells(event: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the cells below the headings; the time is UTC."""
    moment = datetime.fromtimestamp(event["moment"], UTC)
    stood = event.get("stood")
    return (
        moment.strftime("%m-%d %H:%M:%S.%f")[:-3],
        event["kind"],
        by(event["by"]),
        short(stood) if stood is not None else "-",
        what(event),
    )


def what(event: Mapping[str, Any]) -> str:
    """Say what happened, in which network, and why."""
    said = event["says"]
    if event["kind"] in {"peer", "condition_raised", "condition_over"} or event["count"] > 1:
        said = f"{event['subject']}: {said}"
    if event.get("network"):
        said = f"[{event['network']}] {said}"
    return f"{said} ({event['cause']})" if event.get("cause") else said


def by(who: Mapping[str, Any]) -> str:
    """Name who did it, as far as is known."""
    if who["who"] != "other":
        return str(who["who"])
    return f"{who['process'] or 'unknown'}[{who['port']}]"


def short(seconds: float) -> str:
    """Give a length of time; a short one in milliseconds."""
    return f"{seconds * 1000:.0f}ms" if seconds < 10 else span(seconds)


def line(event: Mapping[str, Any]) -> str:
    """Give an event as a line by itself, in columns that most events fit in."""
    time, kind, who, stood, said = cells(event)
    return f"{time}  {kind:<16}  {who:<14}  {stood:>7}  {said}"


def gap(missed: int) -> str:
    """Say that the journal no longer has some events."""
    return f"{missed} events before these are not kept any more"
