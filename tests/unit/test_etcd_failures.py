"""Every status of gRPC becomes one of the port's errors, with who, what, why and the cure."""

from __future__ import annotations

import grpc
import pytest

from hostgw_core.etcd.failures import Absent, Forbidden, Outdated, Stale, Unguarded, failure, joint
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
    assert "do the list: connect: refused (111); see" in str(error)
    error = failure(CODE.UNAVAILABLE, "UNKNOWN: ipv4:192.0.2.1:2379: refused", op="o", endpoint="e")
    assert str(error).startswith("etcd at e did not do the o: refused; see")


def test_what_all_members_say_is_said_once() -> None:
    """And what one of them says otherwise stands beside it."""
    said = {
        name: str(failure(CODE.UNAVAILABLE, words, op="list", endpoint=name))
        for name, words in {"b": "refused", "a": "refused", "c": "no route"}.items()
    }
    cure = "see that etcd runs there and that this host reaches it"
    assert str(joint(said, op="list")) == (
        f"etcd at a, b did not do the list: refused; {cure};"
        f" etcd at c did not do the list: no route; {cure}"
    )
    assert str(joint({"a": "it fell"}, op="list")) == "it fell"
    assert str(joint({}, op="list")) == "there is no etcd to ask for the list"


def test_a_status_without_words_is_told_by_its_name() -> None:
    """An empty sentence is replaced by the name of the code."""
    assert "INTERNAL" in str(failure(CODE.INTERNAL, None, op="list", endpoint="e"))
