"""Where etcd is and who we are to it, as one frozen value; nothing here touches disk or network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit

from hostgw_core.settings.etcd import Given

_PORT = 2379


@dataclass(frozen=True, slots=True)
class EtcdSettings:
    """How to reach etcd. A secret is in no text and no repr of it.

    `endpoints` are URLs; one without a scheme is https if `ca` or `cert` is given, one without a
    port has 2379. `discovery_srv` is a DNS domain whose SRV records replace them. `ca`, `cert` and
    `key` are paths of PEM files (empty: the system's CAs, no client certificate), watched for
    changes; `password_file` is read at each login. `timeout` is in seconds, for one verb.
    """

    endpoints: tuple[str, ...] = ("http://127.0.0.1:2379",)
    discovery_srv: str = ""
    ca: str = ""
    cert: str = ""
    key: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    password_file: str = ""
    timeout: float = 5.0

    @classmethod
    def of(cls, given: Given) -> EtcdSettings:
        """Take them from the settings of a program."""
        return cls(
            endpoints=given.etcd_endpoints,
            discovery_srv=given.etcd_discovery_srv,
            ca=given.etcd_cafile,
            cert=given.etcd_certfile,
            key=given.etcd_keyfile,
            username=given.etcd_username,
            password=given.etcd_password.reveal(),
            password_file=given.etcd_password_file,
            timeout=given.etcd_request_timeout,
        )

    @property
    def tls(self) -> bool:
        """Tell whether an endpoint without a scheme means https."""
        return bool(self.ca or self.cert)

    def parsed(self) -> tuple[Endpoint, ...]:
        """Give the endpoints, understood. Raise ValueError with a sentence."""
        return tuple(Endpoint.parse(text, tls=self.tls) for text in self.endpoints)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One member's client URL."""

    host: str
    port: int
    tls: bool

    @classmethod
    def parse(cls, text: str, *, tls: bool = False) -> Endpoint:
        """Read `scheme://host:port`; raise ValueError with a sentence."""
        url = urlsplit(text if "://" in text else f"{'https' if tls else 'http'}://{text}")
        try:
            host, port = url.hostname, url.port
        except ValueError as error:
            raise ValueError(f"the etcd endpoint {text!r} has no valid port ({error})") from error
        if url.scheme not in {"http", "https"} or not host or "@" in url.netloc:
            raise ValueError(f"the etcd endpoint {text!r} is not like https://10.0.0.1:2379")
        return cls(host, port or _PORT, url.scheme == "https")

    @property
    def target(self) -> str:
        """The same in gRPC's words; an address needs no resolver."""
        try:
            version = ip_address(self.host).version
        except ValueError:
            return f"dns:///{self.host}:{self.port}"
        return f"ipv4:{self.host}:{self.port}" if version == 4 else f"ipv6:{self._authority}"

    @property
    def _authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self._authority}"


class Observer(Protocol):
    """Who wants to count: called in the event loop, must not raise."""

    def request(self, op: str, result: str, seconds: float) -> None:
        """One verb of the port has ended: "ok", "lost" (a commit), or the name of its error."""

    def endpoint(self, name: str) -> None:
        """Tell that the next requests go to this endpoint."""

    def certificates(self, ends: Mapping[str, float]) -> None:
        """Tell when `cert` and `ca` end, in seconds since the epoch, if they are there."""


class Unobserved:
    """An observer that looks away."""

    def request(self, op: str, result: str, seconds: float) -> None:
        """Count nothing."""

    def endpoint(self, name: str) -> None:
        """Note nothing."""

    def certificates(self, ends: Mapping[str, float]) -> None:
        """Look at no clock."""
