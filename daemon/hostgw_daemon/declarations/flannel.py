"""What flannel takes and means nothing here: accepted, for it stands in unit files; told once."""

from __future__ import annotations

from hostgw_core.settings import Setting, kinds

_KUBERNETES = "concerns flannel's Kubernetes mode and means nothing here"

WITHOUT_EFFECT = (
    Setting(
        name="subnet-lease-renew-margin",
        kind=kinds.integer(1, 1439, "MINUTES"),
        default="60",
        flannel=True,
        ignored="means nothing here: the lease is kept alive all the time (etcd's LeaseKeepAlive)",
        help="The lease is kept alive all the time.",
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
