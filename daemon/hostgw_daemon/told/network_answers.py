"""What is said of one network to whoever asks: each answer made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from hostgw_core.keys import quoted
from hostgw_core.model import Lease
from hostgw_daemon.probe.rounds import Round
from hostgw_daemon.told import account
from hostgw_daemon.told.holdings import HoldsStatus
from hostgw_daemon.told.listings import ConfigStatus
from hostgw_daemon.told.orders import Accept, Begun, Believe, Done, Extend, Order, Probe
from hostgw_daemon.told.overview import Parts
from hostgw_daemon.told.peerstates import peer_states
from hostgw_daemon.told.probed import RoundStatus, round_status
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


class Asker(Protocol):
    """Who asks other nodes whether packets get through."""

    rate: int
    """How many peers are asked a second at most."""

    def order(self, leases: Iterable[bytes]) -> tuple[Round, float] | str:
        """Ask the peers with these keys; give the round and its seconds, or why it cannot be."""
        ...

    def round(self, number: int) -> Round | None:
        """Give a round, None for one that is not remembered."""
        ...


class NetworkAnswers:
    """Implements `views.NetworkView`.

    `parts` gives the states of all parts of the network; `holder` and `asker` obey orders.
    """

    def __init__(
        self,
        name: str,
        prefix: str,
        *,
        me: account.Self,
        parts: Callable[[], Parts],
        holder: Callable[[], Holder],
        asker: Callable[[], Asker],
    ) -> None:
        self._name = name
        self._prefix = prefix
        self._me = me
        self.parts = parts
        self._holder = holder
        self._asker = asker

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

    def probed(self, number: int) -> RoundStatus | None:
        """Give what came of a round of probes; whom it asked, when all were asked."""
        found, parts = self._asker().round(number), self.parts()
        if found is None:
            return None
        return round_status(found, peer_states(parts), parts.probes or {})

    def _probe(self, keys: frozenset[bytes] | None) -> Begun | str:
        known = {peer.lease.key for peer, *_ in peer_states(self.parts())}
        if unknown := (keys or frozenset()) - known:
            return f"no peer has the key {quoted(min(unknown).decode())}: nothing was done"
        asker, asked = self._asker(), keys or known
        begun = asker.order(asked)
        if isinstance(begun, str):
            return begun
        return Begun(begun[0].number, len(asked), asker.rate, begun[1])

    def obey(self, order: Order) -> Done | Begun | str:
        """Carry out what an operator decides; give what came of it, or why it cannot be."""
        holder = self._holder()
        if isinstance(order, Probe):
            return self._probe(order.keys)
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
