"""Whatever other firewalls hold: an answer, and commands that cure what is told."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import hypothesis.strategies as st
from hypothesis import example, given, settings

from hostgw_daemon.rules.findings import BaseChain, in_iptables, in_nftables
from support.rule_specs import SPEC

CHAIN = BaseChain("inet", "t", "c", "drop")
VALUES = st.recursive(
    st.none()
    | st.integers()
    | st.sampled_from(["new", "10.5.0.0", "10.5.1.1", "eth0", "other", "@s", "ip", "saddr", "c"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "set",
                    "rule",
                    "chain",
                    "table",
                    "name",
                    "elem",
                    "expr",
                    "match",
                    "left",
                    "right",
                    "op",
                    "payload",
                    "protocol",
                    "field",
                    "meta",
                    "ct",
                    "key",
                    "vmap",
                    "data",
                    "jump",
                    "goto",
                    "target",
                    "accept",
                    "drop",
                    "prefix",
                    "addr",
                    "len",
                    "range",
                    "limit",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)
KNOWN = st.sampled_from(
    [
        {"drop": None},
        {"accept": None},
        {"return": None},
        {"jump": {"target": "other"}},
        {"goto": {"target": "c"}},
        {"reject": {}},
        {"match": {"left": {"meta": {"key": "iifname"}}, "right": "eth0", "op": "!="}},
        {"match": {"left": {"ct": {"key": "state"}}, "right": ["new"], "op": "in"}},
    ]
)
STATEMENTS = st.lists(KNOWN | st.dictionaries(st.text(max_size=5), VALUES, max_size=1), max_size=4)
RULES = st.lists(
    st.builds(
        lambda chain, expr: {"rule": {"chain": chain, "expr": expr}},
        st.sampled_from(["c", "other"]),
        STATEMENTS,
    ),
    max_size=6,
)
HEAD = ({"chain": {"name": "c"}}, {"chain": {"name": "other"}})


def let_through(side):
    """Write the rule that the command for one side inserts."""
    left = {"payload": {"protocol": "ip", "field": side}}
    right = {"prefix": {"addr": "10.5.0.0", "len": 16}}
    expr = [{"match": {"op": "==", "left": left, "right": right}}, {"accept": None}]
    return {"rule": {"chain": "c", "expr": expr}}


@given(RULES, st.sampled_from(["drop", "accept"]))
@settings(max_examples=300, deadline=None)
def test_what_is_told_of_nftables_is_cured_by_its_commands(rules, policy):
    """Whatever the chain holds; and two sentences are never told of one."""
    chain = replace(CHAIN, policy=policy)
    told = list(in_nftables(chain, (*HEAD, *rules), SPEC, "eth0"))
    assert len(told) <= 1
    cures = (let_through("saddr"), let_through("daddr"))
    assert list(in_nftables(chain, (*HEAD, *cures, *rules), SPEC, "eth0")) == []


@given(st.lists(VALUES.filter(lambda value: isinstance(value, dict)), max_size=5))
@settings(max_examples=300, deadline=None)
def test_a_listing_that_no_nft_ever_printed_is_an_answer_too(objects):
    """Another version may print what nobody expects; the daemon goes on."""
    assert len(list(in_nftables(CHAIN, tuple(objects), SPEC, "eth0"))) <= 1


WORDS = st.sampled_from(
    [
        "-A",
        "-N",
        "-P",
        "FORWARD",
        "OTHER",
        "-s",
        "-d",
        "-i",
        "!",
        "10.5.0.0/16",
        "10.5.1.0/24",
        "-j",
        "-g",
        "ACCEPT",
        "DROP",
        "RETURN",
        "LOG",
        "eth0",
        "-m",
        "conntrack",
        "--ctstate",
        "NEW",
        "ESTABLISHED",
        "--comment",
        '"a b"',
        "-p",
        '"',
        "-A FORWARD",
        "-j DROP",
    ]
)
LINES = st.lists(st.lists(WORDS, max_size=9).map(" ".join), max_size=6)


@given(LINES, st.sampled_from(["DROP", "ACCEPT"]))
@example(["-A FORWARD !"], "DROP")
@settings(max_examples=300, deadline=None)
def test_what_is_told_of_iptables_is_cured_by_its_commands(lines, policy):
    """Whatever is listed, words in any order included."""
    head = f"-P FORWARD {policy}\n-N OTHER\n"
    told = list(in_iptables("iptables-nft", head + "\n".join(lines), SPEC, "eth0"))
    assert len(told) <= 1
    cures = "-A FORWARD -s 10.5.0.0/16 -j ACCEPT\n-A FORWARD -d 10.5.0.0/16 -j ACCEPT\n"
    assert list(in_iptables("iptables-nft", head + cures + "\n".join(lines), SPEC, "eth0")) == []


def test_the_oracle_is_about_the_network_of_the_spec():
    """The rules that are inserted above are for this network."""
    assert SPEC.networks == (ip_network("10.5.0.0/16"),)
