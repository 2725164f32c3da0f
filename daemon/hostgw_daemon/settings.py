"""The settings of hostgwd as the rest of the program takes them: typed, frozen, judged.

    settings = parse(argv, environ, read_file)  # or SettingsError: exit status 2, nothing done

What only the host can tell is left to the wiring: whether the files of `files()` can be read, and
the host's name where `node_name` is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType
from typing import Any

from hostgw_core.model import IPAddress, IPNetwork
from hostgw_core.settings import Listen, Problem, Value, asked_for, etcd, logs, read
from hostgw_daemon.declarations import PROGRAM
from hostgw_daemon.declarations.networks import FIRST, Further, prefixes


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(etcd.Given):
    """Every setting that means something here, under its flag's name. Times are in seconds.

    Texts are empty, addresses None and tuples empty where nothing was given and nothing is implied.
    `warnings` is what a person should be told once. `provenance` has every declared setting, also
    those without a field here, with its text and origin.
    """

    iface: tuple[str, ...]
    iface_regex: tuple[str, ...]
    iface_can_reach: IPAddress | None
    iface_cidr: tuple[IPNetwork, ...]
    iface_skip: tuple[str, ...]
    ecmp_iface: tuple[str, ...]
    public_ip: IPv4Address | None
    public_ipv6: IPv6Address | None

    node_name: str
    lease_ttl: int
    state_dir: str
    run_dir: str
    subnet_file: str
    networks: tuple[Further, ...]

    route_table: int
    vrf: str | None
    route_src: tuple[IPAddress, ...]
    route_mtu: int
    route_metric: int
    ipv4_via_ipv6: bool
    own_subnet_route: str
    ip_blackhole_route: bool
    unassigned_route: str
    audit_interval: float
    removal_grace: float
    removal_hold: float
    withdraw_states: tuple[str, ...]
    withdraw_after: float
    withdraw_floor: float

    ip_masq: bool
    ip_masq_fully_random_disable: bool
    ip_masq_nodes: bool
    non_masquerade_cidr: tuple[IPNetwork, ...]
    flush_conntrack: bool
    iptables_forward_rules: bool
    iptables_resync: int

    mtu: int
    cni_conf: str
    cni_conf_mode: int
    cni_network: str
    cni_attachment: str
    cni_bridge: str
    cni_chain: tuple[str, ...]
    cni_bin_dir: tuple[str, ...]

    probe: bool
    probe_port: int
    probe_rate: int

    fix_sysctls: bool
    managed_neighbours: str

    http_address: Listen | None
    http_certfile: str
    http_keyfile: str
    http_cafile: str
    healthz_ip: IPAddress
    healthz_port: int

    log_level: str
    log_format: str
    check: bool

    warnings: tuple[Problem, ...] = ()
    provenance: Mapping[str, Value] = field(default_factory=dict, repr=False)

    @property
    def served(self) -> Mapping[str, Settings]:
        """The settings for each network, by its name.

        Those of the first are these; a further one has its own prefix, state and files.
        """
        found = {FIRST: self}
        for name, prefix in (*prefixes(self.etcd_prefix, self.networks),)[1:]:
            found[name] = replace(
                self,
                etcd_prefix=prefix,
                state_dir=f"{self.state_dir}/networks/{name}",
                subnet_file=_beside(self.subnet_file, f"networks/{name}.env"),
                cni_conf=_beside(self.cni_conf, f"99-hostgw-{name}.conflist"),
                cni_network=f"{self.cni_network}-{name}",
                cni_bridge=f"cni-{name}",
            )
        return found

    @property
    def own_route(self) -> str:
        """What becomes of packets to our own subnet: flannel's flag counts where ours is unset."""
        ours = self.provenance.get("own-subnet-route")
        asked = self.ip_blackhole_route and not (ours is not None and ours.given)
        return "blackhole" if asked else self.own_subnet_route

    @property
    def healthz(self) -> Listen | None:
        """Where flannel would serve its health, if it is asked for."""
        return Listen(str(self.healthz_ip), self.healthz_port) if self.healthz_port else None


def _beside(path: str, other: str) -> str:
    """Give a path in the same folder; "" where there is none."""
    return f"{path.rpartition('/')[0]}/{other}" if path else ""


def asked(argv: Sequence[str]) -> str:
    """Give "help" or "version" if the command line asks for it, else "". Never raises."""
    return asked_for(PROGRAM, argv)


def parse(
    argv: Sequence[str], environ: Mapping[str, str], read_file: Callable[[str], bytes]
) -> Settings:
    """Read the settings of hostgwd.

    `argv` is without the program's name; `read_file` gives the bytes of the file that --config
    names, or raises OSError. Raise SettingsError, which carries every problem at once.
    """
    parsed = read(PROGRAM, argv=argv, environ=environ, read_file=read_file)
    values = dict(parsed.values)
    values["log-level"] = logs.effective_level(values["log-level"], values["v"])
    taken: dict[str, Any] = {
        name: values[name.replace("_", "-")].value
        for name in (each.name for each in fields(Settings))
        if name not in ("warnings", "provenance")
    }
    tls = any(taken[name] for name in ("etcd_cafile", "etcd_certfile"))
    taken["etcd_endpoints"] = etcd.with_scheme(taken["etcd_endpoints"], tls=tls)
    return Settings(**taken, warnings=parsed.warnings, provenance=MappingProxyType(values))


def describe(settings: Settings) -> list[tuple[str, str, str]]:
    """Give (name, value as it is written, origin) of every setting, secrets masked."""
    return [(name, value.text, str(value.origin)) for name, value in settings.provenance.items()]


def files(settings: Settings) -> list[tuple[str, str]]:
    """Give (name of the setting, path) of every file that must be readable."""
    names = (
        *("etcd-cafile", "etcd-certfile", "etcd-keyfile", "etcd-password-file"),
        *("http-certfile", "http-keyfile", "http-cafile"),
    )
    paths = [(name, str(settings.provenance[name].value)) for name in names]
    return [(name, path) for name, path in paths if path]
