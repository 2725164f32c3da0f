"""The lab's container runtime, with real CNI plugins in namespaces."""

from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from hostgw_cli.lab.conflist import Conflist, addresses, of_subnet_env
from hostgw_cli.lab.plugins import Plugins
from hostgw_cli.lab.topology import LabError

pytestmark = pytest.mark.root

STANDARD = Path("/var/lib/cni")


@pytest.fixture
def host(make_netns):
    """Make a host that no other test sees."""
    return make_netns()


@pytest.fixture
def plugins(host, tmp_path):
    """Give its container runtime."""
    return Plugins(host, tmp_path / "cni")


def bridged(gateway="10.5.1.1/24", *, mtu=1400):
    """Give a list for a subnet."""
    return of_subnet_env(IPv4Interface(gateway), mtu=mtu)


def notes():
    """Give what stands where host-local keeps its notes by itself."""
    return {str(each) for each in STANDARD.rglob("*")} if STANDARD.is_dir() else set()


def address(container):
    """Give the addresses of a container's eth0 that are not the link's own."""
    (link,) = container.ip_json("address", "show", "dev", "eth0")
    return [f"{a['local']}/{a['prefixlen']}" for a in link["addr_info"] if a["scope"] == "global"]


def test_a_container_gets_what_the_result_says(host, plugins, make_netns):
    """It has a link of the right MTU, an address, a default route, and reaches its gateway."""
    before = notes()
    container = make_netns()
    result = plugins.attach(container, bridged())
    assert list(addresses(result)) == address(container) == ["10.5.1.2/24"]
    assert container.ip_json("link", "show", "eth0")[0]["mtu"] == 1400
    assert container.ip_json("route", "show", "default")[0]["gateway"] == "10.5.1.1"
    container.run("ping", "-n", "-c", "1", "-W", "2", "10.5.1.1")
    assert host.ip_json("link", "show", "cni0")
    assert notes() == before


def test_a_container_that_is_detached_gives_its_address_back(host, plugins, make_netns):
    """Its link and its reservation are gone; to detach it again is no error."""
    container, other = make_netns(), make_netns()
    plugins.attach(container, bridged("10.5.1.1/30"))
    with pytest.raises(LabError, match="no IP addresses available"):
        plugins.attach(other, bridged("10.5.1.1/30"))
    assert other.ip_json("link", "show", "type", "veth") == []
    plugins.detach(container)
    plugins.detach(container)
    assert container.ip_json("link", "show", "type", "veth") == []
    assert host.ip_json("link", "show", "type", "veth") == []
    plugins.attach(other, bridged("10.5.1.1/30"))
    assert address(other) == ["10.5.1.2/30"]


def test_another_process_detaches_what_was_attached(host, plugins, make_netns, tmp_path):
    """The notes on disk suffice, and a check says whether a container is as it was left."""
    container = make_netns()
    plugins.attach(container, bridged())
    again = Plugins(host, tmp_path / "cni")
    again.check(container)
    container.ip("address", "flush", "dev", "eth0")
    with pytest.raises(LabError, match="CHECK by the CNI plugin bridge failed"):
        again.check(container)
    again.detach(container)
    with pytest.raises(LabError, match="is not attached"):
        again.check(container)


def test_containers_move_to_a_new_subnet_with_their_bridge(host, plugins, make_netns):
    """The plugin itself refuses a bridge of another subnet: it goes with the last container."""
    containers = [make_netns() for _ in range(2)]
    for container in containers:
        plugins.attach(container, bridged())
    with pytest.raises(LabError, match="already has an IP address different from"):
        plugins.attach(make_netns(), bridged("10.5.9.1/24"))
    plugins.detach_all(containers)
    assert host.ip_json("link", "show", "type", "bridge") == []
    for container in containers:
        plugins.attach(container, bridged("10.5.9.1/24"))
    assert [address(each) for each in containers] == [["10.5.9.2/24"], ["10.5.9.3/24"]]


def test_a_chain_that_breaks_is_undone(host, plugins, make_netns):
    """When the second plugin fails, what the first has done is taken back."""
    container = make_netns()
    bad = {"type": "bandwidth", "ingressRate": 5}  # a rate without a burst
    whole = bridged("10.5.1.1/30")  # one address
    broken = Conflist("lab", "1.0.0", (*whole.plugins, bad))
    with pytest.raises(LabError, match="ADD by the CNI plugin bandwidth failed"):
        plugins.attach(container, broken)
    assert host.ip_json("link", "show", "type", "veth") == []
    plugins.attach(container, whole)
    assert address(container) == ["10.5.1.2/30"]


def test_a_plugin_that_is_not_there_is_named(plugins, make_netns):
    """The sentence says what to install."""
    missing = Conflist("lab", "1.0.0", ({"type": "no-such-plugin"},))
    with pytest.raises(LabError, match=r"no-such-plugin.*install containernetworking-plugins"):
        plugins.attach(make_netns(), missing)
