"""Every rule, judged by the packet that it is for: by the source address its receiver sees."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from hostgw_daemon.rules.firewall import NftFirewall
from hostgw_daemon.rules.nftables import holds
from hostgw_daemon.rules.ruleset import desired
from support.pod_site import GROUP, PodSite, build, source_seen, spec

pytestmark = pytest.mark.root

POD, POD_ELSEWHERE = "10.5.1.2", "10.5.2.2"
FIRST, OUTSIDER = "192.168.50.1", "192.168.50.3"

FLANNEL_IPTABLES = """\
*nat
:FLANNEL-POSTRTG - [0:0]
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.1.0/24 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.0.0/16 -d 10.5.1.0/24 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.1.0/24 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" \
-j MASQUERADE --random-fully
-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.0.0/16 -m comment --comment "flanneld masq" \
-j MASQUERADE --random-fully
COMMIT
*filter
:FLANNEL-FWD - [0:0]
-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
-A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
-A FLANNEL-FWD -d 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
COMMIT
"""
FLANNEL_GONE = """\
*nat
-D POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
-F FLANNEL-POSTRTG
-X FLANNEL-POSTRTG
COMMIT
*filter
-D FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
-F FLANNEL-FWD
-X FLANNEL-FWD
COMMIT
"""


@pytest.fixture
def site(lan, make_netns):
    """Two hosts, two pods, an outsider."""
    return build(lan, make_netns)


@pytest.fixture
def firewall(site):
    """Give the adapter on the first host."""
    with site.first.enter():
        adapter = NftFirewall(nft=site.first.argv("nft"))
    with adapter:
        yield adapter


@pytest.fixture
async def in_force(firewall):
    """Put masquerade and forward rules in force on the first host."""
    await firewall.write(desired(spec()), ())


def all_packets(site: PodSite):
    """Give what each receiver sees, by the packet's two ends."""
    return {
        "pod to outsider": source_seen(site.pod, site.outsider, OUTSIDER),
        "pod to pod elsewhere": source_seen(site.pod, site.pod_elsewhere, POD_ELSEWHERE),
        "pod elsewhere to pod": source_seen(site.pod_elsewhere, site.pod, POD),
        "outsider to pod": source_seen(site.outsider, site.pod, POD),
        "outsider to pod elsewhere": source_seen(site.outsider, site.pod_elsewhere, POD_ELSEWHERE),
        "host to pod elsewhere": source_seen(site.first, site.pod_elsewhere, POD_ELSEWHERE),
        "host to pod": source_seen(site.first, site.pod, POD),
    }


RIGHT = {
    "pod to outsider": FIRST,
    "pod to pod elsewhere": POD,
    "pod elsewhere to pod": POD_ELSEWHERE,
    "outsider to pod": OUTSIDER,
    "outsider to pod elsewhere": FIRST,
    "host to pod elsewhere": FIRST,
    "host to pod": "10.5.1.1",
}
UNTOUCHED = RIGHT | {"pod to outsider": POD, "outsider to pod elsewhere": OUTSIDER}


@pytest.mark.usefixtures("in_force")
async def test_each_receiver_sees_the_right_address(site):
    """Pods see pods and clients as they are; the outside sees the host."""
    assert all_packets(site) == RIGHT


@pytest.mark.usefixtures("in_force")
async def test_each_receiver_sees_the_right_ipv6_address(site):
    """The same in IPv6."""
    site.wait_for_ipv6()
    pod, elsewhere, outsider = "fd00:5:0:1::2", "fd00:5:0:2::2", "fd50::3"
    assert source_seen(site.pod, site.outsider, outsider) == "fd50::1"
    assert source_seen(site.pod, site.pod_elsewhere, elsewhere) == pod
    assert source_seen(site.pod_elsewhere, site.pod, pod) == elsewhere
    assert source_seen(site.outsider, site.pod, pod) == outsider
    assert source_seen(site.outsider, site.pod_elsewhere, elsewhere) == "fd50::1"


@pytest.mark.usefixtures("in_force")
async def test_a_host_with_another_address_reaches_pods_elsewhere(site):
    """A process bound to an address that the other host cannot answer takes the link's address."""
    site.first.ip("address", "add", "198.51.100.1/32", "dev", "lo")
    seen = source_seen(site.first, site.pod_elsewhere, POD_ELSEWHERE, source="198.51.100.1")
    assert seen == FIRST


@pytest.mark.usefixtures("in_force")
async def test_a_marked_packet_is_left_to_kube_proxy(site):
    """Without kube-proxy's own chain nobody masquerades it; other marks change nothing."""
    gateway = "10.5.1.1"
    send = {"source": gateway}
    assert source_seen(site.first, site.outsider, OUTSIDER, **send) == FIRST
    assert source_seen(site.first, site.outsider, OUTSIDER, **send, mark=0x4000) == gateway
    assert source_seen(site.first, site.outsider, OUTSIDER, **send, mark=0x14000) == gateway
    assert source_seen(site.first, site.outsider, OUTSIDER, **send, mark=0x8000) == FIRST


@pytest.mark.usefixtures("in_force")
async def test_multicast_keeps_its_source(site):
    """A group's members see who sent: nothing that they answer could come back through NAT."""
    assert source_seen(site.first, site.outsider, GROUP, source="10.5.1.1") == "10.5.1.1"


async def test_without_masquerade_the_outside_sees_the_pod(site, firewall):
    """--ip-masq=false: no packet changes its source."""
    await firewall.write(desired(spec(masquerade=False)), ())
    assert all_packets(site) == UNTOUCHED


async def test_switching_off_is_in_force_at_once(site, firewall, in_force):
    """Masquerade removed while it was in force: new connections keep the pod's address."""
    await firewall.write(desired(spec(masquerade=False, forward_rules=False)), (4, 6))
    assert all_packets(site) == UNTOUCHED
    assert (await firewall.read()).tables == {}
    assert site.run("nft list ruleset") == ""


async def test_ports_are_kept_when_random_ports_are_switched_off(site, firewall):
    """--ip-masq-fully-random-disable: the kernel shows the plain form."""
    await firewall.write(desired(spec()), ())
    assert site.run("nft list table ip hostgw").count("masquerade fully-random") == 2
    await firewall.write(desired(replace(spec(), random_fully=False)), (4, 6))
    shown = site.run("nft list table ip hostgw")
    assert "fully-random" not in shown
    assert shown.count("masquerade comment") == 2
    assert source_seen(site.pod, site.outsider, OUTSIDER) == FIRST


@pytest.mark.usefixtures("in_force")
async def test_flannels_own_chains_do_no_harm_and_are_not_needed(site):
    """Beside flannel's rules, and after they are gone, every receiver sees the right address."""
    site.run("iptables-restore --noflush", given=FLANNEL_IPTABLES)
    assert all_packets(site) == RIGHT
    site.run("iptables-restore --noflush", given=FLANNEL_GONE)
    assert "FLANNEL" not in site.run("iptables-save")
    assert all_packets(site) == RIGHT


@pytest.mark.usefixtures("in_force")
async def test_a_special_rule_of_the_administrator_wins(site):
    """A source that somebody chose in iptables for a pod's packets is not overruled."""
    site.first.ip("address", "add", "192.168.50.77/24", "dev", "eth0")
    site.run(f"iptables -t nat -A POSTROUTING -s {POD} -d {OUTSIDER} -j SNAT --to 192.168.50.77")
    assert source_seen(site.pod, site.outsider, OUTSIDER) == "192.168.50.77"


async def test_a_rewrite_leaves_no_moment_without_masquerade(site, firewall, in_force):
    """Every connection begun while the table is written forty times is masqueraded."""
    ended = threading.Event()

    def connect():
        seen = []
        while not ended.is_set():
            seen.append(source_seen(site.pod, site.outsider, OUTSIDER))
        return seen

    async with asyncio.TaskGroup() as group:
        connecting = group.create_task(asyncio.to_thread(connect))
        try:
            for _ in range(40):
                await firewall.write(desired(spec()), (4, 6))
        finally:
            ended.set()
    assert set(connecting.result()) == {FIRST}
    assert len(connecting.result()) > 40


async def test_the_kernels_listing_is_that_of_what_was_written(site, firewall):
    """Reading after writing, in both families, and again: equal; after a rewrite: other handles."""
    ruleset = desired(spec())
    await firewall.write(ruleset, ())
    once = await firewall.read()
    assert holds(once, ruleset)
    assert await firewall.read() == once
    await firewall.write(ruleset, (4, 6))
    again = await firewall.read()
    assert holds(again, ruleset)
    assert again != once


async def test_a_drop_in_another_table_still_drops(site, firewall, in_force):
    """Our accept ends our chain only: what docs/packets.md says about other firewalls is true."""
    other = "table ip other { chain f { type filter hook forward priority 10; policy drop; }; }"
    site.run("nft -f -", given=other)
    with pytest.raises(TimeoutError):
        source_seen(site.pod, site.outsider, OUTSIDER, within=0.5)


async def test_foreign_tables_are_untouched(site, firewall):
    """Writing, rewriting and removing ours changes no byte of anybody else's."""
    site.run("iptables-restore --noflush", given=FLANNEL_IPTABLES)
    site.run("nft -f -", given="table inet hostgw-other { chain c { return; }; }")
    site.run("nft -f -", given="table inet hostgw { chain theirs { return; }; }")
    before = site.run("nft -a list ruleset")
    await firewall.write(desired(spec()), ())
    await firewall.write(desired(spec()), (4, 6))
    await firewall.write(desired(spec(masquerade=False, forward_rules=False)), (4, 6))
    assert site.run("nft -a list ruleset") == before
