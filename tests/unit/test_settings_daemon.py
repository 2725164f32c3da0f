"""hostgwd judges its settings, describes them, and documents each."""

from __future__ import annotations

import dataclasses
from ipaddress import ip_network
from pathlib import Path

import pytest

from hostgw_controller.settings import PROGRAM as CONTROLLER
from hostgw_core.settings import Listen, SettingsError, etcd
from hostgw_core.settings.page import help_text, page
from hostgw_daemon.declarations import PROGRAM
from hostgw_daemon.settings import Settings, asked, describe, files
from support.daemon_settings import parsed

FLANNELS_ENDPOINTS = ("http://127.0.0.1:4001", "http://127.0.0.1:2379")
DOCS = Path(__file__).parents[2] / "docs"


def _problems(*argv, environ=None):
    with pytest.raises(SettingsError) as raised:
        parsed(*argv, environ=environ)
    return [f"{problem.setting}: {problem.message}" for problem in raised.value.problems]


def test_the_defaults_are_flannels_and_ours():
    """With nothing given, what flannel has is as in flannel, and what it has not as documented."""
    settings = parsed()
    assert settings.etcd_endpoints == FLANNELS_ENDPOINTS
    assert settings.etcd_prefix == "/coreos.com/network"
    assert settings.subnet_file == "/run/flannel/subnet.env"
    assert (settings.ip_masq, settings.iptables_forward_rules) == (False, True)
    assert (settings.iptables_resync, settings.healthz) == (5, None)
    assert (settings.lease_ttl, settings.audit_interval) == (86400, 60)
    assert (settings.state_dir, settings.run_dir) == ("/var/lib/hostgw", "/run/hostgw")
    assert settings.http_address == Listen("", 9745)
    assert (settings.log_level, settings.log_format) == ("info", "key=value")
    assert (settings.mtu, settings.cni_conf, settings.cni_attachment) == (0, "", "bridge")
    assert (settings.cni_network, settings.cni_bridge, settings.cni_conf_mode) == (
        "hostgw",
        "cni0",
        0o644,
    )
    assert (settings.cni_chain, settings.cni_bin_dir) == ((), ("/opt/cni/bin", "/usr/lib/cni"))
    assert (settings.iface, settings.public_ip, settings.node_name) == ((), None, "")
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["--kube-subnet-mgr"], "kube-subnet-mgr: hostgwd keeps leases in etcd"),
        (["--subnet-lease-renew-margin=0"], "from 1 to 1439"),
        (["--subnet-lease-renew-margin=1440"], "from 1 to 1439"),
        (["--lease-ttl=59s"], "from 1m to 8760h"),
        (["--lease-ttl=90.5s"], "no whole number"),
        (["--etcd-endpoints="], "etcd-endpoints: is empty"),
        (["--etcd-endpoints=ftp://a"], "is not an etcd endpoint"),
        (["--public-ip=::1"], "is not an IPv4 address"),
        (["--public-ipv6=10.0.0.1"], "is not an IPv6 address"),
        (["--iface-regex=("], "is not a regular expression"),
        (["--iface-cidr=10.0.0.1/24"], "write 10.0.0.0/24"),
        (["--route-metric=-1"], "from 0 to 4294967295"),
        (["--route-table=0"], "from 1 to 4294967295"),
        (["--route-table=255"], "the kernel's own table"),
        (["--vrf=blue", "--route-table=100"], "the VRF blue has a table of its own"),
        (["--vrf=a/b"], "is no name of an interface"),
        (["--vrf=sixteen-letters-"], "is no name of an interface"),
        (["--route-src=192.0.2.300"], "is not an IP address"),
        (["--route-src=10.0.0.1,10.0.0.2"], "names several IPv4 addresses"),
        (["--route-mtu=1279"], "1279 is less than 1280"),
        (["--route-mtu=65521"], "from 0 to 65520"),
        (["--own-subnet-route=drop"], "write none or blackhole or unreachable"),
        (["--state-dir=x"], "begin it with /"),
        (["--etcd-certfile=c"], "etcd-certfile is given and etcd-keyfile is not"),
        (["--etcd-keyfile=k"], "etcd-keyfile is given and etcd-certfile is not"),
        (["--etcd-username=u"], "has no password"),
        (
            ["--etcd-username=u", "--etcd-password=p", "--etcd-password-file=f"],
            "are both given; leave one out",
        ),
        (
            ["--etcd-discovery-srv=a.example", "--etcd-endpoints=http://a:1"],
            "etcd-endpoints and etcd-discovery-srv are both given",
        ),
        (["--healthz-port=9745"], "is the port of http-address"),
        (["--mtu=-1"], "from 0 to 65535"),
        (["--cni-conf-mode=0888"], "write it as chmod takes it"),
        (["--cni-conf-mode=644x"], "write it as chmod takes it"),
        (["--cni-network=-x"], "is no name of a CNI network"),
        (["--cni-bridge=a-name-of-16-chr"], "is no name of an interface"),
        (["--cni-bridge=a/b"], "is no name of an interface"),
        (["--cni-attachment=vlan"], "write bridge or ptp or macvlan or ipvlan"),
        (["--cni-chain=tuning"], "write portmap or bandwidth"),
        (["--cni-chain=portmap,portmap"], "portmap is given twice"),
        (["--cni-bin-dir=bin"], "begin it with /"),
        (
            ["--cni-chain=portmap", "--cni-chain=bandwidth", "--cni-attachment=macvlan"],
            "macvlan has no cable",
        ),
    ],
)
def test_wrong_settings(argv, problem):
    """Each wrong setting, and each pair that cannot be, is one problem that names the cure."""
    (found,) = _problems(*argv)
    assert problem in found


@pytest.mark.parametrize(
    ("argv", "setting"),
    [
        (["--etcd-password=p", "--etcd-username=u"], "etcd-password"),
        (["--etcd-password-file=p"], "etcd-password"),
        (["--etcd-cafile=c"], "etcd-endpoints"),
        (["--etcd-prefix=coreos.com/network"], "etcd-prefix"),
    ],
)
def test_what_works_and_is_hardly_meant(argv, setting):
    """What would work, but probably not as its writer thinks, is a warning."""
    assert [warning.setting for warning in parsed(*argv).warnings] == [setting]


def test_an_endpoint_without_a_scheme():
    """It is https where there is something to speak TLS with, and http otherwise."""
    assert parsed("--etcd-endpoints=a:1").etcd_endpoints == ("http://a:1",)
    tls = parsed("--etcd-endpoints=a:1,http://b:2", "--etcd-cafile=c")
    assert tls.etcd_endpoints == ("https://a:1", "http://b:2")
    assert etcd.with_scheme(["a:1"], tls=False) == ("http://a:1",)


def test_our_own_settings():
    """What flannel has not is read from flags, variables and the file alike."""
    settings = parsed(
        "--iface-cidr=10.0.0.0/24,10.1.0.0/24",
        "--iface-cidr=fd00::/64",
        "--iface-skip=docker*",
        "--http-address=off",
        "--config=/x",
        environ={"HOSTGW_LEASE_TTL": "90", "NODE_NAME": "n1"},
        file='log-format = "json"\naudit-interval = 30\ncheck = true\n',
    )
    networks = ("10.0.0.0/24", "10.1.0.0/24", "fd00::/64")
    assert settings.iface_cidr == tuple(ip_network(network) for network in networks)
    assert settings.iface_skip == ("docker*",)
    assert settings.http_address is None
    assert (settings.lease_ttl, settings.node_name) == (90, "n1")
    assert (settings.log_format, settings.audit_interval, settings.check) == ("json", 30, True)


def test_the_files_to_look_at():
    """What must be readable is listed with the setting that names it."""
    settings = parsed("--etcd-cafile=/ca", "--etcd-username=u", "--etcd-password-file=/p")
    assert files(settings) == [("etcd-cafile", "/ca"), ("etcd-password-file", "/p")]


def test_the_description_has_everything_and_no_secret():
    """Every declared setting is described with text and origin, and nothing shows the password."""
    settings = parsed("--etcd-username=u", "-v=3", environ={"HOSTGW_ETCD_PASSWORD": "hunter2"})
    described = {name: (text, origin) for name, text, origin in describe(settings)}
    assert described.keys() == {setting.name for setting in PROGRAM.settings}
    assert described["etcd-username"] == ("u", "flag --etcd-username")
    assert described["etcd-password"] == ("***", "environment HOSTGW_ETCD_PASSWORD")
    assert described["log-level"] == ("debug", "flag -v")
    assert described["lease-ttl"] == ("24h", "default")
    assert "hunter2" not in repr(settings) + repr(described) + repr(dict(settings.provenance))


def test_every_field_is_declared_and_every_declaration_is_used():
    """A setting without a field is one that has no effect, or is used up before the fields are."""
    declared = {setting.name.replace("-", "_"): setting for setting in PROGRAM.settings}
    taken = {each.name for each in dataclasses.fields(Settings)} - {"warnings", "provenance"}
    assert taken <= declared.keys()
    rest = {name for name in declared.keys() - taken if not declared[name].ignored}
    assert rest == {"v", "config", "version", "kube_subnet_mgr"}


def test_declarations_are_sound():
    """No name is declared twice, and help says something of each."""
    names = [setting.name for setting in PROGRAM.settings]
    assert len(names) == len(set(names))
    assert all(setting.help.endswith(".") for setting in PROGRAM.settings)


def test_help():
    """The help fits a screen's width and has every flag with its default."""
    text = help_text(PROGRAM)
    assert max(len(line) for line in text.splitlines()) <= 80
    for setting in PROGRAM.settings:
        assert f"  {setting.flag}" in text
    assert "default: 24h" in text
    assert (asked(["--help"]), asked(["--version"]), asked([])) == ("help", "version", "")


def test_the_page_is_current():
    """docs/settings.md says what the declarations say; `make docs` writes it anew."""
    assert (DOCS / "settings.md").read_text() == page([PROGRAM, CONTROLLER])


def test_each_network_has_settings_of_its_own():
    """The first as they are; a further one with prefix, state, files and names for itself."""
    settings = parsed("--networks=blue,green=/green//net/", "--cni-conf=/etc/cni/10-a.conflist")
    first, blue, green = settings.served.values()
    assert [*settings.served] == ["default", "blue", "green"]
    assert first is settings
    assert blue.etcd_prefix == "/coreos.com/network/blue"
    assert green.etcd_prefix == "/green/net"
    assert blue.state_dir == "/var/lib/hostgw/networks/blue"
    assert blue.subnet_file == "/run/flannel/networks/blue.env"
    assert blue.cni_conf == "/etc/cni/99-hostgw-blue.conflist"
    assert (blue.cni_network, blue.cni_bridge) == ("hostgw-blue", "cni-blue")
    assert parsed("--networks=blue").served["blue"].cni_conf == ""
    assert [*parsed().served] == ["default"]


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["--networks=Blue"], '"Blue" names no network'),
        (["--networks=a-name-of-12"], "at most 11"),
        (["--networks=blue="], "names no prefix"),
        (["--networks=default"], "means something else"),
        (["--networks=host"], "means something else"),
        (["--networks=subnets"], "means something else"),
        (["--networks=blue", "--networks=blue"], "blue is given twice"),
        (["--networks=blue=/x,red=/x"], "have one prefix, /x"),
        (["--networks=blue=/coreos.com/network"], "have one prefix"),
        (["--networks=blue=/coreos.com/network/subnets"], "lies among the records of default"),
        (["--networks=blue=/coreos.com/network/subnets2"], "lies among the records of default"),
        (["--networks=blue=/coreos.com/network/hostgw/x"], "lies among the records of default"),
        (["--networks=blue,red=/coreos.com/network/blue/config"], "the records of blue"),
        (["--etcd-prefix=/x/hostgw", "--networks=blue=/x"], "lies among the records of blue"),
    ],
)
def test_two_networks_never_meet_in_the_store(argv, word):
    """A name, a prefix and records of each; who would mix them is told so before anything is."""
    (problem,) = _problems(*argv)
    assert word in problem


@pytest.mark.parametrize("argv", [["--networks=a"], ["--networks=blue=/x,red=/x/red"], []])
def test_networks_that_do_not_meet(argv):
    """One below another, by any other name than those that a prefix has itself."""
    assert len(parsed(*argv).served) == 1 + len(argv and argv[0].split(","))
