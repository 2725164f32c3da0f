"""The settings of hostgwd, declared: flannel's with flannel's names and defaults, and its own.

The source of flannel's is its main.go (v0.28) and Documentation/configuration.md. Those that can
mean nothing here are accepted, because they stand in unit files that should go on working, and say
so once.
"""

from __future__ import annotations

from hostgw_core.settings import Check, Program, Setting, Value, etcd, kinds, logs

_DAY = 86400

_INTERFACE = (
    Setting(
        name="iface",
        kind=kinds.INTERFACE,
        repeatable=True,
        separator=",",
        flannel=True,
        help="The interface, or an address on it, that leads to the other nodes. The first that "
        "is there is taken. Without any of these settings: the one with --public-ip, else the one "
        "with the default route.",
    ),
    Setting(
        name="iface-regex",
        kind=kinds.REGEX,
        repeatable=True,
        flannel=True,
        help="A regular expression for the interface's name or address, tried after --iface.",
    ),
    Setting(
        name="iface-can-reach",
        kind=kinds.address(),
        flannel=True,
        help="The interface by which the kernel would reach this address, tried after "
        "--iface-regex.",
    ),
    Setting(
        name="iface-cidr",
        kind=kinds.NETWORK,
        repeatable=True,
        separator=",",
        help="The interface that has an address in this network, tried after --iface-can-reach.",
    ),
    Setting(
        name="iface-skip",
        kind=kinds.PATTERN,
        repeatable=True,
        separator=",",
        help="An interface, or a shell's pattern such as docker*, that is not taken unless --iface "
        "names it.",
    ),
    Setting(
        name="public-ip",
        kind=kinds.address(4),
        flannel=True,
        help="The IPv4 address by which the other nodes reach this one; by default the interface's "
        "first. It must be on the interface.",
    ),
    Setting(
        name="public-ipv6",
        kind=kinds.address(6),
        flannel=True,
        help="The same for IPv6.",
    ),
)

_NODE = (
    Setting(
        name="node-name",
        kind=kinds.NODE_NAME,
        variables=("NODE_NAME",),
        help="The name of this node; by default the host's.",
    ),
    Setting(
        name="lease-ttl",
        kind=kinds.whole_seconds(60, 365 * _DAY),
        default="24h",
        help="How long the subnet stays ours while this host is down or cut off from etcd.",
    ),
    Setting(
        name="state-dir",
        kind=kinds.FOLDER,
        default="/var/lib/hostgw",
        help="What must outlive a reboot: the node's identity, the last complete snapshot.",
    ),
    Setting(
        name="run-dir",
        kind=kinds.FOLDER,
        default="/run/hostgw",
        help="What need not: the control socket hostgwd.sock.",
    ),
    Setting(
        name="subnet-file",
        kind=kinds.FILE,
        default="/run/flannel/subnet.env",
        flannel=True,
        help="Where the node's subnet is written for the container runtime.",
    ),
)

_ROUTES = (
    Setting(
        name="route-metric",
        kind=kinds.integer(0, 2**32 - 1),
        default="0",
        help="One metric for all routes; 0 gives each its own, computed from its destination, "
        "which the kernel handles much faster.",
    ),
    Setting(
        name="audit-interval",
        kind=kinds.seconds(1, _DAY),
        default="60s",
        help="How often all routes are compared with the kernel's, beside whenever it says that "
        "something changed.",
    ),
    Setting(
        name="removal-grace",
        kind=kinds.seconds(0, 3600),
        default="2s",
        help="How long a route outlives the lease that goes from the store, unless somebody else "
        "gets the subnet: time to put back what was deleted by mistake.",
    ),
    Setting(
        name="removal-hold",
        kind=kinds.seconds(0, 7 * _DAY),
        default="5m",
        help="How long routes outlive leases that go in such number that it looks like an "
        "accident; after that those go whose gateway does not answer on the link. 0: not at all.",
    ),
)

_MASQUERADE = (
    Setting(
        name="ip-masq",
        kind=kinds.BOOLEAN,
        default="false",
        flannel=True,
        help="Masquerade what containers send out of the cluster's network.",
    ),
    Setting(
        name="ip-masq-fully-random-disable",
        kind=kinds.BOOLEAN,
        default="false",
        flannel=True,
        help="Masquerade without random source ports.",
    ),
    Setting(
        name="iptables-forward-rules",
        kind=kinds.BOOLEAN,
        default="true",
        flannel=True,
        help="Accept forwarded packets from and to the cluster's network.",
    ),
    Setting(
        name="iptables-resync",
        kind=kinds.integer(1, _DAY, "SECONDS"),
        default="5",
        flannel=True,
        help="How often, in seconds, the nftables table with these rules is compared and put back.",
    ),
)

_SEEN = (
    Setting(
        name="http-address",
        kind=kinds.LISTEN,
        default=":9745",
        help="Where health and metrics are served; off: nowhere.",
    ),
    Setting(
        name="healthz-ip",
        kind=kinds.address(),
        default="0.0.0.0",
        flannel=True,
        help="The address for --healthz-port.",
    ),
    Setting(
        name="healthz-port",
        kind=kinds.integer(0, 65535, "PORT"),
        default="0",
        flannel=True,
        help="Serve health on this port as well, where flannel served it; 0: do not.",
    ),
)

_PROGRAM = (
    Setting(
        name="config",
        kind=kinds.FILE,
        help="Read settings from this TOML file too.",
    ),
    Setting(
        name="check",
        kind=kinds.BOOLEAN,
        default="false",
        help="Check the settings, show them with their origin, touch nothing, and exit.",
    ),
    Setting(
        name="version",
        kind=kinds.BOOLEAN,
        default="false",
        flannel=True,
        help="Show the version and exit.",
    ),
)

_KUBERNETES = "concerns flannel's Kubernetes mode and means nothing here"

_WITHOUT_EFFECT = (
    Setting(
        name="subnet-lease-renew-margin",
        kind=kinds.integer(1, 1439, "MINUTES"),
        default="60",
        flannel=True,
        ignored="means nothing here: the lease is kept alive all the time (etcd's LeaseKeepAlive)",
        help="The lease is kept alive all the time.",
    ),
    Setting(
        name="ip-blackhole-route",
        kind=kinds.BOOLEAN,
        default="false",
        flannel=True,
        ignored="has no effect in this version: no blackhole route is set for the node's subnet",
        help="No blackhole route is set in this version.",
    ),
    Setting(
        name="kube-subnet-mgr",
        kind=kinds.BOOLEAN,
        default="false",
        flannel=True,
        refused=(
            True,
            "hostgwd keeps leases in etcd, not in the Kubernetes API; leave it out",
        ),
        help="Refused when true: leases are kept in etcd.",
    ),
    *(
        Setting(
            name=name,
            kind=kind,
            default=default,
            flannel=True,
            ignored=_KUBERNETES,
            help="Concerns flannel's Kubernetes mode.",
        )
        for name, kind, default in (
            ("kube-api-url", kinds.ANYTHING, ""),
            ("kubeconfig-file", kinds.FILE, ""),
            ("kube-annotation-prefix", kinds.ANYTHING, ""),
            ("net-config-path", kinds.FILE, ""),
            ("set-node-network-unavailable", kinds.BOOLEAN, "true"),
        )
    ),
)


def _own_port(healthz: Value, http: Value) -> str:
    """Two servers cannot have one port; the addresses are not compared, for nobody needs that."""
    if http.value is not None and healthz.value == http.value.port:
        return (
            f"{healthz.text} is the port of http-address, which serves /healthz too; leave it out"
        )
    return ""


PROGRAM = Program(
    name="hostgwd",
    summary="Lease this host a subnet in etcd, and route to the subnets of all other hosts.",
    groups=(
        ("etcd", etcd.SETTINGS),
        ("Interface", _INTERFACE),
        ("Node and lease", _NODE),
        ("Routes", _ROUTES),
        ("Masquerade and forwarding", _MASQUERADE),
        ("Health and metrics", _SEEN),
        ("Logs", (*logs.SETTINGS, logs.VERBOSITY)),
        ("Program", _PROGRAM),
        ("Accepted for flannel's sake", (*_WITHOUT_EFFECT, *logs.KLOG_WITHOUT_EFFECT)),
    ),
    checks=(*etcd.CHECKS, Check(("healthz-port", "http-address"), _own_port)),
)
