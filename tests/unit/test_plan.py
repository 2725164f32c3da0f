"""The writes that make what is into what should be: cases that a person can check."""

from __future__ import annotations

from hostgw_daemon.kernel import Outcome, Route, Verb, Verdict, Write
from hostgw_daemon.routes.plan import plan, retreat
from support.lease_world import route

A = route("10.5.1.0/24", "172.16.0.4")
A_MOVED = route("10.5.1.0/24", "172.16.0.5")
B = route("10.5.2.0/24", "172.16.0.6")
C = route("10.5.3.0/24", "172.16.0.7")


def test_what_is_missing_is_created():
    """A free key is created exclusively, in the order of the destinations."""
    assert plan(frozenset([B, A]), frozenset()) == (Write(Verb.CREATE, A), Write(Verb.CREATE, B))


def test_what_nobody_wants_is_deleted():
    """A route of ours that is not desired goes."""
    assert plan(frozenset(), frozenset([B, A])) == (Write(Verb.DELETE, A), Write(Verb.DELETE, B))


def test_what_is_right_stays():
    """Nothing is written for a route that is as it should be."""
    assert plan(frozenset([A, B]), frozenset([A, B])) == ()


def test_a_moved_route_is_appended_before_the_old_one_goes():
    """Another gateway under the same key: the new one comes beside the old one, then that goes."""
    assert plan(frozenset([A_MOVED]), frozenset([A])) == (
        Write(Verb.APPEND, A_MOVED),
        Write(Verb.DELETE, A),
    )


def test_another_link_is_a_move_too():
    """An interface that was made again has another index: the same key, another content."""
    again = A._replace(link=9)
    assert [write.verb for write in plan(frozenset([again]), frozenset([A]))] == [
        "append",
        "delete",
    ]


def test_another_metric_is_another_key():
    """A route with another metric is created, and the old one deleted after it."""
    other = A._replace(metric=99)
    assert plan(frozenset([other]), frozenset([A])) == (
        Write(Verb.CREATE, other),
        Write(Verb.DELETE, A),
    )


def test_another_table_is_another_key():
    """A route in another table stands in nobody's way."""
    other = A._replace(table=1000)
    assert [w.verb for w in plan(frozenset([other]), frozenset([A]))] == ["create", "delete"]


def test_what_comes_goes_in_before_anything_goes_out():
    """Over all routes: first everything that is new, then everything that is old."""
    writes = plan(frozenset([A_MOVED, B]), frozenset([A, C]))
    assert [write.verb for write in writes] == ["append", "create", "delete", "delete"]


def test_a_second_route_of_a_key_is_cleared():
    """What an interrupted move left behind goes, and the right one is left alone."""
    assert plan(frozenset([A_MOVED]), frozenset([A, A_MOVED])) == (Write(Verb.DELETE, A),)


def test_a_route_in_a_shape_we_never_write_gives_way():
    """Somebody's multipath of our protocol is moved to ours like any other."""
    odd = A._replace(gateway=b"", link=0)
    assert plan(frozenset([A]), frozenset([odd])) == (
        Write(Verb.APPEND, A),
        Write(Verb.DELETE, odd),
    )


OLD6 = route("fd00:5:0:1::/64", "fd00::4")
NEW6 = route("fd00:5:0:1::/64", "fd00::5")


def _told(*told: tuple[Verb, Route, Verdict]) -> list[Outcome]:
    return [Outcome(Write(verb, which), verdict, 0, "") for verb, which, verdict in told]


def test_a_move_of_ipv6_whose_old_route_was_not_there_is_taken_back():
    """Created anew, it is refused where a stranger has the key, and no leg of his."""
    outcomes = _told(
        (Verb.APPEND, NEW6, Verdict.CREATED),
        (Verb.DELETE, OLD6, Verdict.GONE),
    )
    assert retreat(outcomes) == (Write(Verb.DELETE, NEW6), Write(Verb.CREATE, NEW6))


def test_a_move_that_went_well_stays():
    """The old one was there; or it is IPv4, where routes of one key stand in a row."""
    assert (
        retreat(
            _told(
                (Verb.APPEND, NEW6, Verdict.CREATED),
                (Verb.DELETE, OLD6, Verdict.DELETED),
                (Verb.APPEND, A_MOVED, Verdict.CREATED),
                (Verb.DELETE, A, Verdict.GONE),
            )
        )
        == ()
    )


def test_what_was_not_appended_is_not_taken_back():
    """A refused append, and a route that was only deleted."""
    assert (
        retreat(_told((Verb.APPEND, NEW6, Verdict.OFF_LINK), (Verb.DELETE, OLD6, Verdict.GONE)))
        == ()
    )
