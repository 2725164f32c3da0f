"""A CNI network configuration list, and what of it each plugin is told.

Pure: the words are those of the CNI specification 1.0.0, sections 1 to 4. A list is read as it was
written; what a runtime adds to it is added here: the list's name and version in each plugin's part,
the result of the plugins before it, and the runtime's own arguments, for which a plugin asks by its
`capabilities`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, TypeAlias

import msgspec

from hostgw_cli.lab.topology import Interface, LabError

Json: TypeAlias = Mapping[str, Any]

VERSION = "1.0.0"  # of the specification: what Debian 12's plugins and containerd 1.6 speak


@dataclass(frozen=True, slots=True)
class Conflist:
    """A list: its name, the version of the specification, its plugins in their order."""

    name: str
    version: str
    plugins: tuple[Json, ...]
    unchecked: bool = False
    """Its `disableCheck`: CHECK is not to be called for it."""

    @property
    def subnets(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The subnets from which its `host-local` gives addresses. Raise ValueError."""
        return tuple(
            ip_network(each["subnet"])
            for plugin in self.plugins
            for ranges in plugin.get("ipam", {}).get("ranges", ())
            for each in ranges
        )

    @property
    def firm_bridges(self) -> tuple[str, ...]:
        """The bridges that are refused when their subnet has moved (no `forceAddress`)."""
        return tuple(
            plugin.get("bridge", "cni0")
            for plugin in self.plugins
            if plugin["type"] == "bridge" and not plugin.get("forceAddress")
        )

    @property
    def words(self) -> str:
        """The plugins' names in their order, for a person: `bridge, portmap`."""
        return ", ".join(plugin["type"] for plugin in self.plugins)

    def keeping(self, folder: str) -> Conflist:
        """Have `host-local` keep its notes in a folder; elsewhere it writes to /var/lib/cni."""

        def kept(plugin: Json) -> Json:
            ipam = plugin.get("ipam", {})
            if ipam.get("type") != "host-local":
                return plugin
            return {**plugin, "ipam": {**ipam, "dataDir": folder}}

        return replace(self, plugins=tuple(kept(each) for each in self.plugins))

    def told(
        self, plugin: Json, *, given: Json | None = None, before: Json | None = None
    ) -> dict[str, Any]:
        """Give what a plugin reads on its standard input.

        `given` are the runtime's arguments by capability, `before` the result of the plugins before
        this one (of all of them, where a container is checked or detached).
        """
        asked = plugin.get("capabilities", {})
        arguments = {name: value for name, value in (given or {}).items() if asked.get(name)}
        return {
            **{name: value for name, value in plugin.items() if name != "capabilities"},
            "cniVersion": self.version,
            "name": self.name,
            **({"runtimeConfig": arguments} if arguments else {}),
            **({"prevResult": before} if before is not None else {}),
        }

    def written(self) -> str:
        """Give the list as a file holds it."""
        head = {"cniVersion": self.version, "name": self.name, "disableCheck": self.unchecked}
        return json.dumps({**head, "plugins": self.plugins}, indent=2)


class _File(msgspec.Struct):
    name: str
    version: str = msgspec.field(name="cniVersion")
    plugins: Annotated[tuple[dict[str, Any], ...], msgspec.Meta(min_length=1)]
    unchecked: bool = msgspec.field(name="disableCheck", default=False)


def read(text: str, *, source: str) -> Conflist:
    """Read a list. Raise LabError, which names its source."""
    try:
        file = msgspec.json.decode(text, type=_File)
        found = Conflist(file.name, file.version, file.plugins, file.unchecked)
        _ = found.subnets, found.words
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LabError(f"{source} is no CNI configuration list: {error!r}") from error
    return found


def of_subnet_env(*gateways: Interface, mtu: int) -> Conflist:
    """Give the list for a host whose daemon writes none: flannel leaves that to its CNI plugin.

    It is what the plugin `flannel` delegates to: a bridge of the subnets and the MTU of subnet.env;
    each of the subnets gives every container an address.
    """
    ranges = [[{"subnet": str(each.network), "gateway": str(each.ip)}] for each in gateways]
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isDefaultGateway": True,
        "mtu": mtu,
        "ipam": {"type": "host-local", "ranges": ranges},
    }
    return Conflist("lab", VERSION, (bridge,))


def addresses(result: Json) -> Iterator[str]:
    """Give the addresses, with their prefix lengths, that a result says the container has."""
    return (each["address"] for each in result.get("ips", ()))
