"""The settings of hostgwd, declared: flannel's with flannel's names and defaults, and its own.

The source of flannel's is its main.go (v0.28) and Documentation/configuration.md. Those that can
mean nothing here are accepted, because they stand in unit files that should go on working, and say
so once. One module a subject; here they come together.
"""

from __future__ import annotations

from hostgw_core.settings import Check, Program, Value, etcd, logs, program
from hostgw_daemon.declarations.containers import CHECKS, CONTAINERS
from hostgw_daemon.declarations.flannel import WITHOUT_EFFECT
from hostgw_daemon.declarations.host import HOST
from hostgw_daemon.declarations.interface import INTERFACE
from hostgw_daemon.declarations.networks import APART, NETWORKS
from hostgw_daemon.declarations.node import NODE
from hostgw_daemon.declarations.packets import MASQUERADE
from hostgw_daemon.declarations.probes import PROBES
from hostgw_daemon.declarations.routes import ROUTE_CHECKS, ROUTES
from hostgw_daemon.declarations.seen import CHECKS as SEEN_CHECKS
from hostgw_daemon.declarations.seen import SEEN

_PROGRAM = program.settings(
    check="Check the settings and show them with their origin, look whether kernel, store, link "
    "and host are as the daemon needs them, touch nothing, and exit.",
    flannel=True,
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
        ("Interface", INTERFACE),
        ("Node and lease", NODE),
        ("Further networks", NETWORKS),
        ("Routes", ROUTES),
        ("Masquerade and forwarding", MASQUERADE),
        ("Containers", CONTAINERS),
        ("Probes", PROBES),
        ("Host", HOST),
        ("Health and metrics", SEEN),
        ("Logs", (*logs.SETTINGS, logs.VERBOSITY)),
        ("Program", _PROGRAM),
        ("Accepted for flannel's sake", (*WITHOUT_EFFECT, *logs.KLOG_WITHOUT_EFFECT)),
    ),
    checks=(
        *etcd.CHECKS,
        APART,
        *CHECKS,
        *ROUTE_CHECKS,
        *SEEN_CHECKS,
        Check(("healthz-port", "http-address"), _own_port),
    ),
)
