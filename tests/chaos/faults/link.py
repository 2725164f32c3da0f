"""The underlay of a host: its link, its cable, its address, its name.

While a link is down nothing can pass, and a route over it goes with it. That much is allowed, and
the time in which the routes must be back afterwards.
"""

from __future__ import annotations

from typing import Final

from chaos.fault import NOTHING, Allowance, Fault, Ground, Injection, on
from chaos.stage import Stage
from hostgw_cli.lab.host import Host
from hostgw_cli.lab.machine import SWITCH_BRIDGE
from hostgw_cli.lab.netns import run_here, veth

# Seconds after a link is up again. The routes are back in a fraction of one; but a neighbour that
# did not answer is asked for once a second (net.ipv4.neigh.*.retrans_time_ms).
_BACK: Final = 1.2

_DOWN: Final = Allowance(
    "nothing passes a link that is down; afterwards neighbours ask for it once a second",
    after=_BACK,
    removes=True,
)
_CABLE: Final = Allowance(
    "nothing passes a pulled cable; afterwards neighbours ask for it once a second", after=_BACK
)
_NO_ADDRESS: Final = Allowance(
    "nobody reaches a host without its address; afterwards neighbours ask once a second",
    after=_BACK,
    removes=True,
)
_MOMENT: Final = Allowance(
    "the link is down, or without address, while it is changed",
    after=_BACK,
    brief=True,
    removes=True,
)


def _batch(host: Host, *commands: str) -> None:
    run_here(["ip", "-n", host.namespace.name, "-batch", "-"], input="\n".join(commands) + "\n")


def _default(stage: Stage, device: str = "eth0") -> str:
    return f"route replace default via {stage.lab.topology.gateway.ip} dev {device}"


def _down(stage: Stage, injection: Injection) -> None:
    stage.hosts[injection.host].ip("link", "set", "eth0", "down")


def _up(stage: Stage, injection: Injection) -> None:
    _batch(stage.hosts[injection.host], "link set eth0 up", _default(stage))


def _unplug(stage: Stage, injection: Injection) -> None:
    stage.hosts[injection.host].unplug()


def _plug(stage: Stage, injection: Injection) -> None:
    stage.hosts[injection.host].plug()


def _remove_address(stage: Stage, injection: Injection) -> None:
    host = stage.hosts[injection.host]
    host.ip("address", "del", str(host.plan.address), "dev", "eth0")


def _add_address(stage: Stage, injection: Injection) -> None:
    host = stage.hosts[injection.host]
    _batch(host, f"address add {host.plan.address} dev eth0", _default(stage))


def _small(stage: Stage, injection: Injection) -> None:
    stage.hosts[injection.host].ip("link", "set", "eth0", "mtu", "1400")


def _large(stage: Stage, injection: Injection) -> None:
    stage.hosts[injection.host].ip("link", "set", "eth0", "mtu", "1500")


def _rename(stage: Stage, injection: Injection) -> None:
    _name(stage, injection, "eth0", "lan0")


def _rename_back(stage: Stage, injection: Injection) -> None:
    _name(stage, injection, "lan0", "eth0")


def _name(stage: Stage, injection: Injection, before: str, after: str) -> None:
    _batch(
        stage.hosts[injection.host],
        f"link set {before} down",
        f"link set {before} name {after}",
        f"link set {after} up",
        _default(stage, after),
    )


def _delete(stage: Stage, injection: Injection) -> None:
    stage.hosts[injection.host].ip("link", "delete", "eth0")


def _make_again(stage: Stage, injection: Injection) -> None:
    host = stage.hosts[injection.host]
    switch = stage.lab.switch
    veth(host.namespace, "eth0", switch, host.name, mac_one=host.plan.mac)
    with switch.links() as links:
        links.put_in(SWITCH_BRIDGE, host.name)
    _batch(host, f"address add {host.plan.address} dev eth0", _default(stage))


def _enslave(stage: Stage, injection: Injection) -> None:
    """Put the link into a bridge and its address on the bridge, as an operator does while it runs.

    The bridge takes the link's MAC address, so that nobody's neighbour table is wrong.
    """
    host = stage.hosts[injection.host]
    _batch(
        host,
        f"link add uplink0 address {host.plan.mac} type bridge stp_state 0 forward_delay 0",
        "link set uplink0 up",
        f"address del {host.plan.address} dev eth0",
        "link set eth0 master uplink0",
        f"address add {host.plan.address} dev uplink0",
        _default(stage, "uplink0"),
    )


def _free(stage: Stage, injection: Injection) -> None:
    host = stage.hosts[injection.host]
    _batch(
        host,
        f"address del {host.plan.address} dev uplink0",
        "link set eth0 nomaster",
        f"address add {host.plan.address} dev eth0",
        _default(stage),
        "link delete uplink0",
    )


FAULTS: Final = (
    Fault("link-flap", on(Ground.HOST), _down, _up, _DOWN, within=3.0, lasts=(0.2, 3.0)),
    Fault("carrier-lost", on(Ground.HOST), _unplug, _plug, _CABLE, within=3.0, lasts=(0.2, 3.0)),
    Fault("address-removed", on(Ground.HOST), _remove_address, _add_address, _NO_ADDRESS),
    Fault("mtu-changed", on(Ground.HOST), _small, _large, NOTHING),
    Fault("renamed", on(Ground.HOST), _rename, _rename_back, _MOMENT, within=3.0),
    Fault("link-made-again", on(Ground.HOST), _delete, _make_again, _DOWN, within=3.0),
    Fault("bridged", on(Ground.HOST), _enslave, _free, _MOMENT, within=3.0),
)
