"""What is said of one network to whoever asks: each answer made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from hostgw_core.model import Lease
from hostgw_daemon.told import account
from hostgw_daemon.told.holdings import HoldsStatus
from hostgw_daemon.told.listings import ConfigStatus
from hostgw_daemon.told.orders import Accept, Believe, Done, Extend, Order
from hostgw_daemon.told.overview import Parts
from hostgw_daemon.told.status import NetworkStatus, PeerStatus, RefusalStatus, Status

REFUSALS: Final = 10_000
"""How many records that are not used are written out: their number is not ours to bound."""


class Holder(Protocol):
    """Who carries out what an operator decides about holds: the warden."""

    @property
    def held(self) -> Iterable[bytes]:
        """The keys that are held."""
        ...

    def accept(self, keys: Iterable[bytes]) -> int:
        """Let these go; give how many there were."""
        ...

    def extend(self, keys: Iterable[bytes], seconds: float) -> int:
        """Let these wait at least so long; give how many would have ended before."""
        ...

    def believe(self) -> int | str:
        """Believe the history that is told; give how many holds that ends, or why not."""
        ...


class NetworkAnswers:
    """Implements `views.NetworkView`.

    `parts` gives the states of all parts of the network, `holder` who obeys orders.
    """

    def __init__(
        self,
        name: str,
        prefix: str,
        *,
        me: account.Self,
        parts: Callable[[], Parts],
        holder: Callable[[], Holder],
    ) -> None:
        self._name = name
        self._prefix = prefix
        self._me = me
        self.parts = parts
        self._holder = holder

    def of(self, whole: Status, parts: Parts) -> NetworkStatus:
        """Take from a status that was made of these parts what is about the network."""
        return account.as_network(whole, self._name, self._prefix, holds=len(parts.guard.holds))

    def peers(self) -> Iterable[PeerStatus]:
        """Give every other node."""
        return account.peers(self.parts())

    def leases(self) -> Iterable[Lease]:
        """Give every lease that is believed."""
        return account.leases(self.parts())

    def refusals(self) -> Iterable[RefusalStatus]:
        """Give the records that are not used, of very many the first."""
        return map(RefusalStatus.of, account.refused(self.parts(), most=REFUSALS))

    def holds(self) -> HoldsStatus:
        """Give what the guard holds back."""
        return HoldsStatus.of(self.parts().guard, self._me.epoch)

    def obey(self, order: Order) -> Done | str:
        """Carry out what an operator decides; give what came of it, or why it cannot be."""
        holder = self._holder()
        match order:
            case Accept(keys):
                done: int | str = holder.accept(holder.held if keys is None else keys)
            case Extend(keys, seconds):
                done = holder.extend(holder.held if keys is None else keys, seconds)
            case Believe():
                done = holder.believe()
        return done if isinstance(done, str) else Done(done, len(tuple(holder.held)))

    def config(self) -> ConfigStatus:
        """Give the network and the settings in force."""
        now = self.parts().understanding
        config = now.config if now is not None else None
        trouble = now.config_trouble if now is not None else ""
        return ConfigStatus.of(config, trouble, settings=self._me.settings)
