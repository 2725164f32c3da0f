"""What happened to routes, put into events: by hand, with moments of a clock that stands still."""

from __future__ import annotations

from dataclasses import replace

from hostgw_daemon.kernel import (
    Outcome,
    Overrun,
    Route,
    RouteForeign,
    RouteLost,
    Verb,
    Verdict,
    Write,
)
from hostgw_daemon.routes.report import PassKind, Report
from hostgw_daemon.routes.targets import Targets
from hostgw_daemon.told.journal import By, Event, Kind
from hostgw_daemon.told.routelog import FEW, RouteLog
from support.parts import foreign, route


def targets(count: int = 9) -> Targets:
    """Want the routes of so many nodes."""
    made = Targets()
    made.wanted = {route(number) for number in range(1, count + 1)}
    made.prefixes = {(each.destination, each.length): each for each in made.wanted}
    return made


def log() -> RouteLog:
    """Make a log in a world where 77 is `ip` and nobody else has a name."""
    return RouteLog(lambda port: "ip" if port == 77 else "")


def report(*writes: tuple[Verb, Route, Verdict], kind: PassKind = PassKind.FAST) -> Report:
    """Make a pass that brought the kernel to revision 5."""
    outcomes = tuple(Outcome(Write(verb, each), verdict) for verb, each, verdict in writes)
    return Report(kind, "the store changed", 5, 9, outcomes)


def made(*numbers: int) -> Report:
    """Make a pass that made the routes to these nodes."""
    return report(*((Verb.CREATE, route(number), Verdict.CREATED) for number in numbers))


def told(routes: RouteLog) -> list[tuple[Kind, str, float | None]]:
    """Give what each event says in short."""
    return [(each.kind, each.subject, each.stood) for each in routes.news()]


def test_a_pass_is_told_with_its_cause_and_its_revision():
    """One event a route; a route that goes had stood since it was made."""
    routes, wanted = log(), targets().wanted
    routes.passed(made(1), wanted, 100.0)
    assert routes.gathering
    (event,) = routes.news()
    assert not routes.gathering
    assert event == Event(
        moment=100.0,
        kind=Kind.ROUTE_CREATED,
        subject="10.0.1.0/24",
        says="10.0.1.0/24 via 192.0.2.1 metric 1100 was made",
        cause="the store changed",
        revision=5,
    )
    routes.passed(report((Verb.DELETE, route(1), Verdict.DELETED)), wanted, 160.0)
    assert told(routes) == [(Kind.ROUTE_DELETED, "10.0.1.0/24", 60.0)]


def test_what_the_kernel_refused_is_no_change():
    """Only what became of the kernel's table is told; the rest is a condition's."""
    routes = log()
    refused = report(
        (Verb.CREATE, route(1), Verdict.CONFLICT),
        (Verb.CREATE, route(2), Verdict.OFF_LINK),
        (Verb.DELETE, route(3), Verdict.GONE),
        (Verb.CREATE, route(4), Verdict.CREATED),
    )
    routes.passed(refused, targets().wanted, 100.0)
    assert told(routes) == [(Kind.ROUTE_CREATED, "10.0.4.0/24", None)]


def test_a_loss_names_who_did_it_and_the_way_back_how_long_it_took():
    """By port id, name and protocol; how long the route stood, and how long it was away."""
    routes, all_of = log(), targets()
    routes.passed(made(1), all_of.wanted, 100.0)
    routes.news()
    routes.heard([RouteLost(route(1), port=77)], all_of, 130.0)
    (event,) = routes.news()
    assert (event.kind, event.stood) == (Kind.ROUTE_LOST, 30.0)
    assert event.by == By("other", 77, "ip", 104)
    back = replace(made(1), kind=PassKind.RESTORE)
    routes.passed(back, all_of.wanted, 130.25)
    assert told(routes) == [(Kind.ROUTE_RESTORED, "10.0.1.0/24", 0.25)]


def test_who_is_gone_has_only_his_number_and_the_kernel_has_none():
    """A process that ended is known by its port id; port 0 is the kernel, for a link that went."""
    routes, all_of = log(), targets()
    routes.heard([RouteLost(route(1), port=78), RouteLost(route(2))], all_of, 1.0)
    assert [each.by for each in routes.news()] == [
        By("other", 78, "", 104),
        By("kernel", protocol=104),
    ]


def test_what_nobody_wants_is_no_loss():
    """A route that we do not want, and strangers' routes to strangers' places, are not told."""
    routes, all_of = log(), targets(3)
    routes.heard([RouteLost(route(8)), RouteForeign(foreign(8), added=True)], all_of, 1.0)
    assert told(routes) == []


def test_a_route_that_went_with_its_link_is_put_back():
    """The kernel deletes IPv4 routes of a link without a word: nobody knows since when."""
    routes, wanted = log(), targets().wanted
    routes.passed(made(1), wanted, 100.0)
    routes.news()
    routes.passed(made(1), wanted, 200.0)
    assert told(routes) == [(Kind.ROUTE_RESTORED, "10.0.1.0/24", None)]


def test_a_stranger_who_replaces_ours_is_told_as_what_he_did():
    """His route holds our key: it is named with its protocol, and ours had stood so long."""
    routes, all_of = log(), targets()
    routes.passed(made(1), all_of.wanted, 100.0)
    routes.news()
    theirs = foreign(1, metric=1100)
    routes.heard([RouteForeign(theirs, added=True, took=True, port=77)], all_of, 150.0)
    (event,) = routes.news()
    assert (event.kind, event.subject, event.stood) == (Kind.ROUTE_TAKEN, "10.0.1.0/24", 50.0)
    assert event.by == By("other", 77, "ip", 3)
    assert "via 192.0.2.9 metric 1100 of protocol 3 was put in the place of ours" in event.says
    routes.heard([RouteForeign(theirs, added=False, port=77)], all_of, 170.0)
    assert told(routes) == [(Kind.FOREIGN_WENT, "10.0.1.0/24", 20.0)]
    routes.passed(made(1), all_of.wanted, 171.0)
    assert told(routes) == [(Kind.ROUTE_RESTORED, "10.0.1.0/24", 21.0)]


def test_a_stranger_beside_ours_is_told_too():
    """One that shadows ours took no key."""
    routes = log()
    routes.heard([RouteForeign(foreign(1), added=True, took=True, port=9)], targets(), 1.0)
    assert told(routes) == [(Kind.FOREIGN_CAME, "10.0.1.0/24", None)]


def test_somebody_who_writes_our_protocol_is_told_wherever_he_writes():
    """No other program has any business with it."""
    routes = log()
    theirs = foreign(99)._replace(protocol=104)
    routes.heard([RouteForeign(theirs, added=True, port=9)], targets(), 1.0)
    assert told(routes) == [(Kind.FOREIGN_CAME, "10.0.99.0/24", None)]


def test_ten_thousand_routes_are_one_event():
    """Told with their number and some names; so are ten thousand that somebody flushes."""
    routes, all_of = log(), targets(10_000)
    pass_of_all = made(*range(1, 10_001))
    routes.passed(pass_of_all, all_of.wanted, 1.0)
    (event,) = routes.news()
    assert (event.kind, event.count, event.revision) == (Kind.ROUTE_CREATED, 10_000, 5)
    assert event.subject == "10.0.1.0/24, 10.0.2.0/24, 10.0.3.0/24, ..."
    assert event.says == "10000 routes were made"
    lost = [RouteLost(each, port=77) for each in sorted(all_of.wanted)]
    routes.heard(lost[:4000], all_of, 2.0)
    routes.heard(lost[4000:], all_of, 2.1)
    (event,) = routes.news()
    assert (event.kind, event.count, event.by.process) == (Kind.ROUTE_LOST, 10_000, "ip")


def test_a_few_are_told_one_by_one():
    """As many as a person may still read."""
    routes, all_of = log(), targets(FEW + 1)
    routes.passed(made(*range(1, FEW + 1)), all_of.wanted, 1.0)
    assert [each.count for each in routes.news()] == [1] * FEW
    again = log()
    again.passed(made(*range(1, FEW + 2)), all_of.wanted, 1.0)
    assert [each.count for each in again.news()] == [FEW + 1]


def test_notifications_that_the_kernel_dropped():
    """Whatever happened then is not in the journal, and it says so."""
    routes = log()
    routes.heard([Overrun()], targets(), 1.0)
    (event,) = routes.news()
    assert (event.kind, event.by) == (Kind.UNHEARD, By("kernel"))


def test_what_is_remembered_stays_bounded():
    """Routes that went with their link, again and again, for peers that come no more."""
    routes = log()
    for turn in range(20):
        some = range(100 * turn + 1, 100 * turn + 101)
        wanted = {route(number) for number in some}
        routes.passed(replace(made(*some), kind=PassKind.FULL), wanted, float(turn))
        routes.news()
    assert len(routes._made) <= 300
