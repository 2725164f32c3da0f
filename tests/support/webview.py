"""A daemon's face without the daemon: what the HTTP tests ask for, set by the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from hostgw_core.model import Addresses, Lease, Subnets
from hostgw_core.settings import Listen
from hostgw_daemon.told import web
from hostgw_daemon.told.checks import Check
from hostgw_daemon.told.chronicle import Chronicle
from hostgw_daemon.told.controls import Control, Obeyed
from hostgw_daemon.told.foreseen import ChangeStatus, PlanStatus
from hostgw_daemon.told.holdings import HoldsStatus, HoldStatus
from hostgw_daemon.told.journal import Page
from hostgw_daemon.told.listen import Place, Tcp
from hostgw_daemon.told.listings import ConfigStatus, RouteStatus
from hostgw_daemon.told.orders import Begun, Done, Order
from hostgw_daemon.told.polling import Poll
from hostgw_daemon.told.probed import RoundStatus
from hostgw_daemon.told.status import ClaimStatus, PeerStatus, RefusalStatus, Status

STATUS = Status(
    version="1.0",
    node="n1",
    node_id="id",
    instance="i",
    boot_id="b",
    pid=7,
    started=5.0,
    ready=True,
    claim=ClaimStatus("held", held=True, subnets=("10.5.3.0/24",)),
)
ROUTE = RouteStatus("10.5.1.0/24", "192.0.2.1", 1500, 2, 254, "installed")
PEER = PeerStatus("10.5.1.0-24", "n2", ("10.5.1.0/24",), ("192.0.2.1",), "ok")
LEASE = Lease(b"10.5.1.0-24", Subnets(), Addresses(), node="n2", etcd_lease=42)
REFUSAL = RefusalStatus("10.5.9.0-24", "overlap", "it overlaps 10.5.9.0-25")
HOLD = HoldStatus(
    *("10.5.1.0-24", "n2", ("10.5.1.0/24",), ("192.0.2.1",), "many", "it went with others"),
    grave=True,
    since=5.0,
    until=None,
)
ONE = Done(1, 0)
OBEYED = Obeyed("it is done", 1790000000.0)
PLAN = PlanStatus(
    changes=(ChangeStatus("route", "add", "10.5.1.0/24 via 192.0.2.1", "new", "n2 is new", "n2"),)
)
CONFIG = ConfigStatus(None, None, 0, "", ())
LOOPBACK = Tcp(Listen("127.0.0.1", 0))


def chronicle(instance: str = "i") -> Chronicle:
    """Make a journal of a process, whose clock stands at 1000."""
    return Chronicle(instance, counted=lambda _kind: None, clock=lambda: 1000.0)


@dataclass
class FakeView:
    """Says what it was told to say."""

    alive: list[Check] = field(default_factory=lambda: [Check("event_loop", ok=True)])
    readiness: list[Check] = field(default_factory=lambda: [Check("lease_held", ok=True)])
    given: Status = STATUS
    broken: bool = False
    held: Sequence[HoldStatus] = (HOLD,)
    obeyed: list[Order] = field(default_factory=list)
    done: Done | Begun | str = ONE
    rounds: dict[int, RoundStatus] = field(default_factory=dict)
    controlled: list[tuple[Control, str]] = field(default_factory=list)
    outcome: Obeyed | str = OBEYED
    planned: PlanStatus = PLAN
    further: dict[str, FakeView] = field(default_factory=dict)
    chronicle: Chronicle = field(default_factory=chronicle)

    def live(self) -> Sequence[Check]:
        """Give what the test set."""
        return self.alive

    def started(self) -> Sequence[Check]:
        """Say that it has started."""
        return [Check("started", ok=True)]

    def ready(self) -> Sequence[Check]:
        """Give what the test set."""
        return self.readiness

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Give one metric, in a form that repeats the wish."""
        return b"hostgw_ready 1.0\n", "text/plain; version=0.0.4; charset=utf-8"

    def status(self) -> Status:
        """Give what the test set, or fail as a mistake of the program would."""
        if self.broken:
            raise KeyError("a mistake of the program")
        return self.given

    def routes(self) -> Iterable[RouteStatus]:
        """Give one route."""
        return iter([ROUTE])

    def events(self, poll: Poll) -> Page:
        """Give what the journal has."""
        return self.chronicle.page(poll.since, poll.instance)

    def next_event(self, poll: Poll) -> asyncio.Future[None] | None:
        """Wait as the daemon does."""
        there = self.chronicle.follows(poll.since, poll.instance)
        return None if there else self.chronicle.news

    def network(self, name: str) -> FakeView | None:
        """Be the first network, which is called default, or give one that the test has made."""
        return self if name in ("", "default") else self.further.get(name)

    @property
    def networks(self) -> tuple[str, ...]:
        """Their names."""
        return ("default", *self.further)

    def peers(self) -> Iterable[PeerStatus]:
        """Give one peer."""
        return iter([PEER])

    def leases(self) -> Iterable[Lease]:
        """Give one lease."""
        return iter([LEASE])

    def refusals(self) -> Iterable[RefusalStatus]:
        """Give one refusal."""
        return iter([REFUSAL])

    def holds(self) -> HoldsStatus:
        """Give what the test set."""
        return HoldsStatus(tuple(self.held))

    def probed(self, number: int) -> RoundStatus | None:
        """Give what the test set."""
        return self.rounds.get(number)

    def obey(self, order: Order) -> Done | Begun | str:
        """Remember the order, and give what the test set."""
        self.obeyed.append(order)
        return self.done

    def plan(self) -> PlanStatus:
        """Give what the test set."""
        return self.planned

    def control(self, order: Control, by: str) -> Obeyed | str:
        """Remember the order and who gave it, and give what the test set."""
        self.controlled.append((order, by))
        return self.outcome

    def config(self) -> ConfigStatus:
        """Give no configuration."""
        return CONFIG


@asynccontextmanager
async def serving(
    view: FakeView,
    place: Place,
    *,
    failed: Callable[[str, Exception], None] = lambda _path, _error: None,
) -> AsyncIterator[str]:
    """Serve on a place, and give the address."""
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(web.serve(view, place, opened=address.set_result, failed=failed))
        either: set[asyncio.Future[Any]] = {task, address}
        done, _ = await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if address in done:
            yield address.result()
            task.cancel()
