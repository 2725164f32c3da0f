"""Whose hardware answers for a node's address on the link. Pure.

The neighbour table says which hardware address answers, and a seal (`datagram`) says which node
does. A node that has answered by a hardware address has it; where another one answers on the link
later, and no node does, a stranger has the node's address. A node may get another network card: it
is believed as soon as its daemon answers by that. Where nobody has answered for a while, whoever
comes next is the node, made anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

ANSWERS: Final = 2
"""So many answers in a row bind another hardware address to the node: one may have been under way
when the address changed hands, for a question that went to the other host."""

CALM: Final = 4
"""So many answers of the node by its own hardware, and no loss between them, end what is said of a
stranger. Two hosts with one address take it from each other again and again, whenever one of them
asks on the link."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """What is known. `now` is what the neighbour table says, `own` by what the node answered last.

    b"": that is not known. `answers` counts those of the node since `now` is what it is. `stranger`
    is what had the address while the node did not answer, and will be told of for as long.
    """

    now: bytes = b""
    own: bytes = b""
    answers: int = 0
    stranger: bytes = b""

    def seen(self, hardware: bytes) -> Hardware:
        """Take what the neighbour table says, b"" for nothing."""
        if hardware in (b"", self.now):
            return self
        return replace(self, now=hardware, answers=0)

    def gone(self) -> Hardware:
        """Take it that nobody answers, or that the table has forgotten who did."""
        return self if self.stranger else Hardware()

    def answered(self) -> Hardware:
        """Take an answer of the node itself."""
        if not self.now or (self.answers >= ANSWERS and not self.stranger):
            return self
        answers, stranger = self.answers + 1, self.stranger
        own = self.now if answers >= ANSWERS or not self.own else self.own
        if answers >= CALM or own == stranger:
            stranger = b""
        return Hardware(self.now, own, answers, stranger)

    def silent(self) -> Hardware:
        """Take a question to the host that nobody answered."""
        return replace(self, answers=0) if self.stranger else self

    def taken(self) -> Hardware:
        """Take it that the node does not answer: whose hardware does then has its address."""
        if not self.strange or self.stranger == self.now:
            return self
        return replace(self, stranger=self.now, answers=0)

    @property
    def bound(self) -> bool:
        """Whether the node answers by its own, and no stranger is told of."""
        return self.own == self.now != b"" == self.stranger

    @property
    def strange(self) -> bool:
        """Whether another hardware address answers than the node has answered by."""
        return b"" not in (self.own, self.now) and self.own != self.now

    def __str__(self) -> str:
        one, own = self.stranger.hex(":"), self.own.hex(":")
        return f"{one} answers for it, or did a moment ago, and the node has answered by {own}"
