from ipaddress import IPv4Address, IPv4Network, IPv6Network

import pytest

from hostgw_cli.lab.topology import LabError, LabSpec, plan


def test_three_hosts_and_their_containers_have_these_names_and_addresses():
    """A plan gives the names, addresses and MACs that the documentation shows."""
    lab = plan(LabSpec(nodes=3, name="demo"))
    assert [each.namespace for each in lab.hosts] == ["hgw-demo-n1", "hgw-demo-n2", "hgw-demo-n3"]
    assert [str(each.address) for each in lab.hosts] == [
        "198.18.0.1/16",
        "198.18.0.2/16",
        "198.18.0.3/16",
    ]
    assert lab.hosts[1].mac == "02:00:c6:12:00:02"
    assert lab.switch == "hgw-demo-switch"
    assert str(lab.gateway) == "198.18.255.254/16"
    assert [each.namespace for each in lab.hosts[0].containers] == ["hgw-demo-n1-c1"]


def test_endpoints_name_every_member():
    """A daemon is told of every member of the store."""
    assert plan(LabSpec(etcd=3)).endpoints == (
        "http://198.18.255.1:2379,http://198.18.255.2:2379,http://198.18.255.3:2379"
    )


def test_a_lab_of_both_families_is_told_of_by_ipv4_and_addressed_in_both():
    """Each machine has two addresses of the same number; the store is reached by the first."""
    lab = plan(LabSpec(families=(4, 6)))
    assert [str(each) for each in lab.hosts[1].addresses] == ["198.18.0.2/16", "2001:2::2/64"]
    assert [str(each) for each in lab.gateways] == ["198.18.255.254/16", "2001:2::fffe/64"]
    assert lab.endpoints == "http://198.18.255.1:2379"
    assert lab.hosts[1].mac == "02:00:c6:12:00:02"
    assert lab.spec.config == {
        "Network": "10.244.0.0/16",
        "SubnetLen": 24,
        "EnableIPv6": True,
        "IPv6Network": "fd00:10:244::/48",
        "IPv6SubnetLen": 64,
        "Backend": {"Type": "host-gw"},
    }


def test_a_lab_of_ipv6_alone_has_no_ipv4_address():
    """Its store is reached by IPv6, its configuration has no IPv4 network."""
    lab = plan(LabSpec(families=(6,), etcd=3))
    assert [str(each) for each in lab.hosts[0].addresses] == ["2001:2::1/64"]
    assert lab.endpoints == (
        "http://[2001:2::ff01]:2379,http://[2001:2::ff02]:2379,http://[2001:2::ff03]:2379"
    )
    assert lab.hosts[0].mac == "02:06:00:00:00:01"
    assert "Network" not in lab.spec.config
    assert lab.spec.config["EnableIPv4"] is False


@pytest.mark.parametrize("families", [(4,), (6,), (4, 6)])
def test_everything_has_a_name_of_its_own(families):
    """No two things in a lab share a namespace, an address or a MAC, however many there are."""
    wide = IPv4Network("10.128.0.0/9")
    lab = plan(LabSpec(nodes=1000, etcd=5, containers=2, network=wide, families=families))
    namespaces = list(lab.namespaces.values())
    assert len(namespaces) == 1 + 5 + 1000 + 2000
    assert len(set(namespaces)) == len(namespaces)
    addresses = [each.ip for machine in lab.machines for each in machine.addresses]
    addresses += [each.ip for each in lab.gateways]
    assert len(set(addresses)) == len(addresses)
    assert len({each.mac for each in lab.machines}) == 1005
    assert IPv4Address("198.18.255.255") not in addresses


def test_the_namespaces_of_a_lab_are_those_with_its_prefix_and_no_others():
    """No lab's prefix begins another lab's names, so taking one down never reaches another."""
    names = ["a", "ab", "a_n1", "n1", "default"]
    labs = [plan(LabSpec(name=name)) for name in names]
    for lab in labs:
        for other in labs:
            if lab is not other:
                assert not any(
                    each.startswith(lab.spec.prefix) for each in other.namespaces.values()
                )


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        (LabSpec(nodes=0), "nodes 0: 1 to 1000"),
        (LabSpec(nodes=1001), "nodes 1001: 1 to 1000"),
        (LabSpec(etcd=2), "etcd 2: 1, 3 or 5 members"),
        (LabSpec(name="a-b"), "name 'a-b'"),
        (LabSpec(name=""), "name ''"),
        (LabSpec(name="../x"), "name '../x'"),
        (LabSpec(network=IPv4Network("198.18.4.0/22")), "overlaps the hosts' own 198.18.0.0/16"),
        (LabSpec(network=IPv4Network("10.0.0.0/23")), "too small for 3 subnets of /24"),
        (LabSpec(subnet_len=30, containers=2), "a /30 has room for 1"),
        (LabSpec(subnet_len=32), "a /32 has room for -2"),
        (LabSpec(containers=-1), "containers -1"),
        (LabSpec(families=()), "families (): 4, 6 or both"),
        (LabSpec(families=(6, 4)), "families (6, 4): 4, 6 or both"),
        (
            LabSpec(families=(6,), network6=IPv6Network("2001:2::/32")),
            "overlaps the hosts' own 2001:2::/64",
        ),
        (
            LabSpec(families=(4, 6), network6=IPv6Network("fd00::/63")),
            "network fd00::/63: too small for 3 subnets of /64",
        ),
        (LabSpec(attachment="vlan"), "attachment 'vlan': one of bridge, ptp, macvlan, ipvlan"),
    ],
)
def test_a_lab_that_cannot_be_is_refused_with_the_reason(spec, fault):
    """Each thing that cannot be is named, with what would be right."""
    with pytest.raises(LabError) as raised:
        plan(spec)
    assert fault in str(raised.value)


def test_all_faults_are_named_at_once():
    """Nobody is told of his mistakes one at a time."""
    assert len(LabSpec(nodes=0, etcd=2, name="A").faults()) == 3
