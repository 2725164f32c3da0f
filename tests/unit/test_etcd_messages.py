"""What the port's values look like on the wire, written by hand beside them."""

from __future__ import annotations

from hostgw_core.etcd.api import etcd_pb2 as pb
from hostgw_core.etcd.messages import batch_of, page, progress_of, transaction, watching
from hostgw_core.store import Compare, Delete, Deleted, Entry, Header, Progress, Put, Span


def test_a_compare_with_zero_says_which_field_it_means() -> None:
    """A zero is sent, not left out: the union names its field."""
    for field, union, target in (
        ("version", "version", pb.Compare.VERSION),
        ("created", "create_revision", pb.Compare.CREATE),
        ("modified", "mod_revision", pb.Compare.MOD),
        ("lease", "lease", pb.Compare.LEASE),
    ):
        compare = transaction([Compare(Span(b"a", b"b"), field, 0)], []).compare[0]
        assert compare.WhichOneof("target_union") == union
        assert (compare.target, compare.result) == (target, pb.Compare.EQUAL)
        assert (compare.key, compare.range_end) == (b"a", b"b")


def test_writes_keep_their_order_and_lease() -> None:
    """Puts and deletes are sent as they were given, with nothing to do if a compare fails."""
    request = transaction([], [Put(b"b", b"1", 7), Delete(b"a"), Put(b"c", b"")])
    assert [op.WhichOneof("request") for op in request.success] == [
        "request_put",
        "request_delete_range",
        "request_put",
    ]
    assert request.success[0].request_put == pb.PutRequest(key=b"b", value=b"1", lease=7)
    assert request.success[1].request_delete_range == pb.DeleteRangeRequest(key=b"a")
    assert not request.failure


def test_a_commit_that_only_asks_is_linearizable() -> None:
    """Without a write there is a read of a quorum, or one member's stale data would decide."""
    request = transaction([Compare(Span(b"a"), "version", 1)], [])
    assert request.success[0].request_range == pb.RangeRequest(key=b"a", count_only=True)


def test_only_the_first_page_asks_a_quorum() -> None:
    """A page at a revision is read from one member, and begins just behind the page before."""
    span = Span(b"a/", b"a0")
    assert page(span, limit=9) == pb.RangeRequest(key=b"a/", range_end=b"a0", limit=9)
    assert page(span, limit=9, revision=5, after=b"a/3") == pb.RangeRequest(
        key=b"a/3\0", range_end=b"a0", limit=9, revision=5, serializable=True
    )


def test_a_watch_asks_for_fragments_and_progress() -> None:
    """Large responses in pieces, news of how far it has come, and no former values."""
    create = watching(Span(b"a/", b"a0"), 17).create_request
    assert (create.key, create.range_end, create.start_revision) == (b"a/", b"a0", 17)
    assert (create.fragment, create.prev_kv, create.progress_notify) == (True, False, True)


def test_a_response_is_read_whole() -> None:
    """Puts become entries, deletions Deleted, in order, with the header's history."""
    kv = pb.KeyValue(key=b"k", value=b"v", create_revision=2, mod_revision=4, version=3, lease=-7)
    gone = pb.KeyValue(key=b"g", mod_revision=5)
    response = pb.WatchResponse(
        header=pb.ResponseHeader(cluster_id=2**63 + 1, member_id=9, revision=6, raft_term=8),
        events=[pb.Event(kv=kv), pb.Event(type=pb.Event.DELETE, kv=gone)],
    )
    batch = batch_of(response, Span(b"k"), 1.5)
    assert batch.header == Header(cluster=2**63 + 1, revision=6, term=8)
    assert batch.changes == (
        Entry(key=b"k", value=b"v", created=2, modified=4, version=3, lease=-7),
        Deleted(b"g", 5),
    )
    assert (batch.span, batch.received) == (Span(b"k"), 1.5)


def test_fragments_are_put_before_what_came_last() -> None:
    """What earlier pieces of a response brought comes first in its batch."""
    gone = pb.Event(type=pb.Event.DELETE, kv=pb.KeyValue(key=b"b", mod_revision=5))
    batch = batch_of(pb.WatchResponse(events=[gone]), Span(b"k"), 0, before=[Deleted(b"a", 5)])
    assert batch.changes == (Deleted(b"a", 5), Deleted(b"b", 5))


def test_progress_says_of_which_span_and_how_far() -> None:
    """A notification is the header and the span, nothing more."""
    response = pb.WatchResponse(header=pb.ResponseHeader(cluster_id=1, revision=6, raft_term=8))
    assert progress_of(response, Span(b"k")) == Progress(Span(b"k"), Header(1, 6, 8))
