"""Other firewalls that drop pods' packets: seen, named, and cured by the very commands we name."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from hostgw_daemon.rules.forwarding import DOCKER_USER
from hostgw_daemon.rules.iptables import Iptables
from hostgw_daemon.rules.obstacles import Obstacles
from support.pod_packets import POD, POD_ELSEWHERE
from support.pod_site import source_seen, spec
from support.waiting import eventually_async

pytestmark = pytest.mark.root

DOCKER = """\
*filter
:FORWARD {policy} [0:0]
:DOCKER-USER - [0:0]
:DOCKER-FORWARD - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-FORWARD
{user}
-A DOCKER-FORWARD ! -i pods -o pods -j DROP
COMMIT
"""
FIREWALLS = {
    "nftables' policy": "table inet filter { chain forward {"
    " type filter hook forward priority 0; policy drop;"
    " ct state vmap { established : accept, related : accept, invalid : drop }"
    ' iifname "lo" accept; }; }',
    "a reject at the end": "table ip mine { chain f { type filter hook forward priority -5;"
    " ip saddr 192.0.2.0/24 accept; counter reject with icmp type admin-prohibited; }; }",
    "a chain of its own": "table inet mine {"
    " set lan { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 }; };"
    " chain zones { ip saddr @lan accept; log drop; };"
    " chain f { type filter hook forward priority 5; ct state established accept; jump zones; };"
    " }",
}
FORMS = ["iptables-nft", "iptables-legacy"]


def passes(site):
    """Tell whether pods of two hosts reach each other, in both directions."""
    try:
        return {
            source_seen(site.pod, site.pod_elsewhere, POD_ELSEWHERE, within=0.3),
            source_seen(site.pod_elsewhere, site.pod, POD, within=0.3),
        } == {POD, POD_ELSEWHERE}
    except TimeoutError:
        return False


@asynccontextmanager
async def looking(firewall, iptables):
    """Look every half second until the block ends; give the sentences."""
    told = []
    obstacles = Obstacles(firewall, iptables, told.append, audit=0.5)
    obstacles.want(spec(), "eth0")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(obstacles.run())
        yield told
        task.cancel()


def cured(site, sentence):
    """Run the commands that a sentence names."""
    for command in sentence.partition("drops them: ")[2].split("; "):
        site.run(command)


@pytest.fixture
def iptables(site, proc_net):
    """Give the adapter on the first host."""
    return Iptables(prefix=site.first.argv(), proc_net=proc_net)


@pytest.mark.parametrize("firewall_of_others", FIREWALLS.values(), ids=FIREWALLS.keys())
async def test_a_firewall_that_drops_is_named_and_its_cure_helps(
    site, firewall, iptables, firewall_of_others
):
    """No packet before; after the commands of the sentence they pass, and nothing is said."""
    site.run("nft -f -", given=firewall_of_others)
    assert not passes(site)
    async with looking(firewall, iptables) as told:
        await eventually_async(lambda: told)
        cured(site, told[0])
        assert passes(site)
        await eventually_async(lambda: told[-1] == "")


@pytest.mark.parametrize("form", FORMS)
async def test_a_reject_at_the_end_of_forward_is_named_and_its_cure_helps(
    site, firewall, iptables, form
):
    """As on hosts that were set up for iptables by hand, in both forms."""
    site.run(f"{form} -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
    site.run(f"{form} -A FORWARD -j REJECT --reject-with icmp-host-prohibited")
    assert not passes(site)
    async with looking(firewall, iptables) as told:
        await eventually_async(lambda: told)
        assert f"the chain FORWARD of {form} drops them" in told[0]
        cured(site, told[0])
        assert passes(site)
        await eventually_async(lambda: told[-1] == "")


async def test_a_policy_of_iptables_is_seen_without_iptables(site, firewall, tmp_path):
    """As in a container without the command: nft lists the chain, and names the cure."""
    site.run("iptables-nft -P FORWARD DROP")
    absent = Iptables(prefix=site.first.argv("env", f"PATH={tmp_path}"), proc_net=tmp_path)
    assert await absent.ensure(spec()) == 0
    async with looking(firewall, absent) as told:
        await eventually_async(lambda: told)
        cured(site, told[0])
        assert passes(site)
        await eventually_async(lambda: told[-1] == "")


async def test_a_host_where_pods_pass_is_told_of_nothing(site, firewall, iptables, in_force):
    """Our own table, accepting chains of others, and drops of something else."""
    site.run("iptables-nft -A FORWARD -s 203.0.113.0/24 -j DROP")
    site.run("nft -f -", given=FIREWALLS["nftables' policy"].replace("drop", "accept"))
    assert passes(site)
    looks = 0
    chains = firewall.chains

    async def counted():
        nonlocal looks
        looks += 1
        return await chains()

    firewall.chains = counted
    async with looking(firewall, iptables) as told:
        await eventually_async(lambda: looks > 1)
        assert told == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("policy", ["ACCEPT", "DROP"])
@pytest.mark.parametrize("end", ["", f"-A {DOCKER_USER} -j RETURN"], ids=["new", "old"])
async def test_docker_lets_pods_through_by_the_chain_that_it_has_for_that(
    site, iptables, form, policy, end
):
    """Its own chains drop what comes from other hosts; our rules in DOCKER-USER come first."""
    site.run(f"{form}-restore", given=DOCKER.format(policy=policy, user=end))
    assert not passes(site)
    assert await iptables.ensure(spec())
    assert passes(site)
    assert await iptables.ensure(spec()) == 0
    assert "hostgw" not in site.run(f"{form} -S FORWARD")
    assert await iptables.ensure(spec(forward_rules=False))
    assert not passes(site)
    assert "hostgw" not in site.run(f"{form} -S")
