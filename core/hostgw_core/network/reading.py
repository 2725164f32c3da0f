"""A configuration is understood whole or not at all, and then every reason is given at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hostgw_core.keys import quoted
from hostgw_core.model import HOST_GW, ClusterConfig, Refusal
from hostgw_core.network.fields import Fields, Notes, read_fields, shown
from hostgw_core.network.pool import IPV4, IPV6, is_on, read_pool
from hostgw_core.store import Entry


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of a configuration: the network, or every reason why there is none.

    `remarks` hinder nothing, but somebody who writes a configuration wants to know them.
    """

    config: ClusterConfig | None
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@lru_cache(maxsize=4)  # it is asked for with every change of any lease, and hardly ever changes
def config_of(entry: Entry) -> ClusterConfig | Refusal:
    """Read the configuration's key, or refuse it: `bad_config`, with the first of its problems."""
    source = quoted(entry.key).strip("'")
    reading = read_config(entry.value, source=source, revision=entry.modified)
    if reading.config is not None:
        return reading.config
    detail, *more = reading.problems
    if more:
        detail += f" (and {len(more)} more: see `hostgwctl config validate`)"
    return Refusal(entry.key, "bad_config", detail)


def read_config(value: bytes, *, source: str, revision: int = 0) -> Reading:
    """Read a configuration that lies at `source`, a key or the name of a file."""
    notes = Notes(source)
    fields = read_fields(value, notes)
    config = None
    if fields is not None:
        _check_backend(fields)
        ipv4_on, ipv6_on = is_on(fields, IPV4), is_on(fields, IPV6)
        if not (ipv4_on or ipv6_on):
            notes.problem("EnableIPv4 and EnableIPv6 are both false", "enable one of them")
        ipv4 = read_pool(fields, IPV4, on=ipv4_on)
        ipv6 = read_pool(fields, IPV6, on=ipv6_on)
        if not notes.problems:
            config = ClusterConfig(ipv4, ipv6, revision)
            _remark_on_sizes(config, notes)
    return Reading(config, tuple(notes.problems), tuple(notes.remarks))


def _check_backend(fields: Fields) -> None:
    cure = f'write "Backend": {{"Type": "{HOST_GW}"}}'
    if "Backend" not in fields:
        fields.notes.problem("there is no Backend, which means udp to flannel", cure)
        return
    backend = fields.values["Backend"]
    if not isinstance(backend, dict):
        fields.notes.problem(f"Backend is {shown(backend)}", cure)
        return
    kind: Any = ""
    for name, value in backend.items():
        if name.casefold() == "type":
            kind = value
        else:
            fields.notes.remark(f"Backend has {quoted(name)}, which means nothing to {HOST_GW}")
    # flannel lowers the case of the type before it looks it up (pkg/backend/manager.go).
    if not isinstance(kind, str) or kind.lower() != HOST_GW:
        fields.notes.problem(f"Backend.Type is {shown(kind)}, and only {HOST_GW} is known", cure)


def _remark_on_sizes(config: ClusterConfig, notes: Notes) -> None:
    ipv4, ipv6 = config.ipv4, config.ipv6
    if ipv4 is not None and ipv6 is not None and ipv6.size < ipv4.size:
        notes.remark(
            f"only {ipv6.size} of {ipv4.size} IPv4 subnets can be leased, because a lease takes an"
            " IPv6 subnet too"
        )
