"""The CNI conflist: what a container runtime does to attach a container to this host's subnet.

A pure function of the lease, the link and the settings, to the JSON of the CNI specification
(containernetworking/cni, SPEC.md). Its version is 0.4.0: the oldest that has CHECK, and several
families in one result. 1.0.0 has nothing more that this file could use, and plugins older than 1.0
(Ubuntu 22.04 has 0.9.1) refuse it: "incompatible CNI versions".

**The subnet decides, not the plugin**: each family of the lease is one range of `host-local`, whose
gateway is the subnet's first address, the one that `subnet.env` names. That address is the host's,
on whatever the attachment puts there: on the bridge (`bridge`), on the host's end of each cable
(`ptp`), on the host's own child of the uplink (`macvlan`, `ipvlan`).

**Nobody but the daemon masquerades** (`ipMasq` is false everywhere): the rules of docs/packets.md
know the whole network, a plugin only knows its own subnet.

Four choices that only a failure explains:

* `forceAddress`: a bridge keeps the gateway address of a former lease, and without this the plugin
  refuses every container of the next one ("cni0 already has an IP address different from ...").
* `hairpinMode`: a container that reaches itself through a service's or a mapped port comes back by
  the port that it went out of.
* ipvlan in mode `l3s`: the one mode in which a packet of a container goes by the *host's* routes,
  and its answer passes the host's connection tracking, so that host-gw and masquerade both hold.
* `disableCheck` as soon as a plugin is chained: at CHECK, `bandwidth` ends with a panic for every
  container without limits (plugins before 1.9.1, issue 1221 there), and `portmap` misses IPv6 rules
  that it never made (issue 819). CRI-O, which calls CHECK, then starts no container.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from hostgw_core.model import IPNetwork, Subnets

VERSION = "0.4.0"
DEFAULT_ROUTE = {4: "0.0.0.0/0", 6: "::/0"}
CAPABILITY = {"portmap": "portMappings", "bandwidth": "bandwidth"}
"""The plugins that may be chained, and what the runtime tells each of them (CONVENTIONS.md)."""

Json: TypeAlias = Mapping[str, Any]


class Attachment(StrEnum):
    """The plugin that attaches; its name is the plugin's."""

    BRIDGE = "bridge"
    PTP = "ptp"
    MACVLAN = "macvlan"
    IPVLAN = "ipvlan"

    @property
    def on_uplink(self) -> bool:
        """Whether containers are children of the uplink itself, and the host needs one too."""
        return self in (Attachment.MACVLAN, Attachment.IPVLAN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflistSpec:
    """What is asked for. `mtu` is the containers', in bytes; `uplink` the name of that link.

    `name` is CNI's name of the network, under which `host-local` keeps its allocations; `chained`
    are plugins of `CAPABILITY`, in the order in which they run.
    """

    name: str
    attachment: Attachment
    subnets: Subnets
    mtu: int
    bridge: str
    uplink: str
    chained: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflist:
    """The file, and the plugins that a runtime will look for when it reads it."""

    content: bytes
    plugins: tuple[str, ...]


def conflist(spec: ConflistSpec) -> Conflist:
    """Give the conflist."""
    chain = (_attach(spec), *(_chained(plugin) for plugin in spec.chained))
    unchecked = {"disableCheck": True} if spec.chained else {}
    whole = {"cniVersion": VERSION, "name": spec.name, **unchecked, "plugins": chain}
    return Conflist(
        (json.dumps(whole, indent=2) + "\n").encode(),
        (spec.attachment, "host-local", *spec.chained),
    )


def _attach(spec: ConflistSpec) -> Json:
    match spec.attachment:
        case Attachment.BRIDGE:
            own = {
                "bridge": spec.bridge,
                "isGateway": True,
                "isDefaultGateway": True,
                "forceAddress": True,
                "hairpinMode": True,
                "ipMasq": False,
            }
        case Attachment.PTP:
            own = {"ipMasq": False}
        case Attachment.MACVLAN:
            own = {"master": spec.uplink, "mode": "bridge"}
        case Attachment.IPVLAN:
            own = {"master": spec.uplink, "mode": "l3s"}
    return {"type": spec.attachment, **own, "mtu": spec.mtu, "ipam": _addresses(spec)}


def _addresses(spec: ConflistSpec) -> Json:
    """Give the part for `host-local`. The bridge makes its default routes itself."""
    ranges = {"type": "host-local", "ranges": [[_range(subnet)] for subnet in spec.subnets]}
    if spec.attachment is Attachment.BRIDGE:
        return ranges
    return {**ranges, "routes": list(_defaults(spec.subnets))}


def _range(subnet: IPNetwork) -> Json:
    return {"subnet": str(subnet), "gateway": str(subnet.network_address + 1)}


def _defaults(subnets: Subnets) -> Iterator[Json]:
    for subnet in subnets:
        yield {"dst": DEFAULT_ROUTE[subnet.version]}


def _chained(plugin: str) -> Json:
    return {"type": plugin, "capabilities": {CAPABILITY[plugin]: True}}
