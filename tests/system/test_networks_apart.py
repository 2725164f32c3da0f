"""Several networks in one daemon: the trouble of one is its own."""

from __future__ import annotations

import pytest

from support.daemon_fixtures import Cluster, flannels
from support.frail_fixtures import remembers
from support.hostgwctl import hold
from support.networks_fixtures import BLUE, SOON, Three, leases, routed
from support.waiting import eventually

pytestmark = pytest.mark.root


def test_a_configuration_that_goes_spoils_nothing_of_the_other(twofold: Cluster, three: Three):
    """The last good one is in force there; leases come and go in the other as ever."""
    before = three.one.host.ours()
    twofold.delete("blue/config")
    eventually(lambda: "bad_config" in three.one.conditions, within=SOON)
    assert "blue" in three.one.conditions["bad_config"]
    assert three.one.ready
    twofold.lease("10.77.250.0/24", "192.168.51.9")
    eventually(
        lambda: three.one.host.has({**before, "10.77.250.0/24": "192.168.51.9"}), within=SOON
    )
    twofold.delete("subnets/10.77.250.0-24")
    eventually(lambda: three.one.host.has(before), within=SOON)
    twofold.put("blue/config", BLUE)
    eventually(lambda: three.one.well, within=SOON)


def test_a_network_without_a_configuration_is_waited_for_by_itself(twofold: Cluster):
    """The first is ready without it, removals and all; when it comes, its lease does too."""
    twofold.delete("blue/config")
    twofold.lease("10.77.250.0/24", "192.168.51.9")
    daemon = twofold.daemon(node="one").start("--networks=blue")
    eventually(lambda: daemon.host.has({"10.77.250.0/24": "192.168.51.9"}), within=SOON)
    eventually(lambda: "blue" in daemon.conditions.get("no_config", ""), within=SOON)
    assert daemon.ready
    twofold.delete("subnets/10.77.250.0-24")
    eventually(lambda: daemon.host.has({}), within=SOON)
    twofold.put("blue/config", BLUE)
    eventually(lambda: len(leases(twofold, "/blue")) == 1, within=20)
    eventually(lambda: daemon.well, within=SOON)


def test_a_wiped_prefix_is_held_by_the_guard_of_that_network_alone(twofold: Cluster):
    """What goes from one network as if by accident is held; in the other, one that goes may go."""
    for number in range(201, 211):
        twofold.lease(f"10.77.{number}.0/24", f"192.168.51.{number}")
        gateway = flannels(f"192.168.51.{number}")
        twofold.put(f"blue/subnets/10.78.{number}.0-24", gateway)
    daemon = twofold.daemon(node="one")
    daemon.start("--networks=blue", "--removal-grace=0s", "--removal-hold=5m")
    full = {f"10.{net}.{n}.0/24": f"192.168.51.{n}" for net in (77, 78) for n in range(201, 211)}
    eventually(lambda: daemon.host.has(full), within=SOON)
    twofold.ctl.run("del", "--prefix", f"{twofold.prefix}/blue/subnets/")
    twofold.delete("subnets/10.77.201.0-24")
    del full["10.77.201.0/24"]
    eventually(lambda: daemon.host.has(full), within=SOON)
    eventually(lambda: "removals_held" in daemon.conditions, within=SOON)
    assert "blue" in daemon.conditions["removals_held"]
    assert len(daemon.ask("/v1/holds?network=blue").json["holds"]) == 10
    assert daemon.ask("/v1/holds").json["holds"] == []
    # Our own lease there is back at once, and the first network goes on as ever.
    eventually(lambda: len(leases(twofold, "/blue")) == 1, within=SOON)
    twofold.lease("10.77.250.0/24", "192.168.51.9")
    full["10.77.250.0/24"] = "192.168.51.9"
    eventually(lambda: daemon.host.has(full), within=SOON)
    assert daemon.ready
    for words in (["accept", "10.78.201.0/24"], ["accept", "--all"]):
        refused = hold(daemon, *words)
        assert (refused.returncode == 0) == ("--all" in words)
        assert daemon.host.has(full)  # the first network's guard has nothing to let go
    assert "10.78.210.0/24" in hold(daemon, "list", "--network=blue").stdout
    assert hold(daemon, "accept", "--network=blue", "10.78.201.0/24").returncode == 0
    del full["10.78.201.0/24"]
    eventually(lambda: daemon.host.has(full), within=SOON)
    assert hold(daemon, "accept", "--network=blue", "--all").returncode == 0
    kept = {subnet: gateway for subnet, gateway in full.items() if subnet.startswith("10.77.")}
    eventually(lambda: daemon.host.has(kept), within=SOON)


def test_a_network_that_overlaps_the_first_is_refused(twofold: Cluster):
    """The first goes on; the other has no lease and no route here, until there is room for it."""
    twofold.put("blue/config", {**BLUE, "Network": "10.77.128.0/17"})
    twofold.put("blue/subnets/10.77.200.0-24", flannels("192.168.51.200"))
    twofold.lease("10.77.9.0/24", "192.168.51.9")
    daemon = twofold.daemon(node="one").start("--networks=blue")
    eventually(lambda: "networks_overlap" in daemon.conditions, within=SOON)
    why = daemon.conditions["networks_overlap"]
    assert "blue" in why
    assert "10.77.128.0/17 overlaps 10.77.0.0/16" in why
    assert daemon.host.has({"10.77.9.0/24": "192.168.51.9"})
    assert daemon.ready
    assert leases(twofold, "/blue") == {"10.77.200.0/24": "192.168.51.200"}
    twofold.put("blue/config", BLUE)
    eventually(lambda: len(leases(twofold, "/blue")) == 2, within=20)
    assert "networks_overlap" not in daemon.conditions
    # What is in force stays, over a restart, too: the first is refused what the other has now.
    eventually(lambda: remembers(daemon, 2), within=SOON)
    eventually(lambda: remembers(daemon, 1, network="blue"), within=SOON)
    held = leases(twofold, "/blue")
    twofold.configure(Network="10.78.0.0/15")
    for _ in range(2):
        eventually(lambda: "networks_overlap" in daemon.conditions, within=SOON)
        assert "network default" in daemon.conditions["networks_overlap"]
        assert daemon.host.has({"10.77.9.0/24": "192.168.51.9"})
        assert daemon.ready
        daemon.kill()
        daemon.start("--networks=blue")
    assert leases(twofold, "/blue") == held
    twofold.configure()
    eventually(lambda: "networks_overlap" not in daemon.conditions, within=SOON)


def test_a_store_that_was_wiped_has_both_networks_again(twofold: Cluster, three: Three):
    """Each is put back by its own members, and no route goes meanwhile."""
    first, blue = leases(twofold), leases(twofold, "/blue")
    with three.one.host.route_changes() as changes:
        twofold.site.wipe_etcd()
        eventually(lambda: leases(twofold) == first, within=60)
        eventually(lambda: leases(twofold, "/blue") == blue, within=60)
        eventually(lambda: all(daemon.well for daemon in three), within=60)
        assert all(routed(daemon, three) for daemon in three)
    assert [each for each in changes if "Deleted" in each and "10.7" in each] == []
    configs = [twofold.ctl.values(f"{twofold.prefix}{each}/config") for each in ("", "/blue")]
    assert [len(each) for each in configs] == [1, 1]
