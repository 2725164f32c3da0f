import json
from ipaddress import IPv4Interface, IPv6Interface, ip_network

import pytest

from hostgw_cli.lab.conflist import Conflist, of_subnet_env, read
from hostgw_cli.lab.topology import LabError

PORTMAP = {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True}
BRIDGE = {
    "type": "bridge",
    "ipam": {
        "type": "host-local",
        "ranges": [[{"subnet": "10.5.1.0/24"}], [{"subnet": "fd00:5:0:1::/64"}]],
    },
}
WRITTEN = json.dumps({"cniVersion": "1.0.0", "name": "net", "plugins": [BRIDGE, PORTMAP]})


def test_a_list_is_read_and_written_as_it_was():
    """Nothing of a list is lost, also what is not known here."""
    found = read(WRITTEN, source="file")
    assert json.loads(found.written()) == {**json.loads(WRITTEN), "disableCheck": False}
    again = read(WRITTEN.replace("{", '{"disableCheck": true, ', 1), source="file")
    assert again.unchecked
    assert json.loads(again.written())["disableCheck"]
    assert found.words == "bridge, portmap"
    assert found.subnets == (ip_network("10.5.1.0/24"), ip_network("fd00:5:0:1::/64"))


def test_a_bridge_that_takes_another_address_is_not_in_the_way():
    """Only one without forceAddress has to go before its subnet can move."""
    assert read(WRITTEN, source="file").firm_bridges == ("cni0",)
    yielding = Conflist("net", "1.0.0", ({**BRIDGE, "forceAddress": True}, PORTMAP))
    assert yielding.firm_bridges == ()


def test_each_plugin_is_told_the_name_the_version_and_what_came_before():
    """The first has no result before it, the second the first one's."""
    found = read(WRITTEN, source="file")
    assert found.told(found.plugins[0]) == {**BRIDGE, "cniVersion": "1.0.0", "name": "net"}
    assert found.told(found.plugins[1], before={"ips": []}) == {
        "type": "portmap",
        "snat": True,
        "cniVersion": "1.0.0",
        "name": "net",
        "prevResult": {"ips": []},
    }


def test_a_plugin_is_given_only_what_it_has_asked_for():
    """The runtime's arguments go to the plugin whose capabilities name them, and to no other."""
    found = read(WRITTEN, source="file")
    given = {"portMappings": [{"hostPort": 80, "containerPort": 8080}], "mac": "02:00:00:00:00:01"}
    assert "runtimeConfig" not in found.told(found.plugins[0], given=given)
    told = found.told(found.plugins[1], given=given)
    assert told["runtimeConfig"] == {"portMappings": given["portMappings"]}


def test_only_host_local_is_told_where_to_keep_its_notes():
    """The folder goes to the address plugin's part, and nothing else changes."""
    dhcp = {"type": "macvlan", "ipam": {"type": "dhcp"}}
    kept = Conflist("net", "1.0.0", (BRIDGE, dhcp, PORTMAP)).keeping("/run/notes")
    ipam = {**BRIDGE["ipam"], "dataDir": "/run/notes"}
    assert kept.plugins == ({**BRIDGE, "ipam": ipam}, dhcp, PORTMAP)


def test_without_a_list_there_is_a_bridge_on_the_subnet():
    """Where no daemon writes a list, subnet.env alone gives one."""
    found = of_subnet_env(IPv4Interface("10.244.3.1/24"), mtu=1450)
    assert found.subnets == (ip_network("10.244.3.0/24"),)
    assert found.plugins[0]["mtu"] == 1450
    assert found.plugins[0]["ipam"]["ranges"] == [
        [{"subnet": "10.244.3.0/24", "gateway": "10.244.3.1"}]
    ]


def test_a_container_gets_an_address_of_each_subnet_of_subnet_env():
    """Each family is a range set of its own: host-local gives one address of each set."""
    gateways = IPv4Interface("10.244.3.1/24"), IPv6Interface("fd00:10:244:3::1/64")
    found = of_subnet_env(*gateways, mtu=1500)
    assert found.plugins[0]["ipam"]["ranges"] == [
        [{"subnet": "10.244.3.0/24", "gateway": "10.244.3.1"}],
        [{"subnet": "fd00:10:244:3::/64", "gateway": "fd00:10:244:3::1"}],
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"name":"net","cniVersion":"1.0.0","plugins":[]}',
        '{"name":"net","cniVersion":"1.0.0","plugins":[{}]}',
        '{"name":"net","cniVersion":"1.0.0","plugins":[7]}',
        WRITTEN.replace("10.5.1.0/24", "10.5.1.7/24"),
    ],
)
def test_what_is_no_list_is_refused_in_a_sentence(text):
    """The sentence names where it was read."""
    with pytest.raises(LabError, match=r"^/etc/cni/x is no CNI configuration list: "):
        read(text, source="/etc/cni/x")
