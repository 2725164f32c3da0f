"""What a fault is: a frozen value that says what it touches, what it may cost, and how it is done.

`inject` begins it and `heal` ends it; both are given the stage and one injection (which host, from
which source of chance) and come back when the thing is done, never when its consequences are over.
A fault that needs no end has `nothing` to heal.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from chaos.stage import Stage


class Ground(Enum):
    """What a fault needs for itself: two faults on the same ground would spoil one another."""

    STORE = "the etcd cluster, for all hosts"
    PROXY = "the way to etcd of the hosts behind the proxy"
    DAEMON = "the daemon of its host"
    HOST = "the links, addresses and routes of its host"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a fault may cost, and why. The default: nothing, to nobody.

    Packets from and to its host may be lost from the injection until `after` seconds after the
    fault is healed; with `brief`, only within `after` seconds of each of these two acts. `removes`:
    meanwhile routes of ours may go from that host.
    """

    why: str = ""
    after: float = 0.0
    brief: bool = False
    removes: bool = False

    @property
    def loses(self) -> bool:
        """Whether a packet may be lost."""
        return self.after > 0


NOTHING = Allowance()


@dataclass(frozen=True, slots=True)
class Injection:
    """One fault in an episode: its name, the number of its host, how many seconds it lasts."""

    fault: str
    host: int
    seconds: float
    seed: int

    @property
    def chance(self) -> random.Random:
        """Give its source of chance: the same whenever it is asked for."""
        return random.Random(self.seed)


Act: TypeAlias = "Callable[[Stage, Injection], None]"


def nothing(_stage: Stage, _injection: Injection) -> None:
    """Do nothing: the fault has no end, or heals by itself."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault. `whole`: it touches every host, else the one of its injection.

    `lasts` is the range of seconds between its injection and its healing; `silences`: the daemons
    that it touches do not work meanwhile; `members`: how many members of etcd it needs (0: any);
    `within`: the seconds after quiet in which all tables must be right.
    """

    name: str
    grounds: frozenset[Ground]
    inject: Act
    heal: Act = nothing
    allowance: Allowance = NOTHING
    whole: bool = False
    lasts: tuple[float, float] = (0.5, 2.0)
    silences: bool = False
    members: int = 0
    within: float = 2.0

    def hosts(self, injection: Injection, count: int) -> frozenset[int]:
        """Give the numbers of the hosts that it touches."""
        return frozenset(range(count)) if self.whole else frozenset({injection.host})


def on(*grounds: Ground) -> frozenset[Ground]:
    """Give the grounds of a fault."""
    return frozenset(grounds)
