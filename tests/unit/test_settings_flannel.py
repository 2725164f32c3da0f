"""hostgwd takes flannel's settings from unit files as they are."""

from __future__ import annotations

import shlex
from ipaddress import ip_address

import pytest

from hostgw_core.settings import Listen
from support.daemon_settings import parsed


def _started(exec_start, environ):
    """Expand a unit's ExecStart as systemd does: ${X} is one word, $X standing alone is several."""
    words = []
    for word in shlex.split(exec_start):
        if word.startswith("$") and not word.startswith("${"):
            words += environ.get(word[1:], "").split()
            continue
        for name, text in environ.items():
            word = word.replace(f"${{{name}}}", text)  # noqa: PLW2901 - expanded in place
        words.append(word)
    return words[1:]


@pytest.mark.parametrize(
    ("exec_start", "environ", "expected"),
    [
        pytest.param(  # Fedora's and CentOS's package: /etc/sysconfig/flanneld
            "flanneld -etcd-endpoints=${FLANNEL_ETCD_ENDPOINTS} "
            "-etcd-prefix=${FLANNEL_ETCD_PREFIX} $FLANNEL_OPTIONS",
            {
                "FLANNEL_ETCD_ENDPOINTS": "http://172.17.8.101:2379",
                "FLANNEL_ETCD_PREFIX": "/atomic.io/network",
                "FLANNEL_OPTIONS": "-iface=eth2 --ip-masq",
            },
            {
                "etcd_endpoints": ("http://172.17.8.101:2379",),
                "etcd_prefix": "/atomic.io/network",
                "iface": ("eth2",),
                "ip_masq": True,
            },
            id="package",
        ),
        pytest.param(  # the same package with its variables left empty and given again as options
            "flanneld -etcd-endpoints=${FLANNEL_ETCD_ENDPOINTS} "
            "-etcd-prefix=${FLANNEL_ETCD_PREFIX} $FLANNEL_OPTIONS",
            {
                "FLANNEL_ETCD_ENDPOINTS": "",
                "FLANNEL_ETCD_PREFIX": "",
                "FLANNEL_OPTIONS": "-etcd-endpoints=http://10.0.0.1:2379,http://10.0.0.2:2379 "
                "-etcd-prefix=/kube-centos/network",
            },
            {
                "etcd_endpoints": ("http://10.0.0.1:2379", "http://10.0.0.2:2379"),
                "etcd_prefix": "/kube-centos/network",
            },
            id="emptied",
        ),
        pytest.param(  # Container Linux: /etc/flannel/options.env
            "flanneld",
            {
                "FLANNELD_IFACE": "192.168.100.20",
                "FLANNELD_ETCD_ENDPOINTS": "https://192.168.100.21:2379,https://192.168.100.22:2379",
                "FLANNELD_ETCD_CAFILE": "/etc/ssl/etcd/ca.pem",
                "FLANNELD_ETCD_CERTFILE": "/etc/ssl/etcd/client.pem",
                "FLANNELD_ETCD_KEYFILE": "/etc/ssl/etcd/client-key.pem",
                "FLANNELD_IP_MASQ": "true",
            },
            {
                "iface": ("192.168.100.20",),
                "etcd_endpoints": ("https://192.168.100.21:2379", "https://192.168.100.22:2379"),
                "etcd_cafile": "/etc/ssl/etcd/ca.pem",
                "etcd_keyfile": "/etc/ssl/etcd/client-key.pem",
                "ip_masq": True,
            },
            id="container-linux",
        ),
        pytest.param(  # Photon: braces around options that are empty leave an empty word
            "flanneld -etcd-prefix=/vmware/network -etcd-endpoints=${ETCD_ENDPOINTS} "
            "--kube-api-url=${KUBE_API_URL} ${FLANNEL_OPTIONS}",
            {
                "ETCD_ENDPOINTS": "http://127.0.0.1:2379",
                "KUBE_API_URL": "",
                "FLANNEL_OPTIONS": "",
            },
            {"etcd_prefix": "/vmware/network", "etcd_endpoints": ("http://127.0.0.1:2379",)},
            id="photon",
        ),
        pytest.param(  # hand-written, with TLS, by a set-up script
            "flanneld -etcd-cafile=/k/ca.pem -etcd-certfile=/k/f.pem -etcd-keyfile=/k/f-key.pem "
            "-etcd-endpoints=https://10.10.20.101:2379,https://10.10.20.102:2379 "
            "-etcd-prefix=/kubernetes/network -iface=ens3 -ip-masq",
            {},
            {"etcd_certfile": "/k/f.pem", "iface": ("ens3",), "ip_masq": True},
            id="script",
        ),
        pytest.param(  # upstart, a value after a blank and a boolean with its value
            "flanneld --etcd-endpoints http://10.1.1.1:4001 --etcd-prefix=/coreos.com/network "
            "--iface=eth0 --ip-masq=true",
            {},
            {"etcd_endpoints": ("http://10.1.1.1:4001",), "iface": ("eth0",), "ip_masq": True},
            id="upstart",
        ),
        pytest.param(  # flannel's own end-to-end tests
            "flanneld -v 10 -subnet-file /hostgw.env -etcd-prefix=/hostgw/network "
            "--etcd-endpoints=http://172.17.0.2:2379",
            {},
            {
                "log_level": "debug",
                "subnet_file": "/hostgw.env",
                "etcd_prefix": "/hostgw/network",
            },
            id="end-to-end",
        ),
        pytest.param(
            "flanneld --iface-regex=^en[[:alnum:]]+ --iface-can-reach 10.0.0.1 "
            "--public-ip=10.0.0.9 --healthz-ip=127.0.0.1 --healthz-port=8081 "
            "--iptables-forward-rules=false --iptables-resync=30 --kube-subnet-mgr=false",
            {},
            {
                "iface_regex": ("^en[0-9A-Za-z]+",),
                "iface_can_reach": ip_address("10.0.0.1"),
                "public_ip": ip_address("10.0.0.9"),
                "healthz": Listen("127.0.0.1", 8081),
                "iptables_forward_rules": False,
                "iptables_resync": 30,
            },
            id="the-rest",
        ),
    ],
)
def test_unit_files_written_for_flannel(exec_start, environ, expected):
    """A unit file that starts flanneld starts hostgwd with the same meaning, without a warning."""
    settings = parsed(*_started(exec_start, environ), environ=environ)
    assert {name: getattr(settings, name) for name in expected} == expected
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("flag", "setting"),
    [
        ("--subnet-lease-renew-margin=30", "subnet-lease-renew-margin"),
        ("--kube-api-url=https://10.0.0.1", "kube-api-url"),
        ("--kubeconfig-file=/k", "kubeconfig-file"),
        ("--kube-annotation-prefix=x", "kube-annotation-prefix"),
        ("--net-config-path=/n", "net-config-path"),
        ("--set-node-network-unavailable", "set-node-network-unavailable"),
        ("--vmodule=a=1", "vmodule"),
        ("--log_backtrace_at=a:1", "log_backtrace_at"),
        ("--logtostderr", "logtostderr"),
        ("--alsologtostderr=true", "alsologtostderr"),
        ("--stderrthreshold=INFO", "stderrthreshold"),
        ("--log_dir=/var/log", "log_dir"),
    ],
)
def test_what_can_mean_nothing_is_one_warning(flag, setting):
    """A flag of flannel's that means nothing here is accepted and said once."""
    assert [warning.setting for warning in parsed(flag, flag).warnings] == [setting]


@pytest.mark.parametrize(
    ("argv", "own"),
    [
        ([], "none"),
        (["--ip-blackhole-route"], "blackhole"),
        (["--ip-blackhole-route=false", "--own-subnet-route=unreachable"], "unreachable"),
        (["--ip-blackhole-route", "--own-subnet-route=unreachable"], "unreachable"),
        (["--ip-blackhole-route", "--own-subnet-route=none"], "none"),
    ],
)
def test_the_route_for_our_own_subnet(argv, own):
    """Flannel's flag means a blackhole, unless our own setting says what there should be."""
    settings = parsed(*argv)
    assert settings.own_route == own
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("argv", "level"),
    [
        ([], "info"),
        (["-v=0"], "info"),
        (["-v=1"], "info"),
        (["-v=2"], "debug"),
        (["-v=10"], "debug"),
        (["-v=10", "--log-level=warn"], "warning"),
        (["--log-level=error"], "error"),
    ],
)
def test_verbosity(argv, level):
    """The flag -v of klog means our level, unless our own setting is given too."""
    assert parsed(*argv).log_level == level
