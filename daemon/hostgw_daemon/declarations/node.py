"""The node, its lease, and where its files lie."""

from __future__ import annotations

from hostgw_core.settings import Setting, kinds

_DAY = 86400

NODE = (
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
