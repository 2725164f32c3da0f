"""A hundred thousand hostile records beside ten good leases: ten routes, and a daemon that is well.

The daemon starts among them and claims its subnet; they go, and others come
while it watches; it is restarted among them.
"""

import json
import re
import time

import pytest

from support.daemon import Daemon, shows
from support.daemon_fixtures import Cluster
from support.hostile_records import junk, lease
from support.waiting import eventually

pytestmark = pytest.mark.root

COUNT = 100_000
MORE = 10_000
WITHIN = 60.0  # seconds, on a machine that does much else: it takes six
MEMORY = 400  # MiB
ANSWER = 8 << 20  # bytes
GOOD = [f"10.77.{number}" for number in range(201, 211)]
ROUTES = {f"{subnet}.0/24": f"192.168.51.{subnet[-3:]}" for subnet in GOOD}


def looked_at(node: Daemon, count: int) -> bool:
    """Tell whether so many records are refused, and whether all else is as it must be."""
    assert node.status["refusals"]["count"] == count
    assert node.host.has(ROUTES)
    assert node.ready
    return True


def bounded(node: Daemon) -> bool:
    """Tell whether what is answered, said and kept stays within bounds."""
    for path in ("status", "refusals", "peers", "leases", "routes", "config"):
        assert len(node.ask(f"/v1/{path}").body) < ANSWER, path
    metrics = node.ask("/metrics").body
    assert len(metrics) < 100_000
    assert len(set(re.findall(r'reason="([^"]*)"', metrics))) < 32
    assert all(len(detail) < 1000 for detail in node.conditions.values())
    assert all(len(json.dumps(line)) < 4000 for line in node.lines())
    assert node.log.stat().st_size < 200_000
    assert node.resident < MEMORY
    return True


def test_a_hundred_thousand_hostile_records(cluster: Cluster, record_property):
    """Exactly ten routes at every moment, no other write; memory, answers and series bounded."""
    cluster.configure(SubnetMin="10.77.100.0", SubnetMax="10.77.199.0")
    cluster.put_together(
        (f"subnets/{subnet}.0-24".encode(), lease(f"192.168.51.{subnet[-3:]}")) for subnet in GOOD
    )
    bad = list(junk(1, COUNT, within=GOOD))
    cluster.put_together(bad)
    node = cluster.daemon()
    began = time.monotonic()
    node.start(wait=False)
    node.wait_ready(within=WITHIN)
    record_property("ready_after_seconds", round(time.monotonic() - began, 1))
    with node.host.route_changes() as changes:
        eventually(lambda: looked_at(node, COUNT), within=WITHIN)
        eventually(shows(node, "records_refused"))
        assert bounded(node)
        own = node.subnet.removesuffix(".0/24")
        cluster.delete_together(key for key, _ in bad)
        eventually(lambda: looked_at(node, 0), within=WITHIN)
        eventually(lambda: node.well)
        cluster.put_together(junk(2, MORE, within=[*GOOD, own]))
        eventually(lambda: looked_at(node, MORE), within=WITHIN)
        assert bounded(node)
        assert node.end() == 0
        node.start(wait=False)
        node.wait_ready(within=WITHIN)
        eventually(lambda: looked_at(node, MORE), within=WITHIN)
        assert node.subnet == f"{own}.0/24"
        assert bounded(node)
    record_property("resident_mib", node.resident)
    assert changes == []
