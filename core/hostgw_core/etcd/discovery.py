"""Finding etcd by DNS: SRV records, with the names that etcd's own tools use.

`_etcd-client-ssl._tcp.<domain>` names members that speak TLS, `_etcd-client._tcp.<domain>` those
that do not (https://etcd.io/docs/v3.4/op-guide/clustering/#dns-discovery). Where both exist, only
the first count: a forged answer must not be able to talk us out of TLS.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from hostgw_core.etcd.settings import Endpoint
from hostgw_core.store import StoreUnavailable

if TYPE_CHECKING:
    from dns.rdtypes.IN.SRV import SRV

_SERVICES = (("_etcd-client-ssl._tcp", True), ("_etcd-client._tcp", False))


async def srv_endpoints(
    domain: str, timeout: float, *, server: tuple[str, int] | None = None
) -> tuple[Endpoint, ...]:
    """Give the endpoints that the domain names, in their order of priority and drawn by weight.

    `timeout` is in seconds, for both questions; `server` is the address and port of a name server
    to ask instead of the system's. Raise StoreUnavailable: no answer, or no record.
    """
    # Loaded only here: most clusters name their members, and it takes as long as all the rest.
    import dns.asyncresolver  # noqa: PLC0415  # the reason above
    import dns.exception  # noqa: PLC0415  # the same
    import dns.resolver  # noqa: PLC0415  # the same

    resolver = dns.asyncresolver.Resolver(configure=server is None)
    if server is not None:
        resolver.nameservers, resolver.port = [server[0]], server[1]
    deadline = time.monotonic() + timeout
    reasons = []
    for service, tls in _SERVICES:
        left = max(0.05, deadline - time.monotonic())
        try:
            answer = await resolver.resolve(f"{service}.{domain}.", "SRV", lifetime=left)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer) as error:
            reasons.append(str(error))
            continue
        except dns.exception.DNSException as error:
            # No answer is not the answer that there is no TLS.
            reasons.append(str(error))
            break
        return tuple(
            Endpoint(record.target.to_text(omit_final_dot=True), record.port, tls)
            for record in _in_order(list(answer))
        )
    raise StoreUnavailable(
        f"DNS names no etcd for {domain}: {'; '.join(reasons)}; "
        f"see that `dig SRV {_SERVICES[0][0]}.{domain}` answers on this host"
    )


def _in_order(records: list[SRV]) -> list[SRV]:
    """Order by priority; within one, draw by weight (RFC 2782)."""
    return sorted(
        records,
        key=lambda record: (record.priority, -(random.random() ** (1 / (record.weight + 0.01)))),
    )
