"""Conditions, readiness and peer states as functions of the parts, by a table written by hand."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network

import pytest

from hostgw_core.health import Board
from hostgw_core.model import Refusal, Subnets
from hostgw_core.session import SessionState
from hostgw_core.view import ViewState
from hostgw_daemon.claim.claimant import ClaimState
from hostgw_daemon.kernel import Verdict
from hostgw_daemon.link.uplink import NoUplink
from hostgw_daemon.routes.peers import OWN_ADDRESS, Peer, PeerState
from hostgw_daemon.routes.report import PassKind, RoutesState
from hostgw_daemon.rules.masquerade import MasqueradeState, Standing
from hostgw_daemon.told.conditions import CODES, KINDS
from hostgw_daemon.told.metrics.peers import STATES
from hostgw_daemon.told.overview import conditions, peer_states, ready_checks
from support import parts as site
from support.parts import (
    OWN,
    UPLINK,
    foreign,
    lease,
    outcome,
    parts,
    report,
    roster,
    route,
    understanding,
)

ELSEWHERE = Subnets(IPv4Network("10.9.9.0/24"))
DOWN = replace(UPLINK, link=replace(UPLINK.link, up=False))


def refusal(number: int, reason: str) -> Refusal:
    """Refuse the record of node `number`."""
    return Refusal(lease(number).key, reason, f"what is wrong with {number}")


def routes(**changes: object) -> RoutesState:
    """Change the routes of a healthy daemon."""
    return replace(parts().routes, **changes)


def refused(*refusals: Refusal) -> dict[str, object]:
    """Give the parts of a daemon that refuses these records."""
    return {"understanding": understanding(roster=roster(3, refusals=refusals))}


TABLE = [
    # the parts that are not well, the conditions that follow, a word of each detail
    ({}, {}),
    (
        {"view": ViewState(error="nobody answers")},
        {"store_unavailable": "nobody answers"},
    ),
    (
        {"view": ViewState(error="wrong password", denied=True)},
        {"store_denied": "wrong password"},
    ),
    ({"view": ViewState()}, {}),  # the first answer is still awaited
    ({"understanding": None}, {}),
    (
        {"understanding": understanding(config=None, config_trouble="nothing is there")},
        {"no_config": "nothing is there"},
    ),
    (
        {"understanding": understanding(config_trouble="Network is no network")},
        {"bad_config": "Network is no network"},
    ),
    (
        refused(refusal(7, "malformed_value"), refusal(8, "overlap"), refusal(9, "overlap")),
        {"records_refused": "1 malformed_value, 2 overlap"},
    ),
    (
        refused(refusal(7, OWN_ADDRESS)),
        {"records_refused": "1 own_address", "address_claimed": "what is wrong with 7"},
    ),
    (
        {"understanding": understanding(disputes=("id-9",))},
        {"address_claimed": "the node id-9 wants it"},
    ),
    ({"uplink": NoUplink("no default route")}, {"no_uplink": "no default route"}),
    ({"uplink": DOWN}, {"uplink_down": "eth0 is down"}),
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
                missing=(outcome(1, Verdict.CONFLICT),), shadows=(foreign(1, metric=1100),)
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
    ({"masquerade": MasqueradeState(Standing.WAITING)}, {}),
    *(
        ({"claim": ClaimState(conditions={code: "why"})}, {code: "why"})
        for code in ("duplicate_address", "duplicate_identity", "identity_unsure", "lease_disputed")
    ),
    *(
        ({"troubles": {code: "full"}}, {code: "full"})
        for code in ("state_dir_failing", "subnet_file_failing", "listener_failing")
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


# -- readiness ------------------------------------------------------------------------------------


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


# -- peers ----------------------------------------------------------------------------------------


def state_of(number: int, **changes: object) -> tuple[str, str]:
    """Give the state of one peer, and the reason."""
    found = {peer.lease.key: (state, why) for peer, state, why in peer_states(parts(**changes))}
    return found[lease(number).key]


def test_every_peer_but_ourselves_has_a_state():
    """Three peers, all well, without a reason; our own lease is none of them."""
    found = list(peer_states(parts()))
    assert [(peer.lease.node, state, why) for peer, state, why in found] == [
        ("n1", "ok", ""),
        ("n2", "ok", ""),
        ("n3", "ok", ""),
    ]


@pytest.mark.parametrize(
    "changes", [{"understanding": None}, {"understanding": understanding(roster=None)}]
)
def test_there_are_no_peers_before_the_store_was_understood(changes: dict):
    """Without a roster nothing is said of anybody."""
    assert list(peer_states(parts(**changes))) == []


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.OFF_LINK, "off_subnet"),
        (Verdict.CONFLICT, "conflict"),
        (Verdict.FAILED, "failed"),
        (Verdict.LINK_DOWN, "failed"),
    ],
)
def test_a_missing_route_is_the_state_of_its_peer(verdict: Verdict, state: str):
    """The kernel's verdict becomes the peer's state, which is counted; its words the reason."""
    changed = routes(missing=(outcome(2, verdict, "why not"),))
    assert state_of(2, routes=changed) == (state, "why not")
    assert state in STATES
    assert state_of(1, routes=changed) == ("ok", "")


def test_a_shadowed_peer_names_the_cure():
    """The reason is the command that takes the other route away."""
    state, reason = state_of(2, routes=routes(shadows=(foreign(2),)))
    assert state == "shadowed"
    assert "ip route del 10.0.2.0/24 proto 3" in reason


def test_a_conflict_is_worse_than_a_shadow():
    """A peer with both is in conflict: there the route is missing altogether."""
    both = routes(missing=(outcome(2, Verdict.CONFLICT, "held"),), shadows=(foreign(2),))
    assert state_of(2, routes=both) == ("conflict", "held")


def test_a_fight_is_named_before_what_it_causes():
    """A route that is left alone because it is fought over is no mere failure."""
    changed = routes(missing=(outcome(2, Verdict.FAILED),), fights=("10.0.2.0/24",))
    assert state_of(2, routes=changed)[0] == "fight"
    assert state_of(2, routes=routes(fights=("10.0.2.0/24",)))[0] == "fight"


@pytest.mark.parametrize("state", [PeerState.REJECTED_KEPT, PeerState.OUTSIDE_CONFIG])
def test_a_records_own_trouble_comes_first(state: PeerState):
    """What is wrong with the lease is said, whatever the kernel says of its route."""
    kept = roster(3, n2=Peer(lease(2), state, "the record is spoilt"))
    found = state_of(
        2,
        understanding=understanding(roster=kept),
        routes=routes(missing=(outcome(2, Verdict.FAILED),)),
    )
    assert found == (str(state), "the record is spoilt")


def test_one_family_in_trouble_is_the_state_of_the_peer():
    """A peer with both families is as well as the worse of the two."""
    both = replace(lease(2), subnets=Subnets(lease(2).subnets.ipv4, IPv6Network("fd00::/64")))
    known = understanding(roster=roster(3, n2=Peer(both)))
    changed = routes(missing=(outcome(2, Verdict.OFF_LINK, "no way"),))
    assert state_of(2, understanding=known, routes=changed) == ("off_subnet", "no way")


# -- what it costs with ten thousand peers --------------------------------------------------------


class Read(tuple):  # noqa: SLOT001 - it counts, and a tuple with items has no slots
    """A tuple that counts how often it is gone through."""

    def __new__(cls, items: tuple):
        """Begin at nothing."""
        made = super().__new__(cls, items)
        made.rounds = 0
        return made

    def __iter__(self):
        """Count one more round."""
        self.rounds += 1
        return super().__iter__()


def test_ten_thousand_conflicts_are_gone_through_once():
    """Somebody holds every key of ours: the cost is a round over them, not a round for each."""
    missing = Read(tuple(outcome(number, Verdict.CONFLICT) for number in range(1, 10_001)))
    shadows = Read(tuple(foreign(number, metric=1100) for number in range(1, 10_001)))
    found = conditions(parts(routes=routes(missing=missing, shadows=shadows)))
    assert found["routes_conflict"].endswith("; and 9997 more")
    assert missing.rounds <= 3
    assert shadows.rounds <= 2


def test_of_ten_thousand_failures_three_are_written_out():
    """What is only counted is not put into words."""
    written = []

    class Words(str):
        __slots__ = ()

        def __format__(self, spec):
            written.append(self)
            return str(self)

    missing = tuple(outcome(n, Verdict.FAILED, Words("EPERM")) for n in range(1, 10_001))
    found = conditions(parts(routes=routes(missing=missing)))
    assert found["routes_failing"].endswith("; and 9997 more")
    assert len(written) == 3


def test_ten_thousand_peers_that_are_well_cost_no_look_at_their_subnets():
    """With nothing missing, nothing is compared: only the peers are gone through."""
    packed = []

    class Watched(Subnets):
        def __iter__(self):
            packed.append(self)
            return super().__iter__()

    known = roster(3)
    peers = {
        key: replace(peer, lease=replace(peer.lease, subnets=Watched(peer.lease.subnets.ipv4)))
        for key, peer in known.peers.items()
    }
    watched = replace(known, peers=type(known.peers)(peers))
    assert len(list(peer_states(parts(understanding=understanding(roster=watched))))) == 3
    assert packed == []


def test_the_routes_of_the_tests_are_what_they_say():
    """The parts of these tests are the peers' own: a slip here would prove nothing."""
    assert route(1).prefix == "10.0.1.0/24"
    assert site.OWN.key.decode().endswith("subnets/10.0.0.0-24")
