"""The status from the parts: every field where it comes from, and the sentence of it all."""

from __future__ import annotations

import json
from dataclasses import replace

from hostgw_core.health import Board
from hostgw_core.model import Refusal
from hostgw_core.session import SessionState
from hostgw_core.view import ViewState
from hostgw_daemon.claim.state import ClaimState
from hostgw_daemon.kernel import Verdict
from hostgw_daemon.link.uplink import NoUplink
from hostgw_daemon.routes.peers import Peer, PeerState
from hostgw_daemon.routes.report import RoutesState
from hostgw_daemon.told import account
from hostgw_daemon.told.conditions import KINDS
from hostgw_daemon.told.overview import Parts, conditions, ready_checks
from hostgw_daemon.told.sentence import sentence
from hostgw_daemon.told.status import SettingStatus, Status, encode
from support.parts import OWN, lease, outcome, parts, roster, understanding

ME = account.Self(
    version="0.1.0",
    node="n0",
    node_id="id-0",
    instance="instance",
    boot_id="boot",
    pid=4711,
    started=5000.0,
    epoch=4000.0,
    boot_epoch=3000.0,
    settings=(SettingStatus("iface", "eth0", "flag"),),
)


def whole(made: Parts) -> Status:
    """Give the status as the daemon does."""
    board = Board(KINDS, lambda: 6000.0)
    board.report("hostgwd", conditions(made))
    return account.status(
        ME,
        made,
        standing=board.standing(),
        checks=ready_checks(made, board.blocking()),
        endpoint="https://etcd:2379",
    )


def test_a_healthy_daemon():
    """Every field of a good day, written by hand."""
    read = json.loads(encode(whole(parts())))
    assert read["ready"] is True
    assert (read["why_not"], read["conditions"]) == ([], [])
    assert read["claim"] == {
        "phase": "held",
        "held": True,
        "subnets": ["10.0.0.0/24"],
        "key": "/coreos.com/network/subnets/10.0.0.0-24",
        "etcd_lease": "",
        "expires": 86500.0 + 3000.0,
        "since": None,
        "how": "kept",
        "withdrawal": None,
    }
    assert read["uplink"] == {
        "interface": "eth0",
        "index": 2,
        "mtu": 1500,
        "up": True,
        "addresses": ["192.0.2.0"],
        "networks": ["192.0.2.0/24"],
        "reason": "eth0: has the default route (metric 100)",
    }
    assert read["store"] == {
        "connected": True,
        "endpoint": "https://etcd:2379",
        "cluster": "cdf8",
        "revision": 77,
        "entries": 4,
        "relists": 0,
        "watch_restarts": 0,
        "last_contact": 4012.0,
    }
    assert read["peers"]["count"] == 3
    assert read["peers"]["by_state"] == {"ok": 3}
    assert read["settings"] == [{"name": "iface", "value": "eth0", "source": "flag"}]
    assert (read["pid"], read["node_id"], read["started"]) == (4711, "id-0", 5000.0)


def test_before_anything_is_known():
    """A daemon that has just begun says what it waits for, and invents nothing."""
    made = parts(
        view=ViewState(),
        understanding=None,
        claim=ClaimState(),
        lease=SessionState(),
        uplink=NoUplink("not looked yet"),
        routes=RoutesState(),
    )
    status = whole(made)
    assert status.uplink is None
    assert (status.claim.phase, status.claim.expires) == ("claiming", None)
    assert (status.store.cluster, status.store.last_contact) == ("", None)
    assert (status.peers.count, status.refusals.count) == (0, 0)
    assert [why.partition(":")[0] for why in status.why_not] == [
        "lease_held",
        "first_pass",
        "conditions",
    ]


def test_a_claim_that_waits_has_the_phase_of_its_condition():
    """The phase is the code that says what it waits for."""
    made = parts(claim=ClaimState(conditions={"subnets_exhausted": "none is left"}))
    status = whole(made)
    assert (status.claim.phase, status.claim.held) == ("subnets_exhausted", False)
    assert status.claim.subnets == ()


def test_ids_of_etcd_are_hexadecimal():
    """They read as etcdctl writes them, and fit no number of JavaScript."""
    held = replace(OWN, etcd_lease=0x694D_0000_0000_0001)
    assert whole(parts(claim=ClaimState(held))).claim.etcd_lease == "694d000000000001"


def test_a_lease_that_stays_does_not_expire():
    """A reservation in use hangs on no etcd lease: there is no moment at which it ends."""
    assert whole(parts(lease=SessionState())).claim.expires is None


def test_restarts_of_the_watch_are_summed():
    """Whatever ended the watch, it is one number in the status."""
    view = replace(parts().view, restarts={"ended": 2, "compacted": 1}, relists=2)
    store = whole(parts(view=view)).store
    assert (store.watch_restarts, store.relists) == (3, 2)


def test_only_peers_in_trouble_are_listed():
    """All are counted by state; who is well is not listed."""
    routes = replace(parts().routes, missing=(outcome(2, Verdict.OFF_LINK, "no way"),))
    peers = whole(parts(routes=routes)).peers
    assert (peers.count, peers.by_state) == (3, {"ok": 2, "off_subnet": 1})
    (listed,) = peers.troubled.first
    assert peers.troubled.count == 1
    assert (listed.node, listed.state, listed.reason) == ("n2", "off_subnet", "no way")
    assert (listed.subnets, listed.gateways) == (("10.0.2.0/24",), ("192.0.2.2",))


def test_a_thousand_troubles_are_counted_and_a_hundred_listed():
    """The status of a bad day is no longer than a page of a hundred."""
    odd = {
        f"n{number}": Peer(lease(number), PeerState.REJECTED_KEPT, "spoilt")
        for number in range(1, 1001)
    }
    peers = whole(parts(understanding=understanding(roster=roster(1500, **odd)))).peers
    assert (peers.count, peers.troubled.count, len(peers.troubled.first)) == (1500, 1000, 100)
    assert peers.by_state == {"ok": 500, "rejected_kept": 1000}


def test_every_peer_can_be_asked_for():
    """The list of all has the well ones, too."""
    assert [peer.state for peer in account.peers(parts())] == ["ok"] * 3


def test_every_believed_lease_can_be_asked_for():
    """Our own among them; none before the store was understood."""
    assert [each.node for each in account.leases(parts())] == ["n0", "n1", "n2", "n3"]
    assert list(account.leases(parts(understanding=None))) == []


def test_records_that_are_not_used_are_in_the_order_of_their_keys():
    """Two looks at the same store give the same list."""
    refusals = tuple(Refusal(lease(n).key, "overlap", "why") for n in (9, 7, 8))
    made = parts(understanding=understanding(roster=roster(3, refusals=refusals)))
    keys = [each.key[-11:] for each in account.refused(made, most=9)]
    assert keys == [b"10.0.7.0-24", b"10.0.8.0-24", b"10.0.9.0-24"]
    assert whole(made).refusals.count == 3
    assert account.refused(parts(understanding=None), most=9) == []


def test_the_counts_are_those_of_the_list():
    """What the metrics count is what the status counts."""
    routes = replace(parts().routes, missing=(outcome(2, Verdict.FAILED),))
    made = parts(routes=routes)
    assert account.peer_counts(made) == whole(made).peers.by_state == {"ok": 2, "failed": 1}


def test_the_sentences():
    """What systemd shows on a good day, with etcd away, and before the first lease."""
    assert sentence(whole(parts())) == "10.0.0.0/24 held; 3 routes to 3 peers; etcd reachable"
    away = parts(view=ViewState(error="nobody answers"))
    assert sentence(whole(away)) == (
        "10.0.0.0/24 held; 3 routes to 3 peers; etcd unreachable; wrong: store_unavailable"
    )
    young = parts(claim=ClaimState(), routes=RoutesState(), understanding=understanding(0))
    assert sentence(whole(young)) == (
        "no subnet claiming; 0 routes to 0 peers; etcd reachable; not ready: "
        "lease_held: this node has no subnet yet, or has lost it, "
        "first_pass: no complete pass over the routes since the start"
    )


def test_a_headless_daemon_says_so_and_what_it_goes_by():
    """In the phase and in the sentence; its subnet as long as it is surely its own."""
    headless = parts(
        understanding=understanding(headless=True), claim=ClaimState(), view=ViewState()
    )
    resting = replace(headless, resting=OWN, saved=1e9)
    read = json.loads(encode(whole(resting)))
    assert (read["claim"]["phase"], read["claim"]["held"]) == ("headless", False)
    assert read["claim"]["subnets"] == ["10.0.0.0/24"]
    assert read["claim"]["key"] == "/coreos.com/network/subnets/10.0.0.0-24"
    assert sentence(whole(resting)) == (
        "10.0.0.0/24 headless; 3 routes to 3 peers; etcd unreachable; wrong: headless"
    )
    assert sentence(whole(headless)).startswith("no subnet headless;")
    answered = replace(resting, understanding=understanding(), view=ViewState(connected=True))
    assert sentence(whole(answered)).startswith("10.0.0.0/24 claiming;")


def test_the_sentence_counts_what_is_held():
    """Whose lease went from the store and whose route stays."""
    held = {f"n{n}": Peer(lease(n), PeerState.HELD, "it went") for n in (1, 2)}
    made = parts(understanding=understanding(roster=roster(3, **held)))
    assert "; 3 routes to 3 peers, held 2; etcd reachable" in sentence(whole(made))
