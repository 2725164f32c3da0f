"""Containers attached by real plugins, by the list that a real hostgwd wrote, and their packets."""

import pytest

from hostgw_cli.lab.conflist import read
from hostgw_cli.lab.echo import ping
from hostgw_cli.lab.netns import Namespace
from hostgw_cli.lab.pairs import ping_all
from hostgw_cli.lab.topology import LabError
from support.attached import (
    MTU,
    attached_lab,
    guest,
    mtus,
    no_ipvlan,
    no_shaping,
    source_of_connection,
)
from support.waiting import eventually

pytestmark = pytest.mark.root

FAMILIES = (4, 6)
HOST_PORT, PORT = 8080, 80
LIMITS = {
    "bandwidth": {
        **dict.fromkeys(("ingressRate", "egressRate"), 8_000_000),  # bits a second
        **dict.fromkeys(("ingressBurst", "egressBurst"), 800_000),  # bits
    }
}


@pytest.fixture(scope="module", params=["bridge", "ptp", "macvlan", "ipvlan"])
def lab(request):
    """Make a cluster for each attachment that this kernel has."""
    if request.param == "ipvlan" and (reason := no_ipvlan()):
        pytest.skip(reason)  # its list is looked at below
    chain = ["portmap"] if request.param in ("macvlan", "ipvlan") else ["portmap", "bandwidth"]
    with attached_lab(request.param, f"--cni-chain={','.join(chain)}") as made:
        yield made


def test_every_container_reaches_every_other_on_its_host_and_on_another(lab):
    """Four containers, twelve pairs, eight of them across hosts; in both families."""

    def look():
        pairs = ping_all(lab.containers, count=1)
        assert [str(each) for each in pairs if not each.echo] == []
        return pairs

    pairs = eventually(look, within=30)
    assert len(pairs) == 2 * 12
    assert sum(each.crosses for each in pairs) == 2 * 8
    assert {each.target_address.version for each in pairs} == {4, 6}


def test_the_mtu_is_the_one_that_was_asked_for(lab):
    """It is on the container's link, and a packet of that size passes whole to another host."""
    assert mtus([each.namespace for each in lab.containers]) == [MTU] * 4
    source, target = lab.hosts[0].container(0), lab.hosts[1].container(0)
    for family, headers in ((4, 28), (6, 48)):  # IP and ICMP
        words = ["ping", "-n", "-c", "1", "-W", "3", "-M", "do", str(target.address_in(family))]
        source.run(*words, "-s", str(MTU - headers))
        assert source.run(*words, "-s", str(MTU - headers + 1), check=False).returncode != 0


def test_a_container_and_its_own_host_reach_each_other(lab):
    """By the gateway's address and by the host's own, in both families."""
    host = lab.hosts[0]
    container = host.container(0)
    for family, underlay in zip(FAMILIES, host.plan.addresses, strict=True):
        gateway = host.gateways()[family].ip
        assert container.ping(gateway, within=3.0)
        assert container.ping(underlay.ip, within=3.0)
        assert ping(host.namespace, container.address_in(family), within=3.0)


def test_a_mapped_port_leads_from_another_host_into_the_container(lab):
    """A connection to the host's port arrives, and the container sees who made it."""
    host, other = lab.hosts
    mapping = {"hostPort": HOST_PORT, "containerPort": PORT, "protocol": "tcp"}
    with guest(host, {"portMappings": [mapping]}) as container:
        for number in range(len(FAMILIES)):
            to, source = host.plan.addresses[number].ip, other.plan.addresses[number].ip
            for client, seen in (
                (other.namespace, source),
                (other.container(0).namespace, other.container(0).address_in(FAMILIES[number])),
            ):
                assert source_of_connection(
                    client, container, to=to, port=HOST_PORT, inside=PORT
                ) == str(seen)
    with pytest.raises(OSError, match=r"refused|timed out"):
        source_of_connection(other.namespace, host.namespace, to=to, port=HOST_PORT, inside=PORT)


def test_a_limit_is_put_on_the_hosts_end_of_the_cable(lab):
    """The plugin takes what the runtime gives it, and the kernel has the limit."""
    host = lab.hosts[0]
    if lab.spec.attachment not in ("bridge", "ptp"):
        assert host.conflist().words == f"{lab.spec.attachment}, portmap"
        return  # there is no cable whose end on the host could be limited, and nobody is asked to
    if reason := no_shaping():
        pytest.skip(reason)
    with guest(host, LIMITS) as container:
        said = host.run("tc", "qdisc", "show").stdout
        assert said.count("qdisc tbf") == 2
        assert said.count("rate 8Mbit") == 2
        assert ping(container, host.gateways()[4].ip, within=3.0)
    assert "tbf" not in host.run("tc", "qdisc", "show").stdout


def test_a_runtime_is_told_not_to_check_what_the_chained_plugins_cannot(lab):
    """CHECK by bandwidth before 1.9.1 ends in a panic for a container without limits, such as this.

    A runtime that obeys the list calls none.
    """
    host = lab.hosts[0]
    assert host.conflist().unchecked
    host.plugins.check(host.container(0).namespace)


def test_a_child_of_the_uplink_does_not_reach_the_uplink_itself():
    """Its packets go to the wire, past its host: only the host's own child can be its gateway.

    On the link itself, the other host finds the container and its own host does not; without the
    host's child the container reaches neither its host nor another host's containers.
    """
    with attached_lab("macvlan") as lab:
        host, other = lab.hosts
        container, far = host.container(0), other.container(0)
        eventually(lambda: container.ping(far, within=0.5), within=30)
        host.ip("link", "delete", "hostgw0")  # put back by the daemon, as the neighbour it was
        eventually(lambda: container.ping(far, within=0.5))
        assert found_on_the_link(other, container)
        assert not found_on_the_link(host, container)
        host.stop_daemon()
        host.ip("link", "delete", "hostgw0")
        assert not container.ping(far, within=0.5)
        assert not container.ping(host.plan.address.ip, within=0.5)


def found_on_the_link(host, container):
    """Tell whether a host gets an answer when it looks for a container on its uplink."""
    host.ip("route", "add", f"{container.address}/32", "dev", "eth0")
    try:
        return bool(ping(host.namespace, container.address, count=3, within=1.0))
    finally:
        host.ip("route", "delete", f"{container.address}/32", "dev", "eth0")


def test_the_list_for_ipvlan_is_taken_up_to_the_kernels_own_answer(make_lab):
    """Where the kernel has no ipvlan, the plugin says exactly that: the list it was given is right.

    A list with a mode that does not exist is refused before the kernel is asked.
    """
    reason = no_ipvlan()
    if not reason:
        pytest.skip("this kernel has ipvlan: its containers are looked at above")
    (host,) = make_lab(nodes=1, containers=0, attachment="ipvlan").hosts
    inside = Namespace.create(f"{host.namespace.name}-x")
    conflist = host.conflist()
    (plugin,) = conflist.plugins
    assert (plugin["type"], plugin["master"], plugin["mode"]) == ("ipvlan", "eth0", "l3s")
    assert plugin["mtu"] == mtus([host.namespace])[0]
    with pytest.raises(LabError, match="failed to create ipvlan: operation not supported"):
        host.plugins.attach(inside, conflist)
    wrong = read(conflist.written().replace('"l3s"', '"l4"'), source="test")
    with pytest.raises(LabError, match='unknown ipvlan mode: "l4"'):
        host.plugins.attach(inside, wrong)
