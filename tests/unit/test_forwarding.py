"""Which rules iptables' FORWARD chain lacks or has too many of."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from hostgw_daemon.rules.forwarding import changes

NETWORKS = (ip_network("10.5.0.0/16"),)
FROM = '-A FORWARD -s 10.5.0.0/16 -m comment --comment "hostgw: from a pod" -j ACCEPT'
TO = '-A FORWARD -d 10.5.0.0/16 -m comment --comment "hostgw: to a pod" -j ACCEPT'
DOCKER = """\
-P FORWARD DROP
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -m comment --comment "its quote \\" does not hostgw: close -j ACCEPT
"""


def told(listing, networks=NETWORKS, *, wanted=True):
    """Give the changes in the short form: the verb, the side and the network."""
    return [arguments[:4] for arguments in changes(listing, networks, wanted=wanted)]


BOTH = [("-A", "FORWARD", "-s", "10.5.0.0/16"), ("-A", "FORWARD", "-d", "10.5.0.0/16")]


def test_a_chain_that_drops_gets_a_rule_for_each_side():
    """Docker's chain, without ours: two rules, appended."""
    assert told(DOCKER) == BOTH


def test_a_rule_that_is_there_is_not_put_twice():
    """As iptables lists it, so we recognise it."""
    assert told(DOCKER + FROM + "\n") == BOTH[1:]
    assert told(DOCKER + FROM + "\n" + TO + "\n") == []


def test_a_chain_that_accepts_is_left_alone():
    """No rule is added to a chain whose policy is ACCEPT, and none of ours is taken away."""
    assert told("-P FORWARD ACCEPT\n") == []
    assert told(f"-P FORWARD ACCEPT\n{FROM}\n{TO}\n") == []


def test_no_chain_is_no_work():
    """Iptables without a filter table, or not there at all."""
    assert told("") == []


def test_rules_of_a_former_network_go():
    """The network changed: the new rules are appended, then the old ones deleted."""
    done = told(f"{DOCKER}{FROM}\n{TO}\n", (ip_network("10.8.0.0/16"),))
    assert [(verb, network) for verb, _, _, network in done] == [
        ("-A", "10.8.0.0/16"),
        ("-A", "10.8.0.0/16"),
        ("-D", "10.5.0.0/16"),
        ("-D", "10.5.0.0/16"),
    ]


USER = "-P FORWARD {}\n-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER-FORWARD\n-N DOCKER-USER\n"
THEIRS = "-A DOCKER-USER -s 203.0.113.0/24 -j DROP\n"
RETURN = "-A DOCKER-USER -j RETURN\n"


@pytest.mark.parametrize("policy", ["ACCEPT", "DROP"])
def test_where_docker_asks_for_rules_they_stand_in_its_chain(policy):
    """Whatever the policy: docker's own chains drop, too. Behind what others put there."""
    done = told(USER.format(policy) + THEIRS)
    assert done == [("-A", "DOCKER-USER", *rest) for _, _, *rest in BOTH]


def test_the_rules_stand_before_the_return_at_the_end():
    """Older versions of docker end their chain so: behind it, nobody would ask our rules."""
    done = changes(USER.format("DROP") + THEIRS + RETURN, NETWORKS, wanted=True)
    assert [arguments[:5] for arguments in done] == [
        ("-I", "DOCKER-USER", "2", "-s", "10.5.0.0/16"),
        ("-I", "DOCKER-USER", "3", "-d", "10.5.0.0/16"),
    ]
    ours = FROM.replace("FORWARD", "DOCKER-USER"), TO.replace("FORWARD", "DOCKER-USER")
    after = USER.format("DROP") + THEIRS + "\n".join((*ours, RETURN))
    assert told(after) == []


def test_docker_that_comes_later_takes_our_rules_over():
    """First they are put into its chain, then taken out of FORWARD."""
    listing = USER.format("DROP") + f"{FROM}\n{TO}\n"
    assert [arguments[:2] for arguments in told(listing)] == [
        ("-A", "DOCKER-USER"),
        ("-A", "DOCKER-USER"),
        ("-D", "FORWARD"),
        ("-D", "FORWARD"),
    ]


def test_switched_off_takes_them_out_of_dockers_chain_too():
    """And where docker is gone, its chain is left without them; FORWARD has them again."""
    ours = f"{FROM}\n{TO}\n".replace("FORWARD", "DOCKER-USER")
    assert told(USER.format("DROP") + ours + RETURN, wanted=False) == [
        ("-D", "DOCKER-USER", *rest) for _, _, *rest in BOTH
    ]
    assert told("-P FORWARD DROP\n") == BOTH


@pytest.mark.parametrize("policy", ["ACCEPT", "DROP"])
def test_switched_off_takes_ours_away_and_nothing_else(policy):
    """--iptables-forward-rules=false: what we put goes, whatever the policy."""
    listing = DOCKER.replace("DROP", policy) + FROM + "\n" + TO + "\n"
    assert changes(listing, NETWORKS, wanted=False) == [
        ("-D", *arguments[1:]) for arguments in changes("-P FORWARD DROP", NETWORKS, wanted=True)
    ]


def test_a_foreign_rule_like_ours_is_not_ours():
    """An ACCEPT for the same network without our comment is somebody else's."""
    flannel = "-A FORWARD -s 10.5.0.0/16 -j ACCEPT\n"
    assert told(DOCKER + flannel, wanted=False) == []
    assert told(DOCKER + flannel) == BOTH


def test_ipv6_networks_are_written_as_iptables_lists_them():
    """The shortest form."""
    done = told("-P FORWARD DROP", (ip_network("fd00:5:0::/48"),))
    assert done[0] == ("-A", "FORWARD", "-s", "fd00:5::/48")
