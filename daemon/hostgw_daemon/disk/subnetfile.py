"""The subnet file: flannel's `subnet.env`, which the container runtime reads.

Names, order and form are those of flannel's `WriteSubnetFile` (pkg/subnet/subnet.go). The *_SUBNET
lines hold the first usable *address* of the subnet (network + 1) with the subnet's length: that is
the address of the bridge.
"""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network

from hostgw_core.model import ClusterConfig, IPNetwork, Subnets


def subnet_env(config: ClusterConfig, subnets: Subnets, *, mtu: int, ipmasq: bool) -> bytes:
    """Give the content of the file. A family appears when both the network and the lease have it.

    `mtu` is that of the containers' interfaces, in bytes; host-gw encapsulates nothing, so it is
    the uplink's own.
    """
    lines: list[str] = []
    if config.ipv4 and subnets.ipv4:
        lines += [
            f"FLANNEL_NETWORK={config.ipv4.network}",
            f"FLANNEL_SUBNET={_first(subnets.ipv4)}",
        ]
    if config.ipv6 and subnets.ipv6:
        lines += [
            f"FLANNEL_IPV6_NETWORK={config.ipv6.network}",
            f"FLANNEL_IPV6_SUBNET={_first(subnets.ipv6)}",
        ]
    lines += [f"FLANNEL_MTU={mtu}", f"FLANNEL_IPMASQ={'true' if ipmasq else 'false'}"]
    return "".join(f"{line}\n" for line in lines).encode()


def parse_subnet_env(content: bytes) -> Subnets:
    """Give the subnets that a file names, and none where it says nothing that can be understood.

    It may have been written by any version of flannel, or by hand: unknown names, comments, quotes,
    `export` and torn lines are passed over. Never raises.
    """
    values: dict[str, str] = {}
    for line in content.decode("ascii", errors="replace").splitlines():
        name, _, value = line.strip().removeprefix("export ").partition("=")
        values[name.strip()] = value.strip().strip("\"'")
    return Subnets(
        _ipv4(values.get("FLANNEL_SUBNET", "")), _ipv6(values.get("FLANNEL_IPV6_SUBNET", ""))
    )


def _first(subnet: IPNetwork) -> str:
    return f"{subnet.network_address + 1}/{subnet.prefixlen}"


def _ipv4(text: str) -> IPv4Network | None:
    try:
        return IPv4Interface(text).network if "/" in text else None
    except ValueError:
        return None


def _ipv6(text: str) -> IPv6Network | None:
    try:
        return IPv6Interface(text).network if "/" in text else None
    except ValueError:
        return None
