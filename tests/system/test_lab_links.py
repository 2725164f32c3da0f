import asyncio
import threading
from pathlib import Path

import pytest

from hostgw_cli.lab.links import End
from hostgw_cli.lab.netns import Namespace, bridge, veth
from hostgw_cli.lab.topology import LabError

pytestmark = pytest.mark.root


@pytest.fixture
def pair(make_netns):
    """Make two namespaces that end with the test."""
    return make_netns(), make_netns()


def link(inside, name):
    """Read a link as `ip` sees it."""
    return inside.ip_json("-d", "address", "show", "dev", name)[0]


def home():
    """Tell which namespace this thread is in, and what the process holds open."""
    network = Path("/proc/thread-self/ns/net").stat().st_ino
    return network, threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


def test_what_is_made_is_what_ip_shows(pair):
    """Cable, bridge, port, address and default route are there with all that was asked of them."""
    one, other = pair
    veth(one, "eth0", other, "port", mtu=1400, mac_one="02:00:00:00:00:01")
    bridge(other, "br0", address="10.9.0.1/24", mac="02:00:00:00:00:02")
    bridge(other, "br6", address="fd09::1/64")
    with other.links() as links:
        links.put_in("br0", "port")
    with one.links() as links:
        links.add_address("eth0", "10.9.0.2/24")
        links.add_default_route("eth0", "10.9.0.1")
    eth0, port, br0 = link(one, "eth0"), link(other, "port"), link(other, "br0")
    assert (eth0["mtu"], port["mtu"]) == (1400, 1400)
    assert (eth0["address"], br0["address"]) == ("02:00:00:00:00:01", "02:00:00:00:00:02")
    assert [a["local"] for a in eth0["addr_info"] if a["family"] == "inet"] == ["10.9.0.2"]
    assert port["master"] == "br0"
    assert all("UP" in each["flags"] for each in (eth0, port, br0, link(one, "lo")))
    assert "fd09::1" in [each["local"] for each in link(other, "br6")["addr_info"]]
    state = br0["linkinfo"]["info_data"]
    assert (state["stp_state"], state["forward_delay"]) == (0, 0)
    route = one.ip_json("-d", "route", "show", "default")[0]
    assert (route["gateway"], route["dev"], route["protocol"]) == ("10.9.0.1", "eth0", "boot")


def test_a_bridge_keeps_its_address_whatever_ports_come_and_go(pair):
    """The neighbours that know it must not lose it: a port with a lower one changes nothing."""
    one, other = pair
    bridge(other, "br0", address="10.9.0.1/24")
    before = link(other, "br0")["address"]
    veth(one, "eth0", other, "port", mac_other="00:00:00:00:00:01")
    with other.links() as links:
        links.put_in("br0", "port")
        assert link(other, "br0")["address"] == before
        links.delete("port")
    assert link(other, "br0")["address"] == before


def test_a_link_goes_down_and_up_and_away(pair):
    """The state follows each order; a link that is not there is deleted without an error."""
    one, other = pair
    veth(one, "eth0", other, "port")
    with one.links() as links:
        links.down("eth0")
        assert "UP" not in link(one, "eth0")["flags"]
        links.up("eth0")
        assert "UP" in link(one, "eth0")["flags"]
        links.delete("eth0")
        links.delete("eth0")
    assert [each["ifname"] for each in other.ip_json("link")] == ["lo"]


def test_what_is_refused_is_said_with_its_names_and_its_reason(pair):
    """Each error names the namespace, the link and why; the links can be changed afterwards."""
    one, other = pair
    veth(one, "eth0", other, "port")
    with one.links() as links:
        links.add_address("eth0", "10.9.0.2/24")
        with pytest.raises(LabError, match=f"{one.name}: none not up: .*no interface"):
            links.up("none")
        with pytest.raises(LabError, match=f"{one.name}: .*eth0 to x in {other.name}: File exists"):
            links.add_cable(End("eth0"), End("x"), namespace=other.path)
        with pytest.raises(LabError, match=r"no default route via 192.0.2.1 on eth0: .*gateway"):
            links.add_default_route("eth0", "192.0.2.1")
        links.add_default_route("eth0", "10.9.0.1")
    with pytest.raises(LabError, match="hgt-none: not entered: No such file"):
        veth(Namespace("hgt-none"), "eth0", other, "x")
    assert one.ip_json("route", "show", "default")


async def test_the_caller_stays_where_it_is_and_may_have_an_event_loop(pair):
    """In a coroutine it works; namespace, threads and open files are afterwards as before."""
    one, other = pair
    veth(one, "a0", other, "a0")  # what pyroute2 loads, it has loaded
    await asyncio.sleep(0)
    before = home()
    veth(one, "b0", other, "b0")
    with one.links() as links:
        assert home()[0] == before[0]
        with pytest.raises(LabError):
            links.up("none")
    with pytest.raises(KeyboardInterrupt), other.links():
        raise KeyboardInterrupt
    assert home() == before
    assert "b0" in [each["ifname"] for each in other.ip_json("link")]
