"""A host's daemon is exchanged, flannel for hostgwd and back, and nobody's packets notice.

flannel is a stand-in (support/flanneld.py) that leaves what the real one leaves; docs/flannel.md
says what was tried with the real one. Packets lost are counted by their sequence numbers.
"""

import signal
import sys
from itertools import cycle, permutations
from urllib.request import urlopen

import pytest

from hostgw_cli.lab import processes
from hostgw_cli.lab.pairs import ping_all
from support.flannel_site import (
    FLANNELS,
    OURS,
    SUBNETS,
    FlannelSite,
    all_of,
    conditions,
    others,
    peers,
    rules,
    subnet,
)
from support.waiting import eventually

pytestmark = pytest.mark.root


@pytest.fixture
def make_site(make_lab):
    """Give a factory of sites: so many hosts, and no daemon yet."""
    return lambda nodes: FlannelSite(make_lab(nodes=nodes, daemons=False))


def test_half_and_half_every_container_reaches_every_other(make_site):
    """Where every other host runs flannel, all routes are there, whoever started first."""
    site = make_site(4)
    one, two, three, four = site.hosts
    one.start_daemon()
    site.flannel[two].start()
    site.flannel[three].start("-ip-masq")
    four.start_daemon("-ip-masq")
    site.attach()
    for host, other in permutations(site.hosts, 2):
        protocol = OURS if host in (one, four) else FLANNELS
        assert peers(host)[subnet(other)] == (protocol, str(other.plan.address.ip))
    pairs = ping_all(site.containers, count=2)
    assert [str(each) for each in pairs if not each.echo] == []
    for host in (two, three):
        site.flannel[host].said()  # it still runs: whatever hostgwd writes, flannel can read


def test_every_host_is_swapped_in_place_and_back_without_a_lost_packet(make_site):
    """Host by host to hostgwd, and host by host to flannel: subnet, file and packets stay."""
    site = make_site(3)
    for host in site.hosts:
        site.flannel[host].start("-ip-masq")
    site.attach()
    files = {host: host.subnet_file.read_bytes() for host in site.hosts}
    keys, chains = site.etcd.keys(SUBNETS), [rules(host) for host in site.hosts]
    assert len(chains[0]) == 10
    ends = cycle([signal.SIGTERM, signal.SIGKILL])
    with site.lossless():
        for host in site.hosts:
            site.flannel[host].stop(next(ends))
            assert all_of(host, FLANNELS)
            host.start_daemon("-ip-masq")
            eventually(lambda host=host: all_of(host, OURS) and not conditions(host))
            value = site.lease(subnet(host)).value
            assert (value["Node"], value["PublicIP"]) == (host.name, str(host.plan.address.ip))
            assert len(peers(host)) == 2
        assert [rules(host) for host in site.hosts] == chains
        for host in site.hosts:
            assert host.stop_daemon(next(ends))
            site.flannel[host].start("-ip-masq")
            value = site.lease(subnet(host)).value
            assert set(value) == {"PublicIP", "PublicIPv6", "BackendType"}
            assert len(peers(host)) == 2
    assert site.etcd.keys(SUBNETS) == keys
    assert {host: host.subnet_file.read_bytes() for host in site.hosts} == files


def test_hostgwd_may_be_started_beside_flannel_which_is_stopped_later(make_site):
    """Side by side nothing is lost, and our names are back after flannel's unconditional put."""
    site = make_site(2)
    one, _ = site.hosts
    for host in site.hosts:
        site.flannel[host].start()
    site.attach()
    own = subnet(one)
    with site.lossless():
        one.start_daemon()
        eventually(lambda: all_of(one, OURS))
        before = site.lease(own)
        assert before.value["Node"] == "n1"
        site.flannel[one].renew()
        eventually(lambda: site.lease(own).version == before.version + 2)
        assert site.lease(own).value == before.value
        site.flannel[one].stop()
        assert all_of(one, OURS)
    assert subnet(one) == own


def test_two_daemons_that_answer_each_other_do_not_write_for_ever(make_site):
    """Flannel renews at once where our etcd lease is short: we put it right ever more seldom."""
    site = make_site(1)
    (one,) = site.hosts
    site.flannel[one].start()
    one.start_daemon("--lease-ttl=10m")
    own = subnet(one)
    eventually(lambda: "lease_disputed" in conditions(one))
    # It stands for a while: as long as it takes to read it ten times.
    eventually(lambda: len({site.lease(own).version for _ in range(10)}) == 1)
    assert site.lease(own).version < 60
    site.flannel[one].stop()
    eventually(lambda: site.lease(own).value.get("Node") == "n1")


def test_the_former_owners_etcd_lease_may_end_after_a_swap(make_site):
    """Each takes the key onto an etcd lease of its own, and the other's takes nothing with it."""
    site = make_site(1)
    (one,) = site.hosts
    site.flannel[one].start()
    own = subnet(one)
    flannels = site.lease(own)
    site.flannel[one].stop()
    one.start_daemon()
    site.expire(flannels.etcd_lease)
    ours = site.lease(own)
    assert ours.value["Node"] == "n1"
    assert ours.version == flannels.version + 1
    one.stop_daemon()
    site.flannel[one].start()
    site.expire(ours.etcd_lease)
    assert "Node" not in site.lease(own).value
    assert subnet(one) == own


def test_a_lease_that_ended_while_nobody_ran_is_taken_again(make_site):
    """The file tells the next daemon the subnet, whichever of the two wrote it."""
    site = make_site(2)
    one, other = site.hosts
    for host in site.hosts:
        site.flannel[host].start()
    site.attach()
    file, own = one.subnet_file.read_bytes(), subnet(one)
    site.flannel[one].stop()
    site.expire(site.lease(own).etcd_lease)
    one.start_daemon()
    eventually(lambda: all_of(one, OURS) and own in peers(other))
    assert one.subnet_file.read_bytes() == file
    one.stop_daemon()
    site.expire(site.lease(own).etcd_lease)
    site.flannel[one].start()
    assert one.subnet_file.read_bytes() == file
    eventually(lambda: own in peers(other))


def test_only_flannels_leftovers_are_taken_over(make_site):
    """A route with an old gateway is; those of an administrator are not."""
    site = make_site(2)
    one, two = site.hosts
    for host in site.hosts:
        site.flannel[host].start()
    site.put("10.244.240.0-24", via=two.plan.address.ip)
    eventually(lambda: len(peers(one)) == 2)
    site.flannel[one].stop()
    before = others(one)
    for words in (
        "172.20.0.0/16 via 198.18.0.2 dev eth0",
        "10.244.250.0/24 via 198.18.0.2 dev eth0",  # in the network, and no peer's
        "10.244.240.0/25 via 198.18.0.2 dev eth0",
        "10.244.240.0/24 via 198.18.0.2 dev eth0 metric 4000",
        "10.244.240.0/24 via 198.18.0.2 dev eth0 metric 4001 proto static",
        "10.244.240.0/24 via 198.18.0.2 dev eth0 table 100",
        "blackhole 10.244.240.0/24 metric 4002",
    ):
        one.ip("route", "add", *words.split())
    kept = others(one) - {each for each in before if "dst default" not in each}
    one.ip("route", "change", subnet(two), "via", "198.18.0.99", "dev", "eth0")
    one.start_daemon()
    eventually(lambda: others(one) == kept)
    assert peers(one)[subnet(two)] == (OURS, str(two.plan.address.ip))
    found = one.ip_json("-details", "route", "show", "exact", "10.244.240.0/24")
    assert next(each["protocol"] for each in found if each["type"] == "unicast") == OURS


def test_what_flannel_left_stays_where_ours_cannot_stand(make_site):
    """A peer behind a router is reached by a route set by hand, before and after."""
    site = make_site(2)
    one, two = site.hosts
    for host in site.hosts:
        site.flannel[host].start()
    site.attach()
    site.flannel[one].stop()
    site.put("10.244.240.0-24", via="203.0.113.9")
    one.ip("route", "add", "10.244.240.0/24", "via", "198.18.0.2", "dev", "eth0")
    one.start_daemon()
    eventually(
        lambda: peers(one)[subnet(two)][0] == OURS and "gateways_off_link" in conditions(one)
    )
    assert peers(one)["10.244.240.0/24"] == (FLANNELS, "198.18.0.2")


def test_without_flannel_before_us_a_route_like_its_own_is_only_named(make_site):
    """On a host that never had flannel such a route stays, and the cure is told."""
    site = make_site(2)
    one, two = site.hosts
    for host in site.hosts:
        host.start_daemon()
    site.attach()
    words = [subnet(two), "via", "198.18.0.2", "dev", "eth0"]
    one.ip("route", "add", *words)
    eventually(lambda: f"ip route del {subnet(two)} proto 3" in conditions(one).get("shadowed", ""))
    one.stop_daemon()
    one.start_daemon()
    eventually(lambda: "shadowed" in conditions(one))
    assert len(one.ip_json("route", "show", "exact", subnet(two))) == 2


def test_a_unit_file_of_flannels_starts_hostgwd(make_site):
    """Its environment and its flags, in the forms that Go takes, mean the same."""
    site = make_site(1)
    (one,) = site.hosts
    one.folder.mkdir(parents=True)
    process = processes.start(
        "hostgwd",
        [
            *[sys.executable, "-P", "-m", "hostgw_daemon"],
            *["-iface=eth0", "--ip-masq", "-v=2", "--healthz-port", "8471"],
            *["--subnet-lease-renew-margin=59", "-iptables-resync=7", "--kube-subnet-mgr=false"],
        ],
        inside=one.namespace,
        log=one.log,
        environment={
            "FLANNELD_ETCD_ENDPOINTS": site.etcd.endpoints,
            "FLANNELD_SUBNET_FILE": str(one.subnet_file),
            "HOSTGW_STATE_DIR": str(one.folder / "state"),
            "HOSTGW_RUN_DIR": str(one.folder / "run"),
        },
    )
    try:
        eventually(lambda: one.ready, within=20, what=one.log)
        assert one.subnet_env()["FLANNEL_IPMASQ"] == "true"
        with one.namespace.enter(), urlopen("http://127.0.0.1:8471/healthz", timeout=5) as answer:
            assert answer.status == 200
    finally:
        assert processes.stop(process)
