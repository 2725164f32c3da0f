"""Masquerade and forwarding: flannel's settings, and what it has none for."""

from __future__ import annotations

from hostgw_core.settings import Setting, kinds

_DAY = 86400

MASQUERADE = (
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
        name="ip-masq-nodes",
        kind=kinds.BOOLEAN,
        default="false",
        help="Masquerade also what containers send to the cluster's nodes, as flannel does.",
    ),
    Setting(
        name="non-masquerade-cidr",
        kind=kinds.NETWORK,
        repeatable=True,
        separator=",",
        help="A network outside the cluster's that knows the way back to containers: what they "
        "send there is not masqueraded.",
    ),
    Setting(
        name="flush-conntrack",
        kind=kinds.BOOLEAN,
        default="true",
        help="Let the kernel forget its connections from and to a subnet that moved to another "
        "node.",
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
