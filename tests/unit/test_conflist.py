"""The CNI conflist, byte for byte as the CNI specification has it: every expectation by hand.

SPEC.md of containernetworking/cni, version 0.4.0: a network configuration list has `cniVersion`,
`name` and `plugins`; each plugin has `type`, and keys of its own. Those of the plugins are in their
documentation (cni.dev/plugins): bridge, ptp, macvlan, ipvlan, host-local, portmap, bandwidth.
"""

import json
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import pytest

from hostgw_core.model import Subnets
from hostgw_daemon.cni.conflist import Attachment, ConflistSpec, conflist

IPV4, IPV6 = IPv4Network("10.5.34.0/24"), IPv6Network("fd00:5:0:1::/64")

RANGE4 = [{"subnet": "10.5.34.0/24", "gateway": "10.5.34.1"}]
RANGE6 = [{"subnet": "fd00:5:0:1::/64", "gateway": "fd00:5:0:1::1"}]
FAMILIES: dict[str, tuple[Subnets, list[Any], list[Any]]] = {
    "ipv4": (Subnets(IPV4), [RANGE4], [{"dst": "0.0.0.0/0"}]),
    "ipv6": (Subnets(None, IPV6), [RANGE6], [{"dst": "::/0"}]),
    "dual": (Subnets(IPV4, IPV6), [RANGE4, RANGE6], [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]),
}
PORTMAP = {"type": "portmap", "capabilities": {"portMappings": True}}
BANDWIDTH = {"type": "bandwidth", "capabilities": {"bandwidth": True}}


def written(attachment: str, subnets: Subnets, *chained: str) -> Any:
    """Write a conflist and read it back."""
    spec = ConflistSpec(
        name="hostgw",
        attachment=Attachment(attachment),
        subnets=subnets,
        mtu=1450,
        bridge="cni0",
        uplink="eth1",
        chained=chained,
    )
    return json.loads(conflist(spec).content)


def test_the_file_as_a_person_reads_it():
    """Indented, one key a line, a new line at the end: what `cat` shows, and `diff` compares."""
    spec = ConflistSpec(
        name="hostgw",
        attachment=Attachment.PTP,
        subnets=Subnets(IPV4),
        mtu=1500,
        bridge="cni0",
        uplink="eth0",
        chained=("portmap",),
    )
    assert (
        conflist(spec).content
        == b"""{
  "cniVersion": "0.4.0",
  "name": "hostgw",
  "disableCheck": true,
  "plugins": [
    {
      "type": "ptp",
      "ipMasq": false,
      "mtu": 1500,
      "ipam": {
        "type": "host-local",
        "ranges": [
          [
            {
              "subnet": "10.5.34.0/24",
              "gateway": "10.5.34.1"
            }
          ]
        ],
        "routes": [
          {
            "dst": "0.0.0.0/0"
          }
        ]
      }
    },
    {
      "type": "portmap",
      "capabilities": {
        "portMappings": true
      }
    }
  ]
}
"""
    )


@pytest.mark.parametrize("families", FAMILIES)
def test_a_bridge(families: str):
    """It gives its address and the default routes itself, so host-local gives no route."""
    subnets, ranges, _ = FAMILIES[families]
    assert written("bridge", subnets) == {
        "cniVersion": "0.4.0",
        "name": "hostgw",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": True,
                "isDefaultGateway": True,
                "forceAddress": True,
                "hairpinMode": True,
                "ipMasq": False,
                "mtu": 1450,
                "ipam": {"type": "host-local", "ranges": ranges},
            }
        ],
    }


@pytest.mark.parametrize(
    ("attachment", "own"),
    [
        ("ptp", {"ipMasq": False}),
        ("macvlan", {"master": "eth1", "mode": "bridge"}),
        ("ipvlan", {"master": "eth1", "mode": "l3s"}),
    ],
)
@pytest.mark.parametrize("families", FAMILIES)
def test_the_others(attachment: str, own: dict[str, Any], families: str):
    """A default route for each family comes from host-local, by the subnet's gateway."""
    subnets, ranges, routes = FAMILIES[families]
    assert written(attachment, subnets) == {
        "cniVersion": "0.4.0",
        "name": "hostgw",
        "plugins": [
            {
                "type": attachment,
                **own,
                "mtu": 1450,
                "ipam": {"type": "host-local", "ranges": ranges, "routes": routes},
            }
        ],
    }


@pytest.mark.parametrize("attachment", ["bridge", "ptp", "macvlan", "ipvlan"])
@pytest.mark.parametrize(
    ("chained", "expected"),
    [
        ((), []),
        (("portmap",), [PORTMAP]),
        (("bandwidth",), [BANDWIDTH]),
        (("portmap", "bandwidth"), [PORTMAP, BANDWIDTH]),
        (("bandwidth", "portmap"), [BANDWIDTH, PORTMAP]),
    ],
)
@pytest.mark.parametrize("families", FAMILIES)
def test_chained_plugins_follow_in_the_order_that_was_asked_for(
    attachment: str, chained: tuple[str, ...], expected: list[Any], families: str
):
    """The runtime hands each of them its capability; the attaching plugin is the same.

    With any of them the runtime is not to call CHECK: see tests/system/test_attachments.py.
    """
    subnets, _, _ = FAMILIES[families]
    alone = written(attachment, subnets)["plugins"]
    whole = written(attachment, subnets, *chained)
    assert whole["plugins"] == [*alone, *expected]
    assert whole.get("disableCheck", False) is bool(chained)


def test_the_plugins_that_a_runtime_will_look_for():
    """The attaching one, the one that gives addresses, and those that are chained."""
    spec = ConflistSpec(
        name="n",
        attachment=Attachment.MACVLAN,
        subnets=Subnets(IPV4),
        mtu=1500,
        bridge="cni0",
        uplink="eth0",
        chained=("portmap",),
    )
    assert conflist(spec).plugins == ("macvlan", "host-local", "portmap")


def test_which_attachments_need_a_child_of_the_hosts_own():
    """Those whose containers are children of the uplink: they do not reach the uplink's host."""
    assert [each for each in Attachment if each.on_uplink] == ["macvlan", "ipvlan"]
