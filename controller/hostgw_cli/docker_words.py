"""subnet.env in the words of dockerd, and in the file that flannel's mk-docker-opts.sh writes.

Pure. The names, their order, the spaces are those of that script (flannel 0.28, run and looked at),
so that a unit file that reads the file cannot tell who wrote it. The script knows no IPv6; here
dockerd is told of the IPv6 subnet as well, when there is one.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from ipaddress import IPv4Interface, IPv6Interface

PREFIX = "DOCKER_OPT_"
KEY = "DOCKER_OPTS"


def subnet_env(text: str) -> dict[str, str]:
    """Read the assignments of a subnet.env, quoted as a shell would or not. Raise ValueError."""
    found = {}
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        name, equals, value = words[-1].partition("=")
        if not equals or words[:-1] not in ([], ["export"]):
            raise ValueError(f"{line.strip()!r} is no assignment")
        found[name] = value
    return found


def options(env: Mapping[str, str], *, ip_masq: bool = True) -> dict[str, str]:
    """Give dockerd's options by the names of the script. Raise ValueError, a sentence.

    Only one of the two is to masquerade: where hostgwd does, dockerd must not, and the other way
    round. `ip_masq` is false for a docker that is older than that option (1.2).
    """
    found = {}
    if subnet := env.get("FLANNEL_SUBNET"):
        found["BIP"] = f"--bip={IPv4Interface(subnet)}"
    if subnet := env.get("FLANNEL_IPV6_SUBNET"):
        found["IPV6"] = "--ipv6"
        found["FIXED_CIDR_V6"] = f"--fixed-cidr-v6={IPv6Interface(subnet).network}"
    if mtu := env.get("FLANNEL_MTU"):
        if not mtu.isdecimal():
            raise ValueError(f"FLANNEL_MTU={mtu} is no number of bytes")
        found["MTU"] = f"--mtu={mtu}"
    if ip_masq and (ours := env.get("FLANNEL_IPMASQ")):
        if ours not in ("true", "false"):
            raise ValueError(f"FLANNEL_IPMASQ={ours} is neither true nor false")
        found["IPMASQ"] = f"--ip-masq={'false' if ours == 'true' else 'true'}"
    return {PREFIX + name: found[name] for name in sorted(found)}


def with_others(found: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Add the DOCKER_OPT_... of the environment, as the script does; ours prevail."""
    others = {name: text for name, text in environ.items() if name.startswith(PREFIX) and text}
    together = {**others, **found}
    return {name: together[name] for name in sorted(together)}


def file(
    found: Mapping[str, str], *, individual: bool, combined: bool, key: str = KEY, former: str = ""
) -> str:
    """Give the file: a line for each option, and one for all of them under `key`, after `former`.

    Raise ValueError for what would need other quotes than the script's.
    """
    for text in (*found.values(), former):
        if any(mark in text for mark in '"\\\n`$'):
            raise ValueError(f"{text!r} cannot stand between double quotes as it is")
    lines = [f'{name}="{text}"' for name, text in found.items()] if individual else []
    if combined:
        words = [f"{former} " if former else "", *found.values()]
        lines.append(f'{key}="{" ".join(words)}"')
    return "".join(f"{line}\n" for line in lines)
