"""How containers are attached: the CNI conflist, and the MTU."""

from __future__ import annotations

from hostgw_core.settings import Check, Setting, Value, kinds

CONTAINERS = (
    Setting(
        name="mtu",
        kind=kinds.integer(0, 65535, "BYTES"),
        default="0",
        help="The MTU of containers, for a path that is narrower than the interface; 0: the "
        "interface's, which is followed when it changes.",
    ),
    Setting(
        name="cni-conf",
        kind=kinds.FILE,
        help="Where the CNI configuration of this node is written, such as "
        "/etc/cni/net.d/10-hostgw.conflist; without it none is.",
    ),
    Setting(
        name="cni-conf-mode",
        kind=kinds.MODE,
        default="0644",
        help="The mode of that file.",
    ),
    Setting(
        name="cni-network",
        kind=kinds.CNI_NETWORK,
        default="hostgw",
        help="The network's name in it. host-local keeps the addresses that it gave out under this "
        "name: another name forgets them. flannel's is cbr0.",
    ),
    Setting(
        name="cni-attachment",
        kind=kinds.choice("bridge", "ptp", "macvlan", "ipvlan"),
        default="bridge",
        help="The plugin that attaches containers; docs/containers.md says what each can reach.",
    ),
    Setting(
        name="cni-bridge",
        kind=kinds.LINK,
        default="cni0",
        help="The name of the bridge that --cni-attachment=bridge makes.",
    ),
    Setting(
        name="cni-chain",
        kind=kinds.choice("portmap", "bandwidth"),
        repeatable=True,
        separator=",",
        help="Plugins that are chained: portmap for mapped ports, bandwidth for limits.",
    ),
    Setting(
        name="cni-bin-dir",
        kind=kinds.FOLDER,
        default="/opt/cni/bin,/usr/lib/cni",
        repeatable=True,
        separator=",",
        help="Where the plugins are looked for, to say so when one is missing.",
    ),
)


def _limits(chain: Value, attachment: Value) -> str:
    """Say why bandwidth cannot be: it shapes the host's end of a cable, and there is none."""
    if "bandwidth" in chain.value and attachment.value in ("macvlan", "ipvlan"):
        return (
            f"bandwidth limits the host's end of a container's cable, and {attachment.value} has no"
            " cable; leave it out, or take --cni-attachment=bridge or ptp"
        )
    return ""


def _twice(chain: Value) -> str:
    doubled = sorted({plugin for plugin in chain.value if chain.value.count(plugin) > 1})
    return f"{doubled[0]} is given twice; give it once" if doubled else ""


CHECKS = (
    Check(("cni-chain", "cni-attachment"), _limits),
    Check(("cni-chain",), _twice),
)
