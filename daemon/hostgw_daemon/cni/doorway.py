"""The loop that keeps the host's own child of the uplink as it must be (`child`).

Level, not edge: a change of what is wanted, a change of the child or of its parent that the kernel
tells, and the slow audit all mean the same: look, compare, do what is left. What the kernel refuses
is a state with a sentence, tried again ever more seldom; no route waits for it.

What is not ours is not touched: a link of that name that somebody else made stays, and is named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import NoReturn, Protocol

from hostgw_core.backoff import Backoff, around
from hostgw_core.wake import Wake
from hostgw_daemon.cni.child import (
    NAME,
    AddAddress,
    Adjust,
    Delete,
    DropAddress,
    Make,
    Step,
    steps,
)
from hostgw_daemon.halt import Halt
from hostgw_daemon.kernel import Child, HostChanged, IPInterface, KernelEvent, Overrun

AUDIT = 60.0  # seconds between two looks that nobody asked for
SETTLE = 0.05  # seconds between two looks that somebody asked for: one change is several messages


class Children(Protocol):
    """Who makes and changes such links, by name. OSError from any verb: the kernel's refusal."""

    def look(self, name: str) -> Child | None:
        """Give the link as it is. Raise OSError (EEXIST) when somebody else made it."""
        ...

    def make(self, name: str, child: Child) -> None:
        """Make it, marked as ours, and set it up; its addresses are added later."""
        ...

    def delete(self, name: str) -> None:
        """Delete it."""
        ...

    def adjust(self, name: str, *, mtu: int) -> None:
        """Give it an MTU in bytes, and set it up."""
        ...

    def add(self, name: str, address: IPInterface) -> None:
        """Give it an address."""
        ...

    def drop(self, name: str, address: IPInterface) -> None:
        """Take an address from it."""
        ...


class Doorway:
    """Keeps the child of `want` while `run` runs; it stays when that ends.

    `told` gets the sentence of what is wrong after each look, "" when nothing is.
    """

    def __init__(
        self,
        children: Children,
        *,
        told: Callable[[str], None],
        audit: float = AUDIT,
        halt: Halt | None = None,
    ) -> None:
        self._children = children
        self._told = told
        self._audit = audit
        self._wake = Wake()
        self._backoff = Backoff(0.5, 30.0)
        self._known = False  # whether anybody has said yet what is wanted
        self._wanted: Child | None = None
        self._index = 0
        self.settled = True
        """Whether it is as it must be, as far as anybody has said yet."""
        self._halt = (halt or Halt()).heed(self._wake.ring)

    def want(self, child: Child | None) -> None:
        """Say what must be from now on; None: no child of ours."""
        if not self._known or child != self._wanted:
            self._known, self._wanted, self.settled = True, child, False
            self._wake.ring()

    def hear(self, events: Iterable[KernelEvent]) -> None:
        """Take what the kernel said: of our child, and of the link that it is on."""
        for event in events:
            match event:
                case HostChanged(link):
                    if link in (self._index, self._wanted.parent if self._wanted else 0):
                        self._wake.ring()
                case Overrun():
                    self._wake.ring()
                case _:
                    pass

    async def run(self) -> NoReturn:
        """Look for ever."""
        pause: float | None = None
        while True:
            await self._wake.wait(within=around(self._audit) if pause is None else pause)
            pause = self.step()
            await asyncio.sleep(SETTLE)

    def step(self) -> float | None:
        """Make it right once; give the seconds until it must be tried again, None if it stands."""
        if not self._known or self._halt.on:
            return None
        try:
            self._make_right()
        except OSError as error:
            self.settled = False
            self._told(f"{NAME}: {error.strerror or error}")
            return self._backoff.failed()
        self._backoff.succeeded()
        self.settled = True
        self._told("")
        return None

    def _make_right(self) -> None:
        """Do what is left to be done. Raise OSError."""
        seen = self._children.look(NAME)
        todo = list(steps(seen, self._wanted))
        for step in todo:
            self._do(step)
        if todo:
            seen = self._children.look(NAME)
            if list(steps(seen, self._wanted)):
                raise OSError(0, f"the kernel made {seen} of what had to be {self._wanted}")
        self._index = seen.index if seen is not None else 0

    def _do(self, step: Step) -> None:
        match step:
            case Make(child):
                self._children.make(NAME, child)
            case Delete():
                self._children.delete(NAME)
            case Adjust(mtu):
                self._children.adjust(NAME, mtu=mtu)
            case AddAddress(address):
                self._children.add(NAME, address)
            case DropAddress(address):
                self._children.drop(NAME, address)
