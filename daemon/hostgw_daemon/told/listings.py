"""The long lists, each given whole to whoever asks for it: `/v1/routes`, `leases`, `config`.

As in `status`: addresses and prefixes as people write them, ids of etcd in hexadecimal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from hostgw_core.model import ClusterConfig, Lease, Pool
from hostgw_daemon.kernel import Outcome, Route
from hostgw_daemon.routes.forecast import Absence
from hostgw_daemon.told.status import SettingStatus

NOTHING: Final = Absence()


@dataclass(frozen=True, slots=True)
class RouteStatus:
    """A route that should be in the kernel. `state` is `installed`, or the verdict of its write.

    One that is `withdrawn` should not be there at present, and would be otherwise.
    """

    prefix: str
    gateway: str
    metric: int
    link: int
    table: int
    state: str
    detail: str = ""

    @classmethod
    def all(
        cls,
        wanted: Iterable[Route],
        missing: Iterable[Outcome],
        absent: Absence = NOTHING,
    ) -> Iterator[RouteStatus]:
        """Write out all routes there should be, in the order of their prefixes.

        With those that are withdrawn, and those that are there for probes instead.
        """
        troubles: Mapping[Route, Outcome] = {outcome.write.route: outcome for outcome in missing}
        for route in sorted((*wanted, *absent.away)):
            state, detail = "installed", ""
            if route in absent.away:
                state, detail = "withdrawn", f"{absent.away[route]} is out of reach"
            elif route in absent.witnesses:
                detail = f"for probes to {absent.witnesses[route]} alone"
            if trouble := troubles.get(route):
                state, detail = trouble.verdict, trouble.message
            yield cls(
                route.prefix,
                " ".join(map(str, route.gateways)),
                route.metric,
                route.link,
                route.table,
                state,
                detail,
            )


@dataclass(frozen=True, slots=True)
class LeaseStatus:
    """A lease of the store as it was understood; `etcd_lease` is "" for a key that stays."""

    key: str
    subnets: tuple[str, ...]
    gateways: tuple[str, ...]
    backend: str
    node: str
    node_id: str
    created: int
    modified: int
    etcd_lease: str

    @classmethod
    def of(cls, lease: Lease) -> LeaseStatus:
        """Write out a lease."""
        return cls(
            lease.key.decode(errors="backslashreplace"),
            tuple(map(str, lease.subnets)),
            tuple(map(str, lease.gateways)),
            lease.backend,
            lease.node,
            lease.node_id,
            lease.created,
            lease.modified,
            f"{lease.etcd_lease:x}" if lease.etcd_lease else "",
        )


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """Where the subnets of one family come from, in the words of flannel's configuration."""

    network: str
    subnet_len: int
    subnet_min: str
    subnet_max: str

    @classmethod
    def of(cls, pool: Pool | None) -> PoolStatus | None:
        """Write out a pool, if there is one."""
        if pool is None:
            return None
        return cls(str(pool.network), pool.length, str(pool.first), str(pool.last))


@dataclass(frozen=True, slots=True)
class ConfigStatus:
    """The network in force, with the revision of its key, and every setting of this daemon.

    `trouble` says why the record that stands in the store is not the one in force ("": it is).
    """

    ipv4: PoolStatus | None
    ipv6: PoolStatus | None
    revision: int
    trouble: str
    settings: tuple[SettingStatus, ...]

    @classmethod
    def of(
        cls, config: ClusterConfig | None, trouble: str, *, settings: Iterable[SettingStatus]
    ) -> ConfigStatus:
        """Write out the configuration of the cluster, if there is one, and of the daemon."""
        return cls(
            PoolStatus.of(config.ipv4) if config else None,
            PoolStatus.of(config.ipv6) if config else None,
            config.revision if config else 0,
            trouble,
            tuple(settings),
        )
