"""The loop that looks at other firewalls, on listings that a test makes up, in virtual time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network

import pytest

from hostgw_daemon.rules.nftables import FirewallError, FirewallMissing
from hostgw_daemon.rules.obstacles import AUDIT, SOON, SURE, Obstacles
from support.loops import until
from support.rule_specs import NODES, SPEC

pytestmark = pytest.mark.looptime

CHAINS = """\
table inet mine {
	chain f {
		type filter hook forward priority filter; policy %s;
	}
}
"""


class Host:
    """Two firewalls; `looks` counts."""

    def __init__(self):
        self.looks = 0
        self.policy = "accept"
        self.forward = "ACCEPT"
        self.fault = {}

    async def chains(self):
        """Give nft's text."""
        self._may("nft")
        return CHAINS % self.policy

    async def table(self, family, name):
        """Give an empty chain."""
        return ({"table": {"family": family, "name": name}}, {"chain": {"name": "f"}})

    async def filters(self):
        """Give iptables' listing."""
        self.looks += 1
        self._may("iptables")
        return {"iptables-nft": f"-P FORWARD {self.forward}\n"}

    def _may(self, tool):
        if tool in self.fault:
            raise self.fault[tool]


@asynccontextmanager
async def running(host, spec=SPEC):
    """Run the loop; give it and what it tells."""
    told = []
    obstacles = Obstacles(host, host, told.append)
    obstacles.want(spec, "eth0")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(obstacles.run())
        yield obstacles, told
        task.cancel()


async def test_a_free_way_is_looked_at_now_and_then_and_nothing_is_told():
    """About once a minute; nodes that come and go are no reason to look."""
    host = Host()
    async with running(host) as (obstacles, told):
        for number in range(10):
            await asyncio.sleep(AUDIT / 10)
            obstacles.want(replace(SPEC, nodes=NODES if number % 2 else {}), "eth0")
        assert 1 <= host.looks <= 3
        obstacles.want(replace(SPEC, own=(ip_network("10.5.9.0/24"),)), "eth0")
        looks = host.looks
        await until(lambda: host.looks == looks + 1, within=0.1)
        assert told == []


async def test_what_stands_in_the_way_is_told_once_and_its_end_soon():
    """Found by the audit; while it stands, a look every few seconds."""
    host = Host()
    async with running(host) as (obstacles, told):
        await asyncio.sleep(AUDIT / 2)
        assert obstacles.dropped == ()
        host.policy = "drop"
        await until(lambda: bool(told), within=AUDIT + SURE)
        assert "nft insert rule inet mine f ip saddr 10.5.0.0/16 accept" in told[0]
        assert obstacles.dropped == SPEC.networks
        await asyncio.sleep(AUDIT)
        host.policy = "accept"
        await until(lambda: len(told) > 1, within=1.2 * SOON)
        assert obstacles.dropped == ()
    assert told[1:] == [""]


async def test_what_is_answered_at_once_is_not_told():
    """Docker sets its policy, and our rules follow in the same second: nothing stood in the way."""
    host = Host()
    host.forward = "DROP"
    async with running(host) as (_, told):
        await asyncio.sleep(SURE / 2)
        assert host.looks == 1
        host.forward = "ACCEPT"
        await asyncio.sleep(3 * AUDIT)
    assert told == []


async def test_both_firewalls_are_told_of_in_one_sentence():
    """And each is looked at where the other cannot be."""
    host = Host()
    host.policy, host.forward = "drop", "DROP"
    async with running(host) as (_, told):
        await until(lambda: bool(told), within=1.1 * SURE)
        assert "FORWARD of iptables-nft" in told[-1]
        assert "table inet mine" in told[-1]
        host.fault = {"nft": FirewallMissing("no nft")}
        await until(lambda: "inet mine" not in told[-1], within=2 * SOON)
        assert "FORWARD of iptables-nft" in told[-1]
        host.fault = {"iptables": FirewallError("no iptables")}
        await until(lambda: "inet mine" in told[-1], within=2 * SOON)
        assert "FORWARD" not in told[-1]


async def test_without_a_lease_nobody_looks():
    """There are no pods whose packets could be dropped."""
    host = Host()
    async with running(host, None) as (obstacles, told):
        await asyncio.sleep(3 * AUDIT)
        assert host.looks == 0
        obstacles.want(SPEC, "eth0")
        await until(lambda: host.looks == 1, within=0.1)
        assert told == []
