"""An observer that remembers what the adapter told it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Recorder:
    """Every request with its result, every endpoint that was taken."""

    requests: list[tuple[str, str]] = field(default_factory=list)
    endpoints: list[str] = field(default_factory=list)
    ends: list[dict[str, float]] = field(default_factory=list)

    def request(self, op: str, result: str, seconds: float) -> None:
        """Remember a request."""
        assert seconds >= 0
        self.requests.append((op, result))

    def endpoint(self, name: str) -> None:
        """Remember an endpoint."""
        self.endpoints.append(name)

    def certificates(self, ends: Mapping[str, float]) -> None:
        """Remember when certificates end."""
        self.ends.append(dict(ends))
