"""What is held back, written out for `/v1/holds`, for the metrics, and for the journal."""

from __future__ import annotations

import json
import math

import pytest
from prometheus_client import CollectorRegistry

from hostgw_core.history import Break
from hostgw_core.store import Header
from hostgw_daemon.routes.holds import Cause, Hold
from hostgw_daemon.routes.watchfulness import Watchfulness
from hostgw_daemon.told.holdings import HeaderStatus, HoldsStatus, HoldStatus
from hostgw_daemon.told.holdlog import EVERY, HoldLog
from hostgw_daemon.told.metrics import Metrics
from hostgw_daemon.told.status import encode
from support.parts import lease

EPOCH = 1_700_000_000.0
OURS, WIPED, THEIRS = Header(0xCDF8, 77, 3), Header(0xCDF8, 4, 2), Header(0xABCD, 90, 3)


def holds(*made: tuple[int, Cause, float]) -> dict[bytes, Hold]:
    """Hold the leases of these nodes, since 10 s of the guard's clock until a moment of it."""
    return {lease(n).key: Hold(lease(n), cause, 10.0, until) for n, cause, until in made}


def test_a_hold_in_full():
    """Key, node, subnet, gateway, cause, reason, and the moments in seconds since the epoch."""
    told = HoldsStatus.of(Watchfulness(holds((7, Cause.MANY, 310.0))), EPOCH)
    assert told.holds == (
        HoldStatus(
            key="/coreos.com/network/subnets/10.0.7.0-24",
            node="n7",
            subnets=("10.0.7.0/24",),
            gateways=("192.0.2.7",),
            cause="many",
            reason="its lease went from the store together with many others",
            grave=True,
            since=EPOCH + 10,
            until=EPOCH + 310,
        ),
    )
    assert not told.history.broken


def test_no_limit_is_null_and_the_order_is_that_of_the_keys():
    """JSON has no infinity; a program reads null, and finds the same order each time."""
    made = holds((9, Cause.HISTORY, math.inf), (2, Cause.LEAVING, 12.0))
    told = json.loads(encode(HoldsStatus.of(Watchfulness(made), EPOCH)))
    assert [(each["node"], each["until"], each["grave"]) for each in told["holds"]] == [
        ("n2", EPOCH + 12, False),
        ("n9", None, True),
    ]


@pytest.mark.parametrize(("first", "foreign"), [(WIPED, False), (THEIRS, True)])
def test_a_broken_history_shows_where_it_parts(first: Header, foreign: bool):
    """Ids of clusters are hexadecimal, as etcdctl writes them."""
    broken = Break(OURS, first, first)
    told = HoldsStatus.of(Watchfulness(broken=broken), EPOCH).history
    assert (told.broken, told.foreign, told.sentence) == (True, foreign, broken.sentence())
    assert told.known == HeaderStatus("cdf8", 77, 3)
    assert told.first == HeaderStatus.of(first)


def test_leftovers_are_counted_and_the_first_hundred_named():
    """A key may be any bytes of any length, and there may be any number of them."""
    keys = {b"/p/%06d" % n for n in range(5000)} | {b"\xff" * 1_000_000}
    told = HoldsStatus.of(Watchfulness(leftovers=keys, broken=Break(OURS, WIPED, WIPED)), EPOCH)
    leftovers = told.history.leftovers
    assert (leftovers.count, len(leftovers.first), leftovers.first[0]) == (5001, 100, "/p/000000")
    alone = HoldsStatus.of(Watchfulness(leftovers={b"\xff" * 1_000_000}), EPOCH)
    assert len(encode(alone)) < 5000


def test_the_metrics_of_the_guard():
    """Levels of what is held now, totals of what began and how it ended."""
    registry = CollectorRegistry()
    metrics = Metrics(registry, version="")

    def read(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"hostgw_{name}", labels)

    for name in ("history_broken", "leftover_records", "headless", "snapshot_timestamp_seconds"):
        assert read(name) == 0
    guard = Watchfulness(
        holds((1, Cause.MANY, 310.0), (2, Cause.MANY, 310.0), (3, Cause.LEAVING, 12.0)),
        {b"a"},
        Break(OURS, WIPED, WIPED),
        begun={Cause.MANY: 4, Cause.LEAVING: 3},
        ended={(Cause.MANY, "returned"): 2, (Cause.LEAVING, "returned"): 1},
    )
    for _ in range(2):  # showing the same again counts nothing
        metrics.guard.show(guard, headless=True, saved=EPOCH)
    assert (read("holds", cause="many"), read("holds", cause="history")) == (2, 0)
    assert read("holds_begun_total", cause="many") == 4
    assert read("holds_ended_total", how="returned") == 3
    assert read("holds_ended_total", how="accepted") == 0
    assert (read("history_broken"), read("leftover_records"), read("headless")) == (1, 1, 1)
    assert read("snapshot_timestamp_seconds") == EPOCH


def test_many_holds_are_one_line_of_the_journal():
    """Beginnings, ends and extensions of some seconds are told together, usual ones never."""
    log, begun, ended = HoldLog(), {}, {}
    guard = Watchfulness(begun=begun, ended=ended)
    assert log.news(guard, 100.0) == ()
    begun |= {Cause.MANY: 8, Cause.LEAVING: 2}
    ended |= {(Cause.LEAVING, "gone"): 2}
    (line,) = log.news(guard, 100.0)
    assert (line.event, line.cause) == ("Leases that went from the store are held", "many")
    assert line.counts == {"count": 8}
    begun[Cause.MANY] = 9
    ended |= {(Cause.MANY, "returned"): 3, (Cause.MANY, "accepted"): 2}
    assert log.news(guard, 100.0 + EVERY / 2) == ()
    more, over = log.news(guard, 100.0 + EVERY)
    assert more.counts == {"count": 1}
    assert (over.event, over.cause) == ("Holds are over", "many")
    assert over.counts == {"returned": 3, "accepted": 2}
    assert log.news(guard, 200.0) == ()
    (longer,) = log.news(Watchfulness(begun=begun, ended=ended, extended=3), 300.0)
    assert (longer.event, longer.counts) == ("An operator has extended holds", {"count": 3})
