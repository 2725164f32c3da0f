"""Errors that a test plants in the fake kernel, each to be met exactly once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from hostgw_daemon.kernel import Verb, Write


@dataclass
class Fault:
    """One refusal to come: by verb, by destination, or for the next read."""

    number: int
    verb: Verb | None
    prefix: str
    read: bool
    hit: bool = False

    def meets(self, write: Write) -> bool:
        """Tell whether this write is the one."""
        return (
            not (self.hit or self.read)
            and self.verb in {None, write.verb}
            and self.prefix in {"", write.route.prefix}
        )


@dataclass
class Faults:
    """Errors that a test plants; one that nothing ran into is a test that tests nothing."""

    planted: list[Fault] = field(default_factory=list)

    def once(self, number: int, *, verb: Verb | None = None, prefix: str = "") -> None:
        """Let the next write of this verb and destination (each: any) fail with an errno."""
        self.planted.append(Fault(number, verb, prefix, read=False))

    def once_reading(self, number: int) -> None:
        """Let the next read (`routes`, `foreign`, `leftovers`) raise OSError."""
        self.planted.append(Fault(number, None, "", read=True))

    def of_write(self, write: Write) -> int:
        """Take the errno planted for a write, 0 if there is none."""
        for fault in self.planted:
            if fault.meets(write):
                fault.hit = True
                return fault.number
        return 0

    def of_read(self) -> None:
        """Raise what is planted for a read."""
        for fault in self.planted:
            if fault.read and not fault.hit:
                fault.hit = True
                raise OSError(fault.number, os.strerror(fault.number))

    def assert_all_hit(self) -> None:
        """Fail when a planted fault was never met."""
        missed = [fault for fault in self.planted if not fault.hit]
        assert not missed, f"planted, but nothing ran into it: {missed}"
