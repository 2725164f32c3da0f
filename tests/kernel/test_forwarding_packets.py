"""Pods' packets pass a FORWARD chain whose policy drops, as on a host with docker."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from hostgw_daemon.rules.firewall import NftFirewall
from hostgw_daemon.rules.iptables import Iptables
from hostgw_daemon.rules.masquerade import Masquerade, Standing
from hostgw_daemon.rules.nftables import FirewallError
from support.pod_site import source_seen, spec
from support.waiting import eventually_async

pytestmark = pytest.mark.root

SOON = 10.0  # seconds: a tenth of one, on a machine with nothing else to do
POD, FIRST, OUTSIDER = "10.5.1.2", "192.168.50.1", "192.168.50.3"


class CountedIptables(Iptables):
    """Counts the looks that are over."""

    looks = 0

    async def ensure(self, wanted):
        """Do as Iptables does."""
        done = await super().ensure(wanted)
        self.looks += 1
        return done


@asynccontextmanager
async def keeping(site, proc_net, wanted):
    """Run the loop on the first host until the block ends.

    The block begins when the ring of our own write is answered: no look is due any more.
    """
    with site.first.enter():
        firewall = NftFirewall(nft=site.first.argv("nft"))
    iptables = CountedIptables(prefix=site.first.argv(), proc_net=proc_net)
    states = []
    with firewall:
        masquerade = Masquerade(firewall, states.append, forwarding=iptables, audit=3600.0)
        masquerade.want(wanted)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(masquerade.run())
            await eventually_async(lambda: states and iptables.looks > 1)
            yield masquerade
            task.cancel()


def passes(site):
    """Tell whether a pod reaches the outsider, and a pod is reached from there."""
    try:
        return {
            source_seen(site.pod, site.outsider, OUTSIDER, within=0.3),
            source_seen(site.outsider, site.pod, POD, within=0.3),
        } == {FIRST, OUTSIDER}
    except TimeoutError:
        return False


@pytest.mark.parametrize("form", ["iptables-nft", "iptables-legacy"])
async def test_packets_pass_a_policy_that_drops(site, proc_net, form):
    """Dropped before, forwarded with our rules, in both forms of iptables."""
    site.run(f"{form} -P FORWARD DROP")
    assert not passes(site)
    async with keeping(site, proc_net, spec()) as masquerade:
        assert masquerade.state.standing is Standing.IN_FORCE
        assert passes(site)


async def test_a_policy_that_begins_to_drop_is_answered_at_once(site, proc_net):
    """Docker starts after us: the chain's notification brings our rules."""
    async with keeping(site, proc_net, spec()):
        assert site.run("iptables-nft-save") == ""
        site.run("iptables-nft -P FORWARD DROP")
        await eventually_async(lambda: "hostgw" in site.run("iptables-nft -S FORWARD"), within=SOON)
        await eventually_async(lambda: passes(site), within=SOON)


async def test_a_lost_rule_is_put_back_at_once(site, proc_net):
    """A flushed chain has our rules again at once, behind those of others."""
    site.run("iptables-nft -P FORWARD DROP")
    async with keeping(site, proc_net, spec()) as masquerade:
        site.run("iptables-nft -F FORWARD")
        site.run("iptables-nft -I FORWARD -s 203.0.113.0/24 -j DROP")
        await eventually_async(lambda: masquerade.state.drifts, within=SOON)
        await eventually_async(lambda: passes(site), within=SOON)
        listing = site.run("iptables-nft -S FORWARD").splitlines()
        assert [line.split()[3] for line in listing[1:]] == [
            "203.0.113.0/24",
            "10.5.0.0/16",
            "10.5.0.0/16",
        ]


async def test_dockers_chain_is_kept_as_well(site, proc_net):
    """Docker that starts after us, and a flush of its chain: our rules are in it at once."""
    async with keeping(site, proc_net, spec()) as masquerade:
        site.run("iptables-nft -N DOCKER-USER")
        site.run("iptables-nft -A FORWARD -j DOCKER-USER")
        site.run("iptables-nft -A FORWARD -o pods -j DROP")
        await eventually_async(lambda: passes(site), within=SOON)
        site.run("iptables-nft -F DOCKER-USER")
        await eventually_async(lambda: masquerade.state.drifts, within=SOON)
        await eventually_async(lambda: passes(site), within=SOON)
        assert "hostgw" not in site.run("iptables-nft -S FORWARD")


async def test_a_rule_of_the_administrator_is_not_overruled(site, proc_net):
    """Ours stand behind all others: they beat the policy and nothing else."""
    site.run("iptables-nft -P FORWARD DROP")
    site.run(f"iptables-nft -A FORWARD -s {POD} -j DROP")
    async with keeping(site, proc_net, spec()):
        with pytest.raises(TimeoutError):
            source_seen(site.pod, site.outsider, OUTSIDER, within=0.3)


async def test_switched_off_takes_our_rules_out(site, proc_net):
    """--iptables-forward-rules=false: the policy decides again."""
    site.run("iptables-nft -P FORWARD DROP")
    async with keeping(site, proc_net, spec()):
        assert passes(site)
    async with keeping(site, proc_net, spec(forward_rules=False)):
        assert site.run("iptables-nft -S FORWARD") == "-P FORWARD DROP\n"
        assert not passes(site)


async def test_iptables_lists_our_rules_as_we_compare_them(site, proc_net):
    """In both forms and both families, a second look finds nothing to change."""
    iptables = Iptables(prefix=site.first.argv(), proc_net=proc_net)
    tools = ["iptables-nft", "iptables-legacy", "ip6tables-nft", "ip6tables-legacy"]
    for tool in tools:
        site.run(f"{tool} -P FORWARD DROP")
    assert await iptables.ensure(spec()) == 8
    assert await iptables.ensure(spec()) == 0
    for tool in tools:
        assert site.run(f"{tool} -S FORWARD").count("hostgw: ") == 2


async def test_looking_makes_no_table(site, proc_net):
    """A host without iptables' tables has none afterwards, in neither form."""
    iptables = Iptables(prefix=site.first.argv(), proc_net=proc_net)
    assert await iptables.ensure(spec()) == 0
    assert "-P FORWARD ACCEPT" in (await iptables.filters())["iptables-nft"]
    assert site.run("nft list ruleset") == ""
    assert "filter" not in (proc_net / "ip_tables_names").read_text()


async def test_a_chain_written_with_nft_is_its_writers_business(site, proc_net):
    """Iptables cannot list it; nothing is added, and nothing fails."""
    native = (
        "table ip filter { set s { type ipv4_addr; }; chain FORWARD {"
        " type filter hook forward priority 10; policy drop; ip saddr @s accept; }; }"
    )
    site.run("nft -f -", given=native)
    before = site.run("nft list ruleset")
    iptables = Iptables(prefix=site.first.argv(), proc_net=proc_net)
    assert await iptables.ensure(spec()) == 0
    assert site.run("nft list ruleset") == before


async def test_a_host_without_iptables_has_nothing_to_do(tmp_path, monkeypatch):
    """No command, no chain, no complaint."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await Iptables(proc_net=tmp_path).ensure(spec()) == 0


async def test_a_chain_that_cannot_be_listed_is_left_alone(tmp_path, monkeypatch):
    """A kernel without nftables: its iptables-nft refuses even to list."""
    tool = tmp_path / "iptables-nft"
    tool.write_text("#!/bin/sh\necho Protocol not supported >&2\nexit 3\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await Iptables(proc_net=tmp_path).ensure(spec()) == 0


@pytest.mark.parametrize("refusing", ["#!/bin/sh\necho must be root >&2\nexit 3\n", ""])
async def test_a_legacy_table_that_cannot_be_listed_is_told_of(tmp_path, monkeypatch, refusing):
    """Nobody else sees what it drops; the other form is seen to all the same."""
    (tmp_path / "ip_tables_names").write_text("nat\nfilter\n")
    done = tmp_path / "done"
    tools = {"iptables-nft": f"#!/bin/sh\necho -P FORWARD DROP\necho . >> {done}\n"}
    if refusing:
        tools["iptables-legacy"] = refusing
    for name, script in tools.items():
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    iptables = Iptables(proc_net=tmp_path)
    with pytest.raises(FirewallError, match="iptables-legacy"):
        await iptables.ensure(spec())
    assert len(done.read_text().split()) == 3  # a listing, and two rules
    assert await iptables.filters() == {"iptables-nft": "-P FORWARD DROP\n"}
    assert await iptables.ensure(spec(forward_rules=False)) == 0


async def test_a_rule_that_is_refused_is_a_sentence(tmp_path, monkeypatch):
    """A chain that can be listed and not be changed: the words of iptables."""
    tool = tmp_path / "iptables-nft"
    listing = 'case "$*" in *-S*) echo "-P FORWARD DROP"; exit 0;; esac'
    tool.write_text(f"#!/bin/sh\n{listing}\necho no >&2\nexit 4\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FirewallError, match=r"^iptables-nft refused: no$"):
        await Iptables(proc_net=tmp_path).ensure(spec())
