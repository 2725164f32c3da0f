"""Everything that one run has measured, and its file: docs/broadcast.json."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from bench.broadcast.cost import Cost
from bench.broadcast.counting import Count
from bench.broadcast.spanning import Spanning
from bench.broadcast.storm import Storm


@dataclass(slots=True)
class Results:
    """Grows while the run goes on; a part that was not asked for stays empty. `took` in seconds."""

    machine: str
    load: list[str]
    took: float = 0.0
    counts: list[Count] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    storms: list[Storm] = field(default_factory=list)
    spanning: list[Spanning] = field(default_factory=list)


def encode(results: Results) -> bytes:
    """Write the file: JSON, a line for each measurement."""
    return msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n"


def decode(data: bytes) -> Results:
    """Read the file. Raise msgspec.MsgspecError when it is not one."""
    return msgspec.json.decode(data, type=Results)
