"""What else happens to packets: masquerade and forwarding, and how containers are attached."""

from __future__ import annotations

from hostgw_core.health import Kind, Severity

_WARNING, _ERROR = Severity.WARNING, Severity.ERROR

PACKETS = (
    Kind(
        "masquerade_failing",
        _ERROR,
        "The masquerade and forwarding rules could not be set.",
        "See the detail for the words of nft, or turn off --ip-masq and --iptables-forward-rules.",
    ),
    Kind(
        "forward_dropped",
        _ERROR,
        "Another firewall on this host drops what goes between its containers and other hosts.",
        "Run the commands of the detail, and add the same to what sets that firewall up.",
    ),
    Kind(
        "conntrack_failing",
        _WARNING,
        "Connections of subnets that moved could not be forgotten, and may go the old way.",
        "See the detail; `conntrack -D -s SUBNET` and `-d SUBNET` do it by hand.",
    ),
    Kind(
        "mtu_impossible",
        _WARNING,
        "The MTU for containers cannot be had.",
        "Leave --mtu out, or set it and the interface as the detail says.",
    ),
    Kind(
        "cni_conf_failing",
        _ERROR,
        "The CNI configuration cannot be written, so containers may start with an old network.",
        "Make room or correct the permissions of the folder of --cni-conf.",
    ),
    Kind(
        "cni_child_failing",
        _ERROR,
        "The host's own child of the uplink is not there: containers reach neither it nor others.",
        "Do as the detail says, or take --cni-attachment=bridge, which needs none.",
        explained_by=("no_uplink", "uplink_down"),
    ),
    Kind(
        "cni_plugin_missing",
        _ERROR,
        "A CNI plugin that attaches containers is not on this host.",
        "Install containernetworking-plugins, or name the folder with --cni-bin-dir.",
    ),
)
