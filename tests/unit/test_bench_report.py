"""The report of the benchmarks: what is held against which budget, and where it is written."""

import pytest
from bench.budgets import LEASE, Verdict, verdicts
from bench.cold import ColdStarts, batch_lines, bird_conf
from bench.idle import Idle
from bench.latency import Latencies
from bench.population import Peer, peers
from bench.process import Memory
from bench.report import BEGIN, END, place, render
from bench.restore import Restored
from bench.results import Results
from bench.samples import Samples, seconds

from hostgw_core.keys import Keys
from hostgw_core.model import Lease
from hostgw_core.records import lease_of
from hostgw_core.store import Entry
from hostgw_daemon.routes.desired import metric_of

KEYS = Keys("/coreos.com/network")


def starts(contender, *, whole, install, count=10_000):
    """One cold start of a contender."""
    return ColdStarts(count, contender, Samples.of([whole]), Samples.of([install]))


RESULTS = Results(
    cold=[
        starts("hostgwd", whole=1.0, install=0.1),
        starts("ip -batch, our metrics", whole=0.2, install=0.2),
        starts("ip -batch, one metric", whole=1.7, install=1.6),
        starts("BIRD, our metrics", whole=0.2, install=0.1),
        starts("BIRD, one metric", whole=1.6, install=1.5),
    ],
    latencies=[
        Latencies(100, "new", Samples.of([0.001, 0.002, 0.012]), Samples.of([0.001, 0.001, 0.002]))
    ],
    deletions=[Restored(100, Samples.of([0.0004]))],
    flaps=[Restored(10_000, Samples.of([0.6]))],
    idle=[
        Idle(10_000, scraped=True, seconds=60.0, share=0.0015, memory=Memory(90 << 20, 70 << 20))
    ],
)


def test_each_measurement_is_held_against_its_budget():
    """The verdicts, by what was measured."""
    met = {each.what: each.met for each in verdicts(RESULTS)}
    assert met == {
        "cold start, 10,000 leases": True,
        "install of 10,000 routes, of `ip -batch` with one metric": True,
        "a new lease, p50, 100 peers": True,
        "a new lease, p99, 100 peers": False,
        "a deleted route back, p50, 100 peers": True,
        "all 10,000 routes back after link up": False,
        "idle with 10,000 peers, scraped every 15 s: CPU": True,
        "idle with 10,000 peers, scraped every 15 s: resident": False,
    }


def test_a_missed_budget_says_by_how_much():
    """Twice the budget is missed by 100 %; what equals it is met."""
    assert Verdict("x", 0.3, 0.6, seconds).sentence == "**missed** by 100 %"
    assert Verdict("x", 0.3, 0.3, seconds).sentence == "met"


def test_the_install_step_is_a_ratio_to_ip_batch_with_one_metric():
    """0.1 s of 1.6 s."""
    found = next(each for each in verdicts(RESULTS) if each.what.startswith("install"))
    assert found.measured == pytest.approx(0.0625)
    assert found.words(found.measured) == "0.06 x"


def test_the_report_has_ratios_first_and_no_table_without_rows():
    """What was not measured is not there."""
    text = render(RESULTS, machine="2 cores", load=("0.1", "0.2"), took=600)
    titles = [line for line in text.splitlines() if line.startswith("### ")]
    assert titles[:2] == ["### Ratios", "### Budgets"]
    assert "### Many nodes at once" not in titles
    assert "| 10,000 routes | 1.00 x | 2.00 x | 16.00 x | 1.00 x | 15.00 x |" in text
    assert f"| {seconds(LEASE[1])} | 12.0 ms | **missed** by 100 % |" in text


def test_the_report_takes_the_place_of_the_former_one():
    """What a person wrote around it stays; twice is once."""
    page = f"# Title\n\n{BEGIN}\nold\n{END}\n\nafter\n"
    once = place(page, "new\n")
    assert once == f"# Title\n\n{BEGIN}\n\nnew\n\n{END}\n\nafter\n"
    assert place(once, "new\n") == once


def test_a_page_without_the_marks_is_refused():
    """Nothing is overwritten by mistake."""
    with pytest.raises(ValueError, match="the page lacks"):
        place("# Title\n", "new\n")


def test_every_peer_is_a_lease_that_the_daemon_believes():
    """Key and value say the same subnet and gateway, each peer its own, and moving changes one."""
    seen = set()
    for peer in (Peer(0), Peer(255), Peer(9_999), Peer(9_999).elsewhere()):
        lease = lease_of(KEYS, Entry(peer.key.encode(), peer.value.encode(), 1, 1, 1, 0))
        assert isinstance(lease, Lease)
        assert lease.subnets.ipv4 == peer.subnet
        assert lease.gateways.ipv4 == peer.gateway
        assert peer.metric == metric_of(peer.subnet)
        seen.add((peer.subnet, peer.gateway))
    assert len(seen) == 4
    assert len({peer.gateway for peer in peers(10_000)}) == 10_000


def test_the_contenders_are_handed_the_same_routes():
    """One metric for all, or ours."""
    peer = Peer(3)
    route = f"route add {peer.subnet} via {peer.gateway} dev eth0 proto 199 metric"
    assert batch_lines([peer], spread=True) == [f"{route} {peer.metric}"]
    assert batch_lines([peer], spread=False) == [f"{route} 1024"]
    line = f"route {peer.subnet} via {peer.gateway} {{ krt_metric = {peer.metric}; }};"
    assert line in bird_conf([peer], spread=True)
