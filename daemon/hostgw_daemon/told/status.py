"""The status: what the daemon knows of itself, as one value for people and programs.

It is a view, built when somebody asks and never kept: nothing decides by it. Its JSON is what
`/v1/status` gives. Moments are seconds since the epoch; ids of etcd are hexadecimal, as etcdctl
writes them, because they do not fit the numbers of JavaScript. Whatever may be long is *listed*:
how many there are, and the first hundred.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

import msgspec

from hostgw_core.health import Condition
from hostgw_core.model import Refusal
from hostgw_daemon.kernel import ForeignRoute, Outcome
from hostgw_daemon.routes.report import Report, RoutesState
from hostgw_daemon.told.listed import Listed
from hostgw_daemon.told.parting import WithdrawalStatus

LONGEST_KEY = 512
"""How many bytes of a key that nobody understood are shown; etcd takes more than a million."""


@dataclass(frozen=True, slots=True)
class ConditionStatus:
    """A condition that stands: what it is, the particulars, what to do, since when."""

    code: str
    severity: str
    title: str
    detail: str
    cure: str
    since: float

    @classmethod
    def of(cls, condition: Condition) -> ConditionStatus:
        """Write out a condition with the words of its kind."""
        kind = condition.kind
        return cls(
            kind.code, kind.severity, kind.title, condition.detail, kind.cure, condition.since
        )


@dataclass(frozen=True, slots=True)
class ClaimStatus:
    """This node's own lease. `how` says where the subnet came from: kept, adopted, taken.

    In the phase `headless` it is the one that is remembered, as long as it is surely ours.
    `withdrawal`: this node leaves on purpose, or has left, and how far the others are with that.
    """

    phase: str
    held: bool = False
    subnets: tuple[str, ...] = ()
    key: str = ""
    etcd_lease: str = ""
    expires: float | None = None
    since: float | None = None
    how: str = ""
    withdrawal: WithdrawalStatus | None = None


@dataclass(frozen=True, slots=True)
class UplinkStatus:
    """The interface that leads to the other nodes, and why it is this one."""

    interface: str
    index: int
    mtu: int
    up: bool
    addresses: tuple[str, ...]
    networks: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """The store as this node sees it; `last_contact` is when it last answered anything."""

    connected: bool = False
    endpoint: str = ""
    cluster: str = ""
    revision: int = 0
    entries: int = 0
    relists: int = 0
    watch_restarts: int = 0
    last_contact: float | None = None


@dataclass(frozen=True, slots=True)
class PassStatus:
    """One pass over the routes: when it ended, how long it took, what came of its writes."""

    kind: str
    cause: str
    revision: int
    ended: float
    seconds: float
    outcomes: Mapping[str, int]

    @classmethod
    def of(cls, report: Report, epoch: float) -> PassStatus:
        """Write out a report; `epoch` is the moment (time.time) at which time.monotonic was 0."""
        counts = {str(verdict): count for verdict, count in report.counts.items()}
        ended = report.finished + epoch
        return cls(report.kind, report.cause, report.revision, ended, report.seconds, counts)


@dataclass(frozen=True, slots=True)
class MissingRoute:
    """A route that should be in the kernel and is not; `reason` is the verdict of its write."""

    prefix: str
    gateway: str
    reason: str
    detail: str

    @classmethod
    def of(cls, outcome: Outcome) -> MissingRoute:
        """Write out what the kernel answered."""
        route = outcome.write.route
        gateway = " ".join(map(str, route.gateways))
        return cls(route.prefix, gateway, outcome.verdict, outcome.message)


@dataclass(frozen=True, slots=True)
class ShadowRoute:
    """Somebody else's route that the kernel prefers to ours; `protocol` is its number."""

    prefix: str
    metric: int
    protocol: int

    @classmethod
    def of(cls, route: ForeignRoute) -> ShadowRoute:
        """Write out a foreign route."""
        prefix = f"{ip_address(route.destination)}/{route.length}"
        return cls(prefix, route.metric, route.protocol)


@dataclass(frozen=True, slots=True)
class RoutesStatus:
    """The routes: how many, which are missing and why, and the last passes.

    `fights` are prefixes whose routes somebody deletes as fast as they are put back.
    """

    desired: int = 0
    installed: int = 0
    complete: bool = False
    missing: Listed[MissingRoute] = field(default_factory=Listed)
    shadows: Listed[ShadowRoute] = field(default_factory=Listed)
    fights: Listed[str] = field(default_factory=Listed)
    last_pass: PassStatus | None = None
    last_full_pass: PassStatus | None = None
    drift: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, state: RoutesState, epoch: float) -> RoutesStatus:
        """Write out the state; `epoch` is the moment (time.time) at which time.monotonic was 0."""
        last, full = state.last, state.last_full
        return cls(
            desired=last.desired if last else 0,
            installed=state.installed,
            complete=state.complete,
            missing=Listed.of(len(state.missing), map(MissingRoute.of, state.missing)),
            shadows=Listed.of(len(state.shadows), map(ShadowRoute.of, state.shadows)),
            fights=Listed.of(len(state.fights), state.fights),
            last_pass=PassStatus.of(last, epoch) if last else None,
            last_full_pass=PassStatus.of(full, epoch) if full else None,
            drift=dict(state.drift),
        )


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """One other node: the key of its lease, and in which state its routes are, with the reason."""

    key: str
    node: str
    subnets: tuple[str, ...]
    gateways: tuple[str, ...]
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PeersStatus:
    """The other nodes, counted by state; only those with a trouble are listed."""

    count: int = 0
    by_state: Mapping[str, int] = field(default_factory=dict)
    troubled: Listed[PeerStatus] = field(default_factory=Listed)


@dataclass(frozen=True, slots=True)
class RefusalStatus:
    """A record of the store that is not used, and why."""

    key: str
    reason: str
    detail: str

    @classmethod
    def of(cls, refusal: Refusal) -> RefusalStatus:
        """Write out a refusal."""
        return cls(spelled(refusal.key), refusal.reason, refusal.detail)


@dataclass(frozen=True, slots=True)
class SettingStatus:
    """A setting: its value as a person would write it, and where it came from."""

    name: str
    value: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkStatus:
    """One of the networks that this daemon serves, and how it stands; `holds` counts the holds."""

    name: str
    prefix: str
    ready: bool
    why_not: tuple[str, ...] = ()
    claim: ClaimStatus
    store: StoreStatus = field(default_factory=StoreStatus)
    peers: PeersStatus = field(default_factory=PeersStatus)
    refusals: Listed[RefusalStatus] = field(default_factory=Listed)
    holds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything at one moment. `why_not` names the checks that stand in the way of being ready.

    `claim`, `store`, `peers` and `refusals` are of the first of `networks`.
    """

    version: str
    node: str
    node_id: str
    instance: str
    boot_id: str
    pid: int
    started: float
    ready: bool
    why_not: tuple[str, ...] = ()
    conditions: tuple[ConditionStatus, ...] = ()
    claim: ClaimStatus
    uplink: UplinkStatus | None = None
    store: StoreStatus = field(default_factory=StoreStatus)
    routes: RoutesStatus = field(default_factory=RoutesStatus)
    peers: PeersStatus = field(default_factory=PeersStatus)
    refusals: Listed[RefusalStatus] = field(default_factory=Listed)
    networks: tuple[NetworkStatus, ...] = ()
    settings: tuple[SettingStatus, ...] = ()


def spelled(key: bytes) -> str:
    """Give a key as text: it may be any bytes, and any number of them."""
    more = "..." if len(key) > LONGEST_KEY else ""
    return key[:LONGEST_KEY].decode(errors="backslashreplace") + more


def encode(value: object) -> bytes:
    """Give the JSON of any value of this module, or of a list of them, ending in a new line."""
    return msgspec.json.encode(value) + b"\n"
