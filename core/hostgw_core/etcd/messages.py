"""Between the port's values and etcd's messages: pure, and the only place that knows both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hostgw_core.etcd.api import etcd_pb2 as pb
from hostgw_core.store import (
    Batch,
    Change,
    Compare,
    Deleted,
    Entry,
    Header,
    Progress,
    Put,
    Room,
    Span,
    Write,
)

NOWHERE = b"\0"  # the lowest key there can be; nobody keeps anything there
_TARGETS = {
    "version": pb.Compare.VERSION,
    "created": pb.Compare.CREATE,
    "modified": pb.Compare.MOD,
    "lease": pb.Compare.LEASE,
}
_FIELDS = {
    "version": "version",
    "created": "create_revision",
    "modified": "mod_revision",
    "lease": "lease",
}


def header_of(header: pb.ResponseHeader) -> Header:
    """Read the history that an answer belongs to."""
    return Header(header.cluster_id, header.revision, header.raft_term)


def entry_of(kv: pb.KeyValue) -> Entry:
    """Read one key as it stands."""
    return Entry(kv.key, kv.value, kv.create_revision, kv.mod_revision, kv.version, kv.lease)


def change_of(event: pb.Event) -> Change:
    """Read one event of a watch."""
    if event.type == pb.Event.DELETE:
        return Deleted(event.kv.key, event.kv.mod_revision)
    return entry_of(event.kv)


def batch_of(
    response: pb.WatchResponse, span: Span, received: float, *, before: Iterable[Change] = ()
) -> Batch:
    """Read one whole response of a watch; `before` is what its earlier fragments brought."""
    changes = (*before, *map(change_of, response.events))
    return Batch(span, header_of(response.header), changes, received)


def progress_of(response: pb.WatchResponse, span: Span) -> Progress:
    """Read a progress notification: a response of a watch in which nothing happened."""
    return Progress(span, header_of(response.header))


def page(
    span: Span, *, limit: int, revision: int = 0, after: bytes | None = None
) -> pb.RangeRequest:
    """Ask for a part of a span, in key order: linearizable where no revision pins the answer.

    History does not change: at a revision that a linearizable answer of this member has named, its
    own data are as good as a quorum's, and cheaper.
    """
    return pb.RangeRequest(
        key=span.start if after is None else after + b"\0",
        # A span of one key has no further page.
        range_end=span.end,
        limit=limit,
        revision=revision,
        serializable=revision > 0,
    )


def past(key: bytes, revision: int) -> pb.RangeRequest:
    """Ask a member for one key at a revision: the answer is that it can, or that it is compacted.

    Of a key that the user may read; an empty one would do, but not everybody may read that.
    """
    return pb.RangeRequest(key=key, revision=revision, serializable=True, count_only=True)


def room_of(status: pb.StatusResponse) -> Room:
    """Read a member's status; an alarm is a line of text: `memberID:1027 alarm:NOSPACE `."""
    return Room(
        header_of(status.header),
        size=status.dbSize,
        in_use=status.dbSizeInUse,
        quota=status.dbSizeQuota,
        full=any("alarm:NOSPACE" in error for error in status.errors),
        version=status.version,
    )


def pulse() -> pb.RangeRequest:
    """Ask a member whether it lives: it alone answers, and reads nothing."""
    return pb.RangeRequest(key=NOWHERE, serializable=True, count_only=True)


def quorum() -> pb.RangeRequest:
    """Ask for nothing but the header, of a quorum."""
    return pb.RangeRequest(key=NOWHERE, count_only=True)


def transaction(compares: Sequence[Compare], writes: Sequence[Write]) -> pb.TxnRequest:
    """Write a commit.

    etcd answers a transaction without writes from one member's own data, perhaps stale, unless it
    holds a linearizable read: then one is put in.
    """
    request = pb.TxnRequest(
        compare=[_compare(compare) for compare in compares],
        success=[_write(write) for write in writes],
    )
    if not writes:
        key = compares[0].span.start if compares else NOWHERE
        request.success.add(request_range=pb.RangeRequest(key=key, count_only=True))
    return request


def _compare(compare: Compare) -> pb.Compare:
    message = pb.Compare(
        result=pb.Compare.EQUAL,
        target=_TARGETS[compare.field],
        key=compare.span.start,
        range_end=compare.span.end,
    )
    # Set by name also when it is 0: the union must say which field is meant.
    setattr(message, _FIELDS[compare.field], compare.value)
    return message


def _write(write: Write) -> pb.RequestOp:
    if isinstance(write, Put):
        put = pb.PutRequest(key=write.key, value=write.value, lease=write.lease)
        return pb.RequestOp(request_put=put)
    return pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=write.key))


def watching(span: Span, revision: int) -> pb.WatchRequest:
    """Ask for every change in a span from a revision on (0: from now), and how far that has come.

    `fragment`: a response beyond etcd's limit for a request (1.5 MiB, and half of one) comes in
    pieces, each but the last marked. A piece may end in the middle of a revision.
    """
    create = pb.WatchCreateRequest(
        key=span.start,
        range_end=span.end,
        start_revision=revision,
        progress_notify=True,
        fragment=True,
    )
    return pb.WatchRequest(create_request=create)
