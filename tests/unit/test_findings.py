"""Chains of others that drop pods' packets: told with the commands, and never by mistake."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from hostgw_daemon.rules.findings import BaseChain, base_chains, in_iptables, in_nftables
from hostgw_daemon.rules.iptsteps import steps_of as ipt_steps
from hostgw_daemon.rules.nftables import UNREADABLE
from hostgw_daemon.rules.passage import Packet, Step, Verdict, drops, named, stopped, within
from support.rule_specs import DUAL, SPEC

N, OWN = ip_network("10.5.0.0/16"), ip_network("10.5.1.0/24")
THERE, BACK = Packet(N, OWN, enters="eth0"), Packet(OWN, N, leaves="eth0")
HEAD = "-P INPUT ACCEPT\n-P FORWARD {}\n-P OUTPUT ACCEPT\n"


def iptables(*rules, policy="ACCEPT", spec=SPEC, tool="iptables-nft"):
    """Tell of a FORWARD chain with these rules; a rule of another chain is written whole."""
    chains = {rule.split()[1] for rule in rules if rule.startswith("-A ")}
    made = "".join(f"-N {chain}\n" for chain in sorted(chains - {"FORWARD"}))
    lines = "".join(f"{r}\n" if r.startswith("-A ") else f"-A FORWARD {r}\n" for r in rules)
    found = in_iptables(tool, HEAD.format(policy) + made + lines, spec, "eth0")
    return [each.words for each in found]


REJECT = "-j REJECT --reject-with icmp-host-prohibited"
STATE = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"


@pytest.mark.parametrize(
    ("policy", "rules"),
    [
        ("DROP", []),
        ("ACCEPT", [REJECT]),
        ("ACCEPT", [STATE, "-i lo -j ACCEPT", REJECT]),
        ("DROP", ["-s 10.5.0.0/16 -j ACCEPT -p tcp", "-s 10.9.0.0/16 -j ACCEPT", "-j LOG"][1:]),
        ("DROP", ["-s 10.5.7.0/24 -d 192.0.2.0/24 -j ACCEPT"]),
        ("ACCEPT", ["-s 10.5.0.0/16 -j DROP"]),
        ("ACCEPT", ["-d 10.5.1.0/24 -i eth+ -j DROP"]),
        ("ACCEPT", ["! -s 192.0.2.0/24 -j DROP"]),
        ("DROP", ["-j OTHER", "-A OTHER -s 10.9.0.0/16 -j ACCEPT", "-A OTHER -j RETURN"]),
        ("ACCEPT", ["-g OTHER", "-A OTHER -j DROP"]),
        ("DROP", ["-i eth1 -j ACCEPT", "-o wlan0 -j ACCEPT", "-i eth0 -o eth0 -j ACCEPT"][:1]),
    ],
)
def test_a_forward_chain_that_drops_is_told_with_its_cure(policy, rules):
    """By policy, by a rule at its end, by a rule for pods, in a chain of its own."""
    (sentence,) = iptables(*rules, policy=policy)
    assert sentence == (
        "the chain FORWARD of iptables-nft drops them: "
        "iptables-nft -I FORWARD -s 10.5.0.0/16 -j ACCEPT; "
        "iptables-nft -I FORWARD -d 10.5.0.0/16 -j ACCEPT"
    )


@pytest.mark.parametrize(
    ("policy", "rules"),
    [
        ("ACCEPT", []),
        ("ACCEPT", [STATE, "-s 10.9.0.0/16 -j DROP"]),
        ("DROP", ["-s 10.5.0.0/16 -j ACCEPT", "-d 10.5.0.0/16 -j ACCEPT"]),
        ("DROP", ["-s 10.0.0.0/8 -d 10.0.0.0/8 -j ACCEPT"]),
        ("ACCEPT", ["-j DOCKER-USER", "-A DOCKER-USER -s 10.5.0.0/16 -j ACCEPT", REJECT]),
        ("DROP", ["-i cni0 -j ACCEPT", "-o cni0 -j ACCEPT"]),  # it may be the pods' own bridge
        ("DROP", ["-m mark --mark 0x1/0x1 -j ACCEPT"]),
        ("DROP", ["-j KUBE-FORWARD"]),  # not listed: nobody knows
        ("ACCEPT", ["-p tcp -m tcp --dport 25 -j REJECT --reject-with tcp-reset"]),
        ("DROP", ['-m comment --comment "its quote does not close -j DROP']),
    ],
)
def test_what_may_pass_is_no_finding(policy, rules):
    """Whatever is not known of a packet, its mark or the pods' bridge, speaks for the chain."""
    assert iptables(*rules, policy=policy) == []


def test_each_family_is_told_of_its_own_network():
    """Ip6tables has the IPv6 network, iptables the IPv4 one; what is not listed says nothing."""
    (sentence,) = iptables(policy="DROP", spec=DUAL, tool="ip6tables-legacy")
    assert "ip6tables-legacy -I FORWARD -s fd00:5::/48 -j ACCEPT" in sentence
    assert "10.5" not in sentence
    assert list(in_iptables("iptables-nft", "", SPEC, "eth0")) == []


def match(left, right, op="=="):
    """Write a match of nftables."""
    return {"match": {"op": op, "left": left, "right": right}}


def address(side, right, op="==", protocol="ip"):
    """Write a match of an address."""
    return match({"payload": {"protocol": protocol, "field": side}}, right, op)


def prefix(text):
    """Write a prefix."""
    host, _, length = text.partition("/")
    return {"prefix": {"addr": host, "len": int(length)}}


CT = {"ct": {"key": "state"}}
ACCEPT, DROP = {"accept": None}, {"drop": None}
FORWARD = BaseChain("inet", "filter", "forward", "drop")


def nftables(*rules, chain=FORWARD, spec=SPEC, more=()):
    """Tell of a chain with these rules; `more` are other objects of its table."""
    made = [{"rule": {"chain": chain.name, "expr": list(rule)}} for rule in rules]
    table = {"table": {"family": chain.family, "name": chain.table}}
    objects = (table, {"chain": {"name": chain.name}}, *more, *made)
    return [each.words for each in in_nftables(chain, objects, spec, "eth0")]


ENDS = BaseChain("inet", "filter", "forward", "accept")


@pytest.mark.parametrize(
    ("chain", "rules"),
    [
        (FORWARD, []),
        (ENDS, [[{"counter": {}}, {"log": None}, {"reject": {"type": "icmpx"}}]]),
        (FORWARD, [[match(CT, ["established", "related"], "in"), ACCEPT]]),
        (FORWARD, [[match(CT, {"set": ["established"]}), ACCEPT]]),
        (FORWARD, [[match({"ct": {"key": "status"}}, "dnat", "in"), ACCEPT]]),
        (FORWARD, [[{"vmap": {"key": CT, "data": {"set": [["established", ACCEPT]]}}}]]),
        (ENDS, [[{"vmap": {"key": CT, "data": {"set": [["new", DROP]]}}}]]),
        (FORWARD, [[match({"meta": {"key": "iifname"}}, "lo"), ACCEPT]]),
        (ENDS, [[match({"meta": {"key": "iifname"}}, {"set": ["eth0", "eth1"]}), DROP]]),
        (FORWARD, [[match({"meta": {"key": "nfproto"}}, "ipv6"), ACCEPT]]),
        (FORWARD, [[address("saddr", "fd00::1", protocol="ip6"), ACCEPT]]),
        (FORWARD, [[address("saddr", {"range": ["10.6.0.0", "10.9.255.255"]}), ACCEPT]]),
        (ENDS, [[address("daddr", {"set": [prefix("10.5.0.0/16"), "192.0.2.1"]}), DROP]]),
        (ENDS, [[address("saddr", "@lan", "!="), DROP]]),
        (ENDS, [[{"goto": {"target": "other"}}]]),
    ],
)
def test_a_chain_of_nftables_that_drops_is_told_with_its_cure(chain, rules):
    """The commands insert before whatever is there, in its own table."""
    lan = {"set": {"name": "lan", "elem": [prefix("192.0.2.0/24")]}}
    other = ({"chain": {"name": "other"}}, {"rule": {"chain": "other", "expr": [DROP]}}, lan)
    (sentence,) = nftables(*rules, chain=chain, more=other)
    assert sentence == (
        "the chain forward of nftables' table inet filter drops them: "
        "nft insert rule inet filter forward ip saddr 10.5.0.0/16 accept; "
        "nft insert rule inet filter forward ip daddr 10.5.0.0/16 accept"
    )


@pytest.mark.parametrize(
    "rules",
    [
        [[address("saddr", prefix("10.5.0.0/16")), ACCEPT], [address("daddr", "@pods"), ACCEPT]],
        [[address("saddr", prefix("10.5.0.0/16")), {"jump": {"target": "trusted"}}]],
        [[{"jump": {"target": "not listed"}}]],
        [
            [match({"meta": {"key": "iifname"}}, "cni0"), ACCEPT],
            [match({"meta": {"key": "oifname"}}, "cni0"), ACCEPT],
        ],
        [[match({"meta": {"key": "mark"}}, 4), ACCEPT]],
        [[{"xt": {"type": "target", "name": "ACCEPT"}}]],
        [[{"vmap": {"key": {"meta": {"key": "iifname"}}, "data": {"set": []}}}]],
        [[{"limit": {"rate": 4}}, ACCEPT]],
        [[match({"&": [{"meta": {"key": "mark"}}, 4]}, 4), ACCEPT]],
        [[address("saddr", "@unheard of"), ACCEPT]],
        [[{}], [{"match": None}], [{"jump": None}], [{"vmap": 3}], [match(None, None), ACCEPT]],
    ],
)
def test_what_may_pass_nftables_is_no_finding(rules):
    """A network that is let through, and everything that cannot be judged from here."""
    more = (
        {"chain": {"name": "trusted"}},
        {"rule": {"chain": "trusted", "expr": [ACCEPT]}},
        {"set": {"name": "pods", "elem": [{"range": ["10.5.0.0", "10.5.255.255"]}]}},
    )
    assert nftables(*rules, more=more) == []


def test_firewalld_is_cured_by_its_own_command():
    """What is inserted behind its back would be gone at its next reload."""
    chain = BaseChain("inet", "firewalld", "filter_FORWARD", "accept")
    (sentence,) = nftables([{"reject": {}}], chain=chain, spec=DUAL)
    assert sentence.endswith(
        "drops them: firewall-cmd --permanent --zone=trusted --add-source=10.5.0.0/16; "
        "firewall-cmd --permanent --zone=trusted --add-source=fd00:5::/48; firewall-cmd --reload"
    )


def test_of_a_table_that_may_be_asleep_nothing_is_told():
    """Nft 1.0.6 prints its flags as nonsense; and what cannot be read says nothing either."""
    table = {"table": {"family": "inet", "name": "filter", "flags": "Lester"}}
    listing = (table, {"chain": {"name": "forward"}})
    assert list(in_nftables(FORWARD, listing, SPEC, "eth0")) == []
    assert list(in_nftables(FORWARD, UNREADABLE, SPEC, "eth0")) == []


def test_the_networks_that_are_stopped_are_told_by_themselves_too():
    """The other nodes hear of them: each family by the chain that it meets."""
    for family, dropped in (("ip", [4]), ("ip6", [6]), ("inet", [4, 6])):
        chain = BaseChain(family, "f", "c", "drop")
        objects = ({"table": {"family": family, "name": "f"}}, {"chain": {"name": "c"}})
        (found,) = in_nftables(chain, objects, DUAL, "eth0")
        assert sorted({network.version for network in found.networks}) == dropped
    (found,) = in_iptables("ip6tables-nft", "-P FORWARD DROP\n", DUAL, "eth0")
    assert [network.version for network in found.networks] == [6]


def test_a_table_of_one_family_stops_that_family_alone():
    """Two networks: the command is for the one whose packets the chain meets."""
    (sentence,) = nftables(chain=BaseChain("ip6", "f", "c", "drop"), spec=DUAL)
    assert "ip6 saddr fd00:5::/48" in sentence
    assert "10.5" not in sentence


LISTED = """\
table ip hostgw {
	chain forward {
		type filter hook forward priority filter; policy accept;
	}
}
table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
	chain DOCKER {
	}
}
table inet hostgw {
	chain theirs {
		type filter hook forward priority filter + 10; policy drop;
	}
	chain input {
		type filter hook input priority filter; policy drop;
	}
}
table bridge b {
	chain c {
		type filter hook forward priority filter; policy drop;
	}
}
"""


def test_the_chains_to_look_at_are_read_from_nfts_text():
    """Filters at the forward hook that routed packets meet; not ours, and iptables' only once."""
    theirs = BaseChain("inet", "hostgw", "theirs", "drop")
    forward = BaseChain("ip", "filter", "FORWARD", "drop")
    assert list(base_chains(LISTED)) == [forward, theirs]
    assert list(base_chains(LISTED, without=["iptables-nft"])) == [theirs]
    assert list(base_chains(LISTED, without=["ip6tables-nft", "iptables-legacy"])) == [
        forward,
        theirs,
    ]


def test_chains_that_call_one_another_are_walked_once():
    """Fifty chains that each call the next twice, and a ring: an answer, at once."""
    steps = {str(n): [Step(None, Verdict.JUMP, str(n + 1))] * 2 for n in range(50)}
    steps["50"] = [Step(True, Verdict.DROP)]
    assert drops("0", steps, policy="drop")
    assert not drops("0", steps, policy="accept")
    assert not drops("a", {"a": [Step(True, Verdict.JUMP, "a")]}, policy="drop")


def test_the_packets_are_those_between_pods():
    """Both directions of each own subnet with its own network."""
    seen = []
    assert stopped(DUAL, "eth0", lambda packet: seen.append(packet) or True) == DUAL.networks
    assert THERE in seen
    assert not stopped(DUAL, "eth0", lambda packet: seen.append(packet) or False)
    assert BACK in seen
    assert within(N, [OWN]) is None
    assert within(OWN, [N]) is True
    assert named("", ["lo", "eth0"]) is None


def test_a_target_that_is_no_chain_is_unknown():
    """NFQUEUE and the like: what becomes of the packet is not told by iptables."""
    steps = ipt_steps("-P FORWARD DROP\n-A FORWARD -j NFQUEUE --queue-num 3\n", THERE)
    assert [step.verdict for step in steps["FORWARD"]] == [Verdict.UNKNOWN]
