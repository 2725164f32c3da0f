"""Conditions as functions of the parts, by a table written by hand."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from hostgw_core.history import Break
from hostgw_core.model import Refusal
from hostgw_core.session import SessionState
from hostgw_core.store import Header, Room
from hostgw_core.upkeep import UpkeepState
from hostgw_core.view import ViewState
from hostgw_daemon.claim.state import ClaimState
from hostgw_daemon.host.hostcheck import HostState
from hostgw_daemon.kernel import Outcome, Route, Verb, Verdict, Write
from hostgw_daemon.link.uplink import NoUplink
from hostgw_daemon.probe.evidence import Cause as Probed
from hostgw_daemon.probe.evidence import Diagnosis
from hostgw_daemon.routes.holds import Cause, Hold
from hostgw_daemon.routes.peers import OWN_ADDRESS
from hostgw_daemon.routes.watchfulness import Watchfulness
from hostgw_daemon.routes.withdrawals import Withdrawn
from hostgw_daemon.rules.masquerade import MasqueradeState, Standing
from hostgw_daemon.told.conditions import CODES
from hostgw_daemon.told.overview import conditions
from support.host_states import UNFIXED, found
from support.parts import (
    DOWN,
    ELSEWHERE,
    HEADER,
    OWN,
    UNPLUGGED,
    UPLINK,
    disputes,
    foreign,
    lease,
    outcome,
    parts,
    roster,
    routes,
    understanding,
    withdrawn,
)


def refusal(number: int, reason: str) -> Refusal:
    """Refuse the record of node `number`."""
    return Refusal(lease(number).key, reason, f"what is wrong with {number}")


def refused(*refusals: Refusal) -> dict[str, object]:
    """Give the parts of a daemon that refuses these records."""
    return {"understanding": understanding(roster=roster(3, refusals=refusals))}


def held(number: int, cause: Cause = Cause.LEAVING) -> Hold:
    """Hold the lease of node `number`."""
    return Hold(lease(number), cause, 0.0, 9.0)


WITHOUT_IPV6 = replace(UPLINK, lacks="eth0 has no IPv6 address")
OFF_LINK6 = Outcome(
    Write(
        Verb.CREATE,
        Route(
            ip_address("fd00:5:0:1::").packed, 64, 2100, ip_address("2001:db8::1").packed, link=2
        ),
    ),
    Verdict.OFF_LINK,
    113,
    "No route to host",
)


EARLIER = Header(HEADER.cluster, 3, 1)
ELSEWHERES = Header(0xC0FFEE, 3, 1)

TABLE = [
    # the parts that are not well, the conditions that follow, a word of each detail
    ({}, {}),
    ({"view": ViewState(error="nobody answers")}, {"store_unavailable": "nobody answers"}),
    ({"view": ViewState(error="a wrong word", denied=True)}, {"store_denied": "a wrong word"}),
    ({"view": ViewState()}, {}),  # the first answer is still awaited
    (
        {"upkeep": UpkeepState(Room(Header(1, 7, 2), 9_000_000, 9_000_000, full=True))},
        {"store_full": "9.0 MB"},
    ),
    (
        {"upkeep": UpkeepState(Room(Header(1, 7, 2), 9_000_000, 9_000_000), kept=400_000)},
        {"store_grows": "400,000 revisions"},
    ),
    ({"understanding": None}, {}),
    (
        {"understanding": understanding(config=None, config_trouble="nothing is there")},
        {"no_config": "nothing is there"},
    ),
    (
        {"understanding": understanding(config_trouble="10.1.0.0/16 overlaps", overlap=True)},
        {"networks_overlap": "10.1.0.0/16 overlaps"},
    ),
    ({"understanding": understanding(config_trouble="no network")}, {"bad_config": "no network"}),
    (
        refused(refusal(7, "malformed_value"), refusal(8, "overlap"), refusal(9, "overlap")),
        {"records_refused": "1 malformed_value, 2 overlap"},
    ),
    (refused(refusal(7, OWN_ADDRESS)), {"address_claimed": "what is wrong with 7"}),
    (
        {"understanding": understanding(disputes=disputes(("id-0", 9), ("id-1", 2)))},
        {"address_claimed": "the node n9 (id-9) wants 192.0.2.9"},
    ),
    (
        {"understanding": understanding(headless=True), "saved": 1e9},
        {"headless": "4 leases are remembered of 2001-09-09 01:46:40 UTC; we have no subnet"},
    ),
    (
        {"understanding": understanding(headless=True), "saved": 1e9, "resting": OWN},
        {"headless": "our subnet is 10.0.0.0/24"},
    ),
    (
        {"guard": Watchfulness({lease(1).key: held(1, Cause.MANY), lease(2).key: held(2)})},
        {"removals_held": "1: its lease went from the store together with many others"},
    ),
    ({"guard": Watchfulness({lease(1).key: held(1)})}, {}),  # a moment of grace is no news
    (
        {"guard": Watchfulness(leftovers={b"a", b"b"}, broken=Break(HEADER, EARLIER, EARLIER))},
        {"history_broken": "revision 3 (term 1) came after revision 77 (term 3); 2 records"},
    ),
    (
        {"guard": Watchfulness(broken=Break(HEADER, ELSEWHERES, ELSEWHERES))},
        {"foreign_history": "cluster c0ffee answers"},
    ),
    ({"uplink": NoUplink("no default route")}, {"no_uplink": "no default route"}),
    ({"uplink": DOWN}, {"uplink_down": "eth0 is down"}),
    ({"uplink": UNPLUGGED}, {"uplink_down": "eth0 is up and has no carrier"}),
    ({"uplink": WITHOUT_IPV6}, {"family_missing": "eth0 has no IPv6 address"}),
    (  # that no IPv6 gateway is on the link has this one cause; an IPv4 gateway's has another
        {"uplink": WITHOUT_IPV6, "routes": routes(missing=(OFF_LINK6,))},
        {"family_missing": "eth0 has no IPv6 address"},
    ),
    (
        {
            "uplink": WITHOUT_IPV6,
            "routes": routes(missing=(OFF_LINK6, outcome(1, Verdict.OFF_LINK, "no way"))),
        },
        {"family_missing": "eth0", "gateways_off_link": "10.0.1.0/24 via 192.0.2.1"},
    ),
    ({"routes": routes(missing=(OFF_LINK6,))}, {"gateways_off_link": "fd00:5:0:1::/64"}),
    (
        {"claim": ClaimState(conditions={"subnets_exhausted": "none is left"})},
        {"subnets_exhausted": "none is left"},
    ),
    (
        {"claim": ClaimState(OWN, conditions={"outside_config": "too high"})},
        {"outside_config": "too high"},
    ),
    (
        {"claim": ClaimState(OWN, moved_from=ELSEWHERE)},
        {"subnet_moved": "10.0.0.0/24 instead of 10.9.9.0/24"},
    ),
    ({"claim": ClaimState(lost=ELSEWHERE)}, {"lease_lost": "10.9.9.0/24"}),
    ({"claim": ClaimState(OWN, lost=ELSEWHERE)}, {}),  # it is back
    ({"claim": ClaimState()}, {}),  # never held: the check says so, not a condition
    (
        {"boottime": 86560.0},
        {"lease_overdue": "60 s past its end"},
    ),
    ({"boottime": 86500.0}, {}),
    ({"boottime": 1e9, "lease": SessionState()}, {}),
    (
        {"routes": routes(missing=(outcome(1, Verdict.FAILED, "EPERM"),))},
        {"routes_failing": "10.0.1.0/24 via 192.0.2.1 metric 1100: EPERM"},
    ),
    (
        {"routes": routes(missing=(outcome(1, Verdict.OFF_LINK, "no way"),))},
        {"gateways_off_link": "no way"},
    ),
    (
        {"routes": routes(missing=(outcome(1, Verdict.CONFLICT, "File exists"),))},
        {"routes_conflict": "File exists"},
    ),
    ({"routes": routes(missing=(outcome(1, Verdict.LINK_DOWN),))}, {}),  # the link's own trouble
    (
        {
            "routes": routes(
                missing=(outcome(1, Verdict.CONFLICT),),
                shadows=(foreign(1, metric=1100),),
                holders=frozenset({foreign(1, metric=1100)}),
            )
        },
        {"routes_conflict": "ip route del 10.0.1.0/24 metric 1100 proto 3"},
    ),
    (
        {"routes": routes(shadows=(foreign(1),))},
        {"shadowed": "10.0.1.0/24 via 192.0.2.9 of protocol 3: ip route del 10.0.1.0/24 proto 3"},
    ),
    (
        {
            "routes": routes(
                missing=(outcome(1, Verdict.CONFLICT),),
                shadows=(foreign(1, metric=1100), foreign(2, gateway="")),
                holders=frozenset({foreign(1, metric=1100)}),
            )
        },
        {"routes_conflict": "10.0.1.0/24", "shadowed": "10.0.2.0/24 of protocol 3"},
    ),
    (
        {"routes": routes(missing=(outcome(1, Verdict.OFF_LINK),), shadows=(foreign(1),))},
        {"gateways_off_link": "10.0.1.0/24", "shadowed": "10.0.1.0/24"},
    ),
    ({"routes": routes(fights=("10.0.1.0/24",))}, {"fight": "10.0.1.0/24"}),
    (
        {"masquerade": MasqueradeState(Standing.FAILING, "nft says no")},
        {"masquerade_failing": "nft says no"},
    ),
    (
        {"masquerade": MasqueradeState(Standing.CONTESTED, "somebody changes it")},
        {"masquerade_failing": "somebody changes it"},
    ),
    ({"probes": {(lease(1).key, 4): Diagnosis(Probed.OK)}}, {}),
    ({"probes": {(lease(1).key, 4): Diagnosis(Probed.UNPROBED, "no pods")}}, {}),
    ({"probes": {(lease(77).key, 4): Diagnosis(Probed.MTU, "of a peer that has gone")}}, {}),
    (
        {"probes": {(lease(1).key, 4): Diagnosis(Probed.MTU, "large ones are lost")}},
        {"peers_out_of_reach": "n1: mtu, large ones are lost"},
    ),
    ({"withdrawn": withdrawn(2)}, {"routes_withdrawn": "n2: unreachable"}),
    ({"withdrawn": withdrawn(77)}, {}),  # who has gone
    ({"withdrawn": Withdrawn({}, {4: 2}, {4: 3})}, {"routes_spared": "IPv4: 2 of 3 nodes are out"}),
    ({"masquerade": MasqueradeState(Standing.WAITING)}, {}),
    *(
        ({"host": found(code)}, {code: f"what {code} is: the cure"})
        for code in (
            *("forwarding_off", "rp_filter_strict", "bridge_filter_off", "neighbour_table_small"),
            *("networkd_flushes", "networkmanager_manages", "network_overlap", "dead_ways_used"),
        )
    ),
    (
        {"host": UNFIXED},
        {"forwarding_off": "v4: cure it; it is read-only; v6: so"},
    ),
    ({"host": HostState(trouble="EPERM")}, {"host_unread": "EPERM"}),
    *(
        ({"claim": ClaimState(conditions={code: "why"})}, {code: "why"})
        for code in (
            "duplicate_address",
            "duplicate_identity",
            "identity_unsure",
            "lease_disputed",
            "draining",
            "drained",
        )
    ),
    *(
        ({"troubles": {code: "full"}}, {code: "full"})
        for code in (
            *("state_dir_failing", "subnet_file_failing", "listener_failing", "probe_failing"),
            *("mtu_impossible", "cni_conf_failing", "cni_plugin_missing", "cni_child_failing"),
            *("conntrack_failing", "no_vrf", "uplink_outside_vrf", "route_src_missing"),
            *("forward_dropped", "paused", "route_mtu_impossible", "ecmp_link_missing"),
        )
    ),
]


@pytest.mark.parametrize(("changes", "expected"), TABLE)
def test_each_condition_comes_from_its_part(changes: dict, expected: dict):
    """One part that is not well gives exactly the conditions of the table, each with its words."""
    found = conditions(parts(**changes))
    assert set(found) == set(expected)
    assert all(words in found[code] for code, words in expected.items())


def test_the_table_reaches_every_declared_condition():
    """Whatever is computed here can be shown, and no kind is declared that nobody reports."""
    assert {code for _, expected in TABLE for code in expected} == CODES


def test_a_part_that_says_it_first_is_not_overruled():
    """One code has one detail: that of the store's own part where two could give one."""
    both = parts(
        understanding=understanding(config=None, config_trouble="from the view"),
        claim=ClaimState(conditions={"no_config": "from the claim"}),
    )
    assert conditions(both)["no_config"] == "from the view"


def test_many_things_are_named_by_three():
    """A sentence names three of ten thousand, and says how many more there are."""
    missing = tuple(outcome(number, Verdict.OFF_LINK) for number in range(1, 8))
    words = conditions(parts(routes=routes(missing=missing)))["gateways_off_link"]
    assert [f"10.0.{n}.0/24" in words for n in range(1, 8)] == [True] * 3 + [False] * 4
    assert words.endswith("; and 4 more")
    three = conditions(parts(routes=routes(missing=missing[:3])))["gateways_off_link"]
    assert "more" not in three
