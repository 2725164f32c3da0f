"""How `/v1/events` is asked: from which event on, and how long to wait for the next one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

PATH: Final = "/v1/events"
LONGEST_WAIT: Final = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Poll:
    """What is wanted: events after the number `since` of the process `instance` ("": of this one).

    If there are none, the answer may wait `wait` seconds for one.
    """

    since: int = 0
    instance: str = ""
    wait: float = 0.0


def poll_of(query: Mapping[str, Sequence[str]]) -> Poll | str:
    """Read the query, of each name the first value; or give a sentence that says what is wrong."""
    given = {name: values[0] for name, values in query.items() if values}
    since, wait = given.get("since", "0"), given.get("wait", "0")
    if not (since.isascii() and since.isdigit() and len(since) <= len(str(1 << 63))):
        return f"since={since[:40]!r} is no number of an event: give that of the last one you have"
    if not (wait.isascii() and wait.isdigit() and len(wait) <= len("86400")):
        return f"wait={wait[:40]!r} is no number of seconds: give 0 to {LONGEST_WAIT:g}"
    return Poll(int(since), given.get("instance", ""), min(float(wait), LONGEST_WAIT))
