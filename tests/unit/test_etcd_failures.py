"""Every status of gRPC becomes one of the port's errors, with who, what, why and the cure."""

from __future__ import annotations

import grpc
import pytest

from hostgw_core.etcd.failures import Absent, Forbidden, Outdated, Stale, Unguarded, failure
from hostgw_core.store import (
    StoreDenied,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
)

CODE = grpc.StatusCode


@pytest.mark.parametrize("code", [code for code in CODE if code is not CODE.OK], ids=str)
def test_every_code_is_known(code: grpc.StatusCode) -> None:
    """No status falls through, and each sentence names the endpoint and what was asked."""
    error = failure(code, "etcdserver: something", op="commit", endpoint="http://a:1")
    assert isinstance(error, StoreUnavailable | StoreDenied | StoreRefused)
    assert "http://a:1 did not do the commit: something; " in str(error)


@pytest.mark.parametrize(
    ("code", "details", "kind"),
    [
        (CODE.UNAVAILABLE, "etcdserver: no leader", StoreUnavailable),
        (CODE.DEADLINE_EXCEEDED, "Deadline Exceeded", StoreUnavailable),
        (CODE.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded", StoreFull),
        (CODE.RESOURCE_EXHAUSTED, "etcdserver: too many requests", StoreUnavailable),
        (CODE.INVALID_ARGUMENT, "etcdserver: request is too large", StoreRefused),
        (CODE.INVALID_ARGUMENT, "etcdserver: user name is empty", Stale),
        (CODE.INVALID_ARGUMENT, "etcdserver: revision of auth store is old", Stale),
        (CODE.UNAUTHENTICATED, "etcdserver: invalid auth token", Stale),
        (CODE.PERMISSION_DENIED, "etcdserver: permission denied", Forbidden),
        (CODE.FAILED_PRECONDITION, "etcdserver: authentication is not enabled", Unguarded),
        (CODE.NOT_FOUND, "etcdserver: requested lease not found", Absent),
        (CODE.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted", Outdated),
        (CODE.OUT_OF_RANGE, "etcdserver: too large lease TTL", StoreRefused),
    ],
)
def test_etcds_sentences(code: grpc.StatusCode, details: str, kind: type[StoreError]) -> None:
    """What etcd says is told apart where its codes are the same."""
    assert type(failure(code, details, op="list", endpoint="e")) is kind


def test_a_refused_connection_is_told_shortly() -> None:
    """Of gRPC's long sentence only the end, which says what happened, is shown."""
    details = "failed to connect to all addresses; last error: UNKNOWN: connect: refused (111)"
    error = failure(CODE.UNAVAILABLE, details, op="list", endpoint="e")
    assert "do the list: UNKNOWN: connect: refused (111); see" in str(error)


def test_a_status_without_words_is_told_by_its_name() -> None:
    """An empty sentence is replaced by the name of the code."""
    assert "INTERNAL" in str(failure(CODE.INTERNAL, None, op="list", endpoint="e"))
