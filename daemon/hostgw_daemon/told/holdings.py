"""What is held back, for `/v1/holds`: the removals that wait, and the state of the store's history.

As in `status`: moments are seconds since the epoch, ids of etcd hexadecimal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from heapq import nsmallest

from hostgw_core.history import Break
from hostgw_core.store import Header
from hostgw_daemon.routes.holds import Hold
from hostgw_daemon.routes.watchfulness import Watchfulness
from hostgw_daemon.told.listed import LISTED, Listed
from hostgw_daemon.told.status import (
    spelled,
)


@dataclass(frozen=True, slots=True)
class HoldStatus:
    """A lease that is gone from the store and still believed; `until` is null for no limit.

    A `grave` one ends only where its gateway does not answer, a usual one at its moment.
    """

    key: str
    node: str
    subnets: tuple[str, ...]
    gateways: tuple[str, ...]
    cause: str
    reason: str
    grave: bool
    since: float
    until: float | None

    @classmethod
    def of(cls, hold: Hold, epoch: float) -> HoldStatus:
        """Write out a hold; `epoch` is the time.time at which its clock (monotonic) was 0."""
        lease = hold.lease
        return cls(
            spelled(lease.key),
            lease.node,
            tuple(map(str, lease.subnets)),
            tuple(map(str, lease.gateways)),
            hold.cause,
            hold.reason,
            hold.grave,
            hold.since + epoch,
            None if hold.until == math.inf else hold.until + epoch,
        )


@dataclass(frozen=True, slots=True)
class HeaderStatus:
    """A moment of a store's history."""

    cluster: str
    revision: int
    term: int

    @classmethod
    def of(cls, header: Header) -> HeaderStatus:
        """Write out a header."""
        return cls(f"{header.cluster:x}", header.revision, header.term)


@dataclass(frozen=True, slots=True)
class HistoryStatus:
    """Whether the store tells the history that is known here, and what of it is not believed.

    While it is broken, `known` is the last header of ours and `first` the first of the other one;
    `foreign` tells that it is another cluster's. `leftovers` are the keys that are not believed.
    """

    broken: bool = False
    foreign: bool = False
    sentence: str = ""
    known: HeaderStatus | None = None
    first: HeaderStatus | None = None
    leftovers: Listed[str] = field(default_factory=Listed)

    @classmethod
    def of(cls, broken: Break | None, leftovers: Listed[str]) -> HistoryStatus:
        """Write out where the histories part, if they do."""
        if broken is None:
            return cls(leftovers=leftovers)
        return cls(
            broken=True,
            foreign=broken.foreign,
            sentence=broken.sentence(),
            known=HeaderStatus.of(broken.known),
            first=HeaderStatus.of(broken.first),
            leftovers=leftovers,
        )


@dataclass(frozen=True, slots=True)
class HoldsStatus:
    """Everything that is held back, in the order of the keys."""

    holds: tuple[HoldStatus, ...] = ()
    history: HistoryStatus = field(default_factory=HistoryStatus)

    @classmethod
    def of(cls, guard: Watchfulness, epoch: float) -> HoldsStatus:
        """Write out what the guard holds back."""
        first = nsmallest(LISTED, guard.leftovers)
        return cls(
            tuple(HoldStatus.of(guard.holds[key], epoch) for key in sorted(guard.holds)),
            HistoryStatus.of(guard.broken, Listed.of(len(guard.leftovers), map(spelled, first))),
        )
