"""Readiness as a function of the parts: what keeps a node from being given work."""

from __future__ import annotations

import pytest

from hostgw_core.health import Board
from hostgw_core.view import ViewState
from hostgw_daemon.claim.state import ClaimState
from hostgw_daemon.kernel import Verdict
from hostgw_daemon.link.uplink import NoUplink
from hostgw_daemon.routes.report import PassKind, RoutesState
from hostgw_daemon.rules.masquerade import MasqueradeState, Standing
from hostgw_daemon.told.conditions import KINDS
from hostgw_daemon.told.overview import conditions, ready_checks, reports
from support.parts import DOWN, ELSEWHERE, OWN, outcome, parts, report, routes


def wrong(changes: dict) -> list[str]:
    """Give the names of the checks that say no."""
    made = parts(**changes)
    board = Board(KINDS, lambda: 0.0)
    board.report("hostgwd", conditions(made))
    return [check.name for check in ready_checks(made, board.blocking()) if not check.ok]


GOOD, BAD = (
    report(PassKind.FULL, outcome(2, Verdict.CREATED)),
    report(PassKind.FULL, outcome(1, Verdict.FAILED, "EPERM")),
)
SMALL, SMALL_BAD = (
    report(PassKind.FAST, outcome(2, Verdict.CREATED)),
    report(PassKind.FAST, outcome(2, Verdict.FAILED, "ENOMEM")),
)
OFF_LINK = report(PassKind.FULL, outcome(1, Verdict.OFF_LINK))


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, []),
        ({"claim": ClaimState()}, ["lease_held"]),
        ({"claim": ClaimState(lost=ELSEWHERE)}, ["lease_held", "conditions"]),
        ({"routes": RoutesState()}, ["first_pass"]),
        ({"routes": routes(last=BAD, last_full=BAD)}, ["last_pass"]),
        ({"routes": routes(last=SMALL, last_full=BAD)}, ["last_pass"]),
        ({"routes": routes(last=SMALL_BAD, last_full=GOOD)}, ["last_pass"]),
        ({"routes": routes(last=SMALL, last_full=GOOD)}, []),
        ({"routes": routes(last=OFF_LINK, last_full=OFF_LINK)}, []),  # that peer's trouble alone
        ({"uplink": NoUplink("none")}, ["conditions"]),
        ({"uplink": DOWN}, []),
        ({"view": ViewState(error="away")}, []),  # an outage of etcd takes no node out of service
        ({"view": ViewState(error="no", denied=True)}, []),
        ({"claim": ClaimState(OWN, conditions={"duplicate_address": "x"})}, ["conditions"]),
        ({"masquerade": MasqueradeState(Standing.FAILING, "x")}, []),
        ({"boottime": 1e9}, []),  # overdue is a condition, not a renumbering
    ],
)
def test_readiness(changes: dict, names: list[str]):
    """What keeps a node from being given work, and what does not."""
    assert wrong(changes) == names


@pytest.mark.parametrize(
    ("view", "why"),
    [
        (ViewState(error="nobody answers"), " (store_unavailable: nobody answers)"),
        (ViewState(error="wrong password", denied=True), " (store_denied: wrong password)"),
        (ViewState(), ""),
    ],
)
def test_what_waits_for_the_store_says_so(view: ViewState, why: str):
    """Where there is no lease or no pass yet, the store's trouble is the reason."""
    made = parts(view=view, claim=ClaimState(), routes=RoutesState())
    reasons = {check.name: check.reason for check in ready_checks(made, ())}
    assert reasons["lease_held"].endswith(f"has lost it{why}")
    assert reasons["first_pass"].endswith(f"since the start{why}")


def test_a_failed_pass_is_told_in_the_kernels_words():
    """The reason of the check is how many writes failed, and why the first one did."""
    made = parts(routes=routes(last=SMALL_BAD, last_full=BAD))
    (check,) = [c for c in ready_checks(made, ()) if c.name == "last_pass"]
    assert check.reason == "2 writes failed: EPERM"
    made = parts(routes=routes(last=BAD, last_full=BAD))
    (check,) = [c for c in ready_checks(made, ()) if c.name == "last_pass"]
    assert check.reason == "1 writes failed: EPERM", "one pass is counted once"


def test_each_of_several_networks_tells_its_own():
    """By its name; what concerns the host is said once, and so is a store that is away."""
    away = ViewState(error="away")
    first = parts(view=away, uplink=DOWN, claim=ClaimState(OWN))
    blue = parts(view=away, uplink=DOWN, claim=ClaimState(conditions={"subnets_exhausted": "all"}))
    green = parts(uplink=DOWN, troubles={"subnet_file_failing": "no room"})
    assert reports(first, {}) == {"host": conditions(first)}
    assert reports(first, {"blue": blue, "green": green}) == {
        "host": {"uplink_down": "eth0 is down"},
        "default": {"store_unavailable": "network default: away"},
        "blue": {"subnets_exhausted": "network blue: all"},
        "green": {"subnet_file_failing": "network green: no room"},
    }


def test_a_further_network_keeps_nobody_from_work_in_the_first():
    """What concerns the host does; each network by itself is ready or not by its own troubles."""
    board = Board(KINDS, lambda: 0.0, shared="host")
    blue = parts(claim=ClaimState(conditions={"subnets_exhausted": "all"}))
    for reporter, found in reports(parts(), {"blue": blue}).items():
        board.report(reporter, found)
    assert board.blocking("host", "default") == ()
    assert [each.kind.code for each in board.blocking("host", "blue")] == ["subnets_exhausted"]
    for reporter, found in reports(parts(uplink=NoUplink("none")), {"blue": blue}).items():
        board.report(reporter, found)
    assert [each.kind.code for each in board.blocking("host", "default")] == ["no_uplink"]
