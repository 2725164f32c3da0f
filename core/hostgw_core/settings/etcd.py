"""The settings of every program that speaks to etcd, with flannel's names, and their rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hostgw_core.settings import kinds
from hostgw_core.settings.declare import Check, Setting, Value
from hostgw_core.settings.kinds import Secret

SETTINGS = (
    Setting(
        name="etcd-endpoints",
        kind=kinds.ENDPOINT,
        separator=",",
        default="http://127.0.0.1:4001,http://127.0.0.1:2379",
        flannel=True,
        help="The members of etcd, separated by commas. Without a scheme, https where a "
        "certificate or a CA is given, else http; without a port, 2379.",
    ),
    Setting(
        name="etcd-discovery-srv",
        kind=kinds.TEXT,
        help="Find the members of etcd by the DNS SRV records of this domain "
        "(_etcd-client-ssl._tcp, then _etcd-client._tcp), instead of --etcd-endpoints.",
    ),
    Setting(
        name="etcd-prefix",
        kind=kinds.PREFIX,
        default="/coreos.com/network",
        flannel=True,
        help="The key under which the cluster's configuration and leases are.",
    ),
    Setting(
        name="etcd-cafile",
        kind=kinds.FILE,
        flannel=True,
        help="The CA that signed etcd's certificate (PEM); without it, the system's CAs.",
    ),
    Setting(
        name="etcd-certfile",
        kind=kinds.FILE,
        flannel=True,
        help="The client certificate for etcd (PEM). A changed file is read again.",
    ),
    Setting(
        name="etcd-keyfile",
        kind=kinds.FILE,
        flannel=True,
        help="The key of the client certificate (PEM).",
    ),
    Setting(
        name="etcd-username",
        kind=kinds.TEXT,
        flannel=True,
        help="The user at etcd.",
    ),
    Setting(
        name="etcd-password",
        kind=kinds.SECRET,
        secret=True,
        flannel=True,
        help="The user's password. On a command line every user of the host can read it: rather "
        "use --etcd-password-file.",
    ),
    Setting(
        name="etcd-password-file",
        kind=kinds.FILE,
        help="A file with the user's password, and nothing else; a last newline is not part of it.",
    ),
    Setting(
        name="etcd-request-timeout",
        kind=kinds.seconds(0.1, 300),
        default="5s",
        help="How long one request to etcd may take before another member is asked.",
    ),
)


def _both(certificate: Value, key: Value) -> str:
    if bool(certificate.value) == bool(key.value):
        return ""
    present, missing = ("etcd-certfile", "etcd-keyfile")[:: 1 if certificate.value else -1]
    return f"{present} is given and {missing} is not; a client certificate needs both"


def _password(user: Value, password: Value, file: Value) -> str:
    if user.value and not (password.value or file.value):
        return "has no password; give etcd-password-file or etcd-password too"
    return ""


def _user(password: Value, file: Value, user: Value) -> str:
    if (password.value or file.value) and not user.value:
        return "a password without a user means nothing; give etcd-username too"
    return ""


def _one_password(password: Value, file: Value) -> str:
    if password.value and file.value:
        return "etcd-password and etcd-password-file are both given; leave one out"
    return ""


def _visible(password: Value) -> str:
    if password.value and password.origin.source == "flag":
        return (
            "every user of this host can read it in the list of processes; use etcd-password-file"
        )
    return ""


def _one_way(endpoints: Value, domain: Value) -> str:
    if endpoints.given and domain.value:
        return "etcd-endpoints and etcd-discovery-srv are both given; leave one out"
    return ""


def _plain(endpoints: Value, domain: Value, *files: Value) -> str:
    plain = all(endpoint.startswith("http://") for endpoint in endpoints.value)
    if plain and not domain.value and any(file.value for file in files):
        return (
            "every endpoint is http, so that etcd-cafile, etcd-certfile and etcd-keyfile "
            "are not used; write https"
        )
    return ""


def _rooted(prefix: Value) -> str:
    if prefix.value and not prefix.value.startswith("/"):
        return f"does not begin with /; the keys are {prefix.value}/..., as flannel's would be"
    return ""


CHECKS = (
    Check(("etcd-certfile", "etcd-keyfile"), _both),
    Check(("etcd-username", "etcd-password", "etcd-password-file"), _password),
    Check(("etcd-password", "etcd-password-file", "etcd-username"), _user, warning=True),
    Check(("etcd-password", "etcd-password-file"), _one_password),
    Check(("etcd-password",), _visible, warning=True),
    Check(("etcd-endpoints", "etcd-discovery-srv"), _one_way),
    Check(
        ("etcd-endpoints", "etcd-discovery-srv", "etcd-cafile", "etcd-certfile", "etcd-keyfile"),
        _plain,
        warning=True,
    ),
    Check(("etcd-prefix",), _rooted, warning=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """These settings as a program takes them: texts are empty where nothing was given."""

    etcd_endpoints: tuple[str, ...]
    etcd_discovery_srv: str
    etcd_prefix: str
    etcd_cafile: str
    etcd_certfile: str
    etcd_keyfile: str
    etcd_username: str
    etcd_password: Secret
    etcd_password_file: str
    etcd_request_timeout: float


def taken(values: Mapping[str, Any]) -> Given:
    """Take them by name from what was read, the endpoints as whole URLs."""
    ours = {setting.name.replace("-", "_"): values[setting.name] for setting in SETTINGS}
    tls = bool(ours["etcd_cafile"] or ours["etcd_certfile"])
    return Given(**{**ours, "etcd_endpoints": with_scheme(ours["etcd_endpoints"], tls=tls)})


def with_scheme(endpoints: Iterable[str], *, tls: bool) -> tuple[str, ...]:
    """Give whole URLs: an endpoint without a scheme is https if there is anything to speak it with.

    etcd's own client decides so (clientv3, an endpoint without a scheme).
    """
    scheme = "https" if tls else "http"
    return tuple(
        endpoint if "://" in endpoint else f"{scheme}://{endpoint}" for endpoint in endpoints
    )
