"""What the answers over HTTP are made of: what there is to show, and who obeys orders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from hostgw_core.model import Lease
from hostgw_daemon.told.checks import Check
from hostgw_daemon.told.controls import Control, Obeyed
from hostgw_daemon.told.foreseen import PlanStatus
from hostgw_daemon.told.holdings import HoldsStatus
from hostgw_daemon.told.journal import Page
from hostgw_daemon.told.listings import ConfigStatus, RouteStatus
from hostgw_daemon.told.orders import Begun, Done, Order
from hostgw_daemon.told.polling import Poll
from hostgw_daemon.told.probed import RoundStatus
from hostgw_daemon.told.status import PeerStatus, RefusalStatus, Status


class WebView(Protocol):
    """What there is to show, asked anew for every request. None of these may block."""

    def live(self) -> Sequence[Check]:
        """Give the checks of `/livez`: whether the loops beat, and nothing about the store."""
        ...

    def started(self) -> Sequence[Check]:
        """Give the checks of `/startupz`."""
        ...

    def ready(self) -> Sequence[Check]:
        """Give the checks of `/readyz`."""
        ...

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Give the metrics in the form that an Accept header asks for, and its content type."""
        ...

    def status(self) -> Status:
        """Give the status."""
        ...

    def routes(self) -> Iterable[RouteStatus]:
        """Give every route there should be."""
        ...

    def events(self, poll: Poll) -> Page:
        """Give the events that are there and were asked for."""
        ...

    def plan(self) -> PlanStatus:
        """Give what would change on this host now, and why."""
        ...

    def network(self, name: str) -> NetworkView | None:
        """Give one network by its name, the first by ""; None where there is none of the name."""
        ...

    @property
    def networks(self) -> Iterable[str]:
        """The names of all networks."""
        ...

    def control(self, order: Control, by: str) -> Obeyed | str:
        """Carry out an order about the daemon; give what came of it, or a sentence why not.

        `by` says who gives it, as far as is known.
        """
        ...


class NetworkView(Protocol):
    """What there is to show of one network, and who carries out orders about it."""

    def peers(self) -> Iterable[PeerStatus]:
        """Give every other node."""
        ...

    def leases(self) -> Iterable[Lease]:
        """Give every lease that is believed."""
        ...

    def refusals(self) -> Iterable[RefusalStatus]:
        """Give every record that is not used."""
        ...

    def holds(self) -> HoldsStatus:
        """Give what the guard holds back."""
        ...

    def config(self) -> ConfigStatus:
        """Give the network and the settings in force."""
        ...

    def probed(self, number: int) -> RoundStatus | None:
        """Give what came of a round of probes, None for one that is not remembered."""
        ...

    def obey(self, order: Order) -> Done | Begun | str:
        """Carry out an order; give what came of it, or a sentence why it cannot be."""
        ...
