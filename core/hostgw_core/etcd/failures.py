"""What a gRPC status means: one table by code, and by words where a code says too little.

etcd answers a wrong password, a stale token and a request that is too large with one and the same
code (INVALID_ARGUMENT), a full database and a busy server with another (RESOURCE_EXHAUSTED); there
its fixed sentences decide. They have not changed from etcd 3.4 to 3.7:
https://github.com/etcd-io/etcd/blob/main/api/v3rpc/rpctypes/error.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import grpc

from hostgw_core.store import StoreDenied, StoreError, StoreFull, StoreRefused, StoreUnavailable


class Outdated(StoreUnavailable):
    """The revision that was asked for is compacted away, or not there."""


class Absent(StoreRefused):
    """What was named (an etcd lease) does not exist."""


class Forbidden(StoreDenied):
    """The login is good, and may not do this."""


class Stale(StoreDenied):
    """A token is too old, or not known after a restart: a new login may help."""


class Unguarded(StoreRefused):
    """A login was tried where etcd asks for none."""


_WHO = "etcd at "
_SPOKEN = {"room": "status"}  # verbs of the port whose names say nothing to an operator
_REACH = "see that etcd runs there and that this host reaches it"
_LEADER = "see that most members run and reach one another"
_LOGIN = "check etcd's user name and password in the settings"

_CODES: dict[grpc.StatusCode, tuple[type[StoreError], str]] = {
    grpc.StatusCode.UNAVAILABLE: (StoreUnavailable, _REACH),
    grpc.StatusCode.DEADLINE_EXCEEDED: (StoreUnavailable, f"{_REACH}, and that it has a leader"),
    grpc.StatusCode.CANCELLED: (StoreUnavailable, "try again"),
    grpc.StatusCode.ABORTED: (StoreUnavailable, "try again"),
    grpc.StatusCode.INTERNAL: (StoreUnavailable, "see etcd's log"),
    grpc.StatusCode.UNKNOWN: (StoreUnavailable, "see etcd's log"),
    grpc.StatusCode.DATA_LOSS: (StoreUnavailable, "see `etcdctl alarm list`"),
    grpc.StatusCode.UNAUTHENTICATED: (Stale, _LOGIN),
    grpc.StatusCode.PERMISSION_DENIED: (
        Forbidden,
        "grant the user's role readwrite on the prefix: `etcdctl role grant-permission`",
    ),
    grpc.StatusCode.UNIMPLEMENTED: (StoreRefused, "etcd 3.4 or newer is needed"),
    grpc.StatusCode.NOT_FOUND: (Absent, "take a new lease"),
    grpc.StatusCode.INVALID_ARGUMENT: (StoreRefused, "the request is at fault; report it"),
    grpc.StatusCode.FAILED_PRECONDITION: (StoreRefused, "see etcd's log"),
    grpc.StatusCode.OUT_OF_RANGE: (Outdated, "list again"),
    grpc.StatusCode.ALREADY_EXISTS: (StoreRefused, "see etcd's log"),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (StoreRefused, "see etcd's log"),
}

_WORDS: dict[str, tuple[type[StoreError], str]] = {
    "no leader": (StoreUnavailable, _LEADER),
    "request timed out": (StoreUnavailable, _LEADER),
    "too many requests": (StoreUnavailable, "etcd is overloaded"),
    "authentication failed, invalid user ID or password": (StoreDenied, _LOGIN),
    "user name is empty": (Stale, "etcd wants a login: set its user name and password"),
    "revision of auth store is old": (Stale, _LOGIN),
    "authentication is not enabled": (Unguarded, "leave the user name out"),
    "mvcc: database space exceeded": (
        StoreFull,
        "compact and defragment etcd, then `etcdctl alarm disarm`; see its --quota-backend-bytes",
    ),
    "too large lease TTL": (StoreRefused, "ask for less"),
    "request is too large": (StoreRefused, "see etcd's --max-request-bytes"),
}


_BEFORE = re.compile(r"UNKNOWN: (ipv[46]:\S+: )?")
"""What gRPC puts before the words of the system: a code that says nothing, the address again."""


def _words(details: str | None) -> str:
    """Give etcd's or gRPC's own sentence without what it puts before it."""
    said = (details or "").removeprefix("etcdserver: ")
    return _BEFORE.sub("", said.rpartition("last error: ")[2], count=1)


def failure(code: grpc.StatusCode, details: str | None, *, op: str, endpoint: str) -> StoreError:
    """Give the port's error for a status: who did not do what, why, and the cure."""
    said = _words(details)
    kind, cure = _WORDS.get(said) or _CODES.get(code, (StoreUnavailable, "see etcd's log"))
    what = _SPOKEN.get(op, op)
    return kind(f"{_WHO}{endpoint} did not do the {what}: {said or code.name}; {cure}")


def joint(sentences: Mapping[str, str], *, op: str) -> StoreUnavailable:
    """Give the error for all members, by endpoint; what several have in common is said once."""
    alike: dict[str, list[str]] = {}
    for endpoint, sentence in sorted(sentences.items()):
        alike.setdefault(sentence.removeprefix(f"{_WHO}{endpoint}"), []).append(endpoint)
    said = [
        f"{_WHO}{', '.join(endpoints)}{words}" if words[:1] == " " else words
        for words, endpoints in alike.items()
    ]
    return StoreUnavailable("; ".join(said) or f"there is no etcd to ask for the {op}")


def silent(*, op: str, endpoint: str, seconds: float) -> StoreUnavailable:
    """Give the error for a member that does not answer at all."""
    what = _SPOKEN.get(op, op)
    return StoreUnavailable(
        f"{_WHO}{endpoint} did not answer the {what} within {seconds:.1f} s; {_REACH}"
    )
