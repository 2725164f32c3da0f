"""The status in one line, for systemd: what a person reads first."""

from __future__ import annotations

from hostgw_daemon.routes.peers import PeerState
from hostgw_daemon.told.status import ClaimStatus, Status


def sentence(status: Status) -> str:
    """Say the status in one line, for systemd's STATUS=: it changes only when something did."""
    claim, routes, peers = status.claim, status.routes, status.peers
    parts = [
        _held(claim),
        f"{_counted(routes.installed, 'route')} to {_counted(peers.count, 'peer')}"
        + (f", held {held}" if (held := peers.by_state.get(PeerState.HELD, 0)) else "")
        + (f", {routes.missing.count} missing" if routes.missing.count else ""),
        "etcd reachable" if status.store.connected else "etcd unreachable",
    ]
    for each in status.networks[1:]:
        theirs = f"{_held(each.claim)}, {_counted(each.peers.count, 'peer')}"
        parts.append(f"{each.name}: {theirs}")
    if status.conditions:
        codes = [condition.code for condition in status.conditions]
        parts.append(f"{'wrong' if status.ready else 'not ready'}: {', '.join(codes)}")
    elif not status.ready:
        parts.append(f"not ready: {', '.join(status.why_not)}")
    return "; ".join(parts)


def _held(claim: ClaimStatus) -> str:
    return f"{' and '.join(claim.subnets) or 'no subnet'} {'held' if claim.held else claim.phase}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
