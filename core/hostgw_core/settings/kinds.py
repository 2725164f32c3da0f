"""The kinds of values that settings have: how each is written, and what it becomes.

A kind's `read` raises ValueError with the end of a sentence whose subject is the text ("is not an
address; write ..."). It never repeats the text: only the caller knows whether that is a secret.
`word` stands for the value in the help. `empty` is the value of a setting whose text is empty,
which is allowed exactly where the default is empty too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from hostgw_core.model import Family, IPAddress, IPNetwork
from hostgw_core.settings import goregex, govalues

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """How one sort of value is written. `toml` is the type it may have in a file, beside text."""

    word: str
    read: Callable[[str], T]
    empty: T | None = None
    toml: type | None = None


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that nothing prints: only `reveal` gives it away, and only to the one who needs it."""

    _text: str

    def reveal(self) -> str:
        """Give the text itself."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret(...)" if self._text else "Secret()"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a server listens: an empty host means every address."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def integer(least: int, most: int, word: str = "N") -> Kind[int]:
    """Give the kind of whole numbers from `least` to `most`, both included."""

    def read(text: str) -> int:
        number = govalues.integer(text)
        if not least <= number <= most:
            raise ValueError(f"is out of range; write a whole number from {least} to {most}")
        return number

    return Kind(word, read, toml=int)


def seconds(least: float, most: float) -> Kind[float]:
    """Give the kind of durations, which become seconds, from `least` to `most` seconds."""

    def read(text: str) -> float:
        duration = govalues.duration(text)
        if not least <= duration <= most:
            span = f"{govalues.written(least)} to {govalues.written(most)}"
            raise ValueError(f"is out of range; write a duration from {span}")
        return duration

    return Kind("DURATION", read, toml=int)


def whole_seconds(least: int, most: int) -> Kind[int]:
    """Give the kind of durations that the store counts: whole seconds."""
    fractional = seconds(least, most)

    def read(text: str) -> int:
        duration = fractional.read(text)
        if not duration.is_integer():
            raise ValueError("is no whole number of seconds; write for example 90s")
        return int(duration)

    return Kind("DURATION", read, toml=int)


def _percent(text: str) -> float:
    try:
        number = govalues.integer(text.removesuffix("%"))
    except ValueError:
        number = -1
    if not 0 <= number <= 100:
        raise ValueError("is no share of a hundred; write for example 50%")
    return number / 100


PERCENT: Kind[float] = Kind("PERCENT", _percent, toml=int)
"""The kind of shares: 50% becomes 0.5."""


def address(family: Family | None = None, word: str = "IP") -> Kind[IPAddress]:
    """Give the kind of addresses, of one family or of both."""

    def read(text: str) -> IPAddress:
        right = "192.0.2.10" if family == 4 else "2001:db8::10"
        try:
            parsed = ip_address(text)
        except ValueError:
            raise ValueError(f"is not an IP address; write for example {right}") from None
        if family not in (None, parsed.version):
            raise ValueError(f"is not an IPv{family} address; write for example {right}")
        return parsed

    return Kind(word, read)


def choice(*words: str, also: dict[str, str] | None = None) -> Kind[str]:
    """Give the kind of a few words. `also` maps other spellings to the word they mean."""

    def read(text: str) -> str:
        chosen = (also or {}).get(text, text)
        if chosen not in words:
            raise ValueError(f"is not known here; write {' or '.join(words)}")
        return chosen

    return Kind("|".join(words), read)


def _network(text: str) -> IPNetwork:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError("is not a network; write for example 192.0.2.0/24") from None
    if ip_address(text.partition("/")[0]) != network.network_address:
        raise ValueError(f"has bits set beyond its mask; write {network}")
    return network


def _folder(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError("is not an absolute path; begin it with /")
    return text


def _mode(text: str) -> int:
    if not re.fullmatch(r"0?[0-7]{3}", text):
        raise ValueError("is no mode of a file; write it as chmod takes it, such as 0644")
    return int(text, 8)


def _link(text: str) -> str:
    if not re.fullmatch(r"[^\s/:]{1,15}", text) or text in (".", ".."):
        raise ValueError("is no name of an interface; write 1 to 15 characters, such as cni0")
    return text


def _cni_network(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", text):
        raise ValueError("is no name of a CNI network; write letters, digits, and _ . - after them")
    return text


def _node_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?", text):
        raise ValueError("is not a node name; write letters, digits, dots and dashes, at most 253")
    return text


def _interface(text: str) -> str:
    if re.search(r"[\s/]", text):
        raise ValueError("is neither an interface nor an address; write for example eth0")
    return text


def _prefix(text: str) -> str:
    return re.sub(r"/+", "/", text).rstrip("/")


def _listen(text: str) -> Listen | None:
    if text == "off":
        return None
    host, colon, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        if bare:
            ip_address(bare)
        number = govalues.integer(port)
    except ValueError:
        number = 0
    if not colon or not 1 <= number <= 65535 or (":" in bare and bare == host):
        raise ValueError("is no address to listen on; write :9745, 127.0.0.1:9745, [::1]:9745, off")
    return Listen(bare, number)


def _endpoint(text: str) -> str:
    """Give scheme://host:port, or host:port where the scheme is left to the TLS settings."""
    wrong = "is not an etcd endpoint; write for example http://192.0.2.1:2379"
    try:
        url = urlsplit(text if "://" in text else f"//{text}")
        host, port = url.hostname, url.port
    except ValueError:
        raise ValueError(wrong) from None
    if "@" in url.netloc:
        raise ValueError("carries a user's name; give it as --etcd-username, and the password too")
    if url.scheme not in ("", "http", "https"):
        raise ValueError(f"{wrong}, or https")
    if not host or not re.fullmatch(r"[\w.:%-]+", host) or url.path.strip("/") or url.query:
        raise ValueError(wrong)
    named = f"[{host}]" if ":" in host else host
    return f"{url.scheme}{'://' if url.scheme else ''}{named}:{port or 2379}"


TEXT: Kind[str] = Kind("TEXT", str, "")
SECRET: Kind[Secret] = Kind("TEXT", Secret, Secret(""))
FILE: Kind[str] = Kind("FILE", str, "")
FOLDER: Kind[str] = Kind("FOLDER", _folder, "")
BOOLEAN: Kind[bool] = Kind("", govalues.boolean, toml=bool)
NETWORK: Kind[IPNetwork] = Kind("CIDR", _network)
REGEX: Kind[str] = Kind("REGEX", goregex.translate)
INTERFACE: Kind[str] = Kind("NAME|IP", _interface)
LINK: Kind[str] = Kind("NAME", _link)
MODE: Kind[int] = Kind("MODE", _mode)
CNI_NETWORK: Kind[str] = Kind("NAME", _cni_network)
PATTERN: Kind[str] = Kind("PATTERN", _interface)
NODE_NAME: Kind[str] = Kind("NAME", _node_name, "")
PREFIX: Kind[str] = Kind("KEY", _prefix, "")
ENDPOINT: Kind[str] = Kind("URL", _endpoint)
LISTEN: Kind[Listen | None] = Kind("[IP]:PORT", _listen)
ANYTHING: Kind[Any] = Kind("TEXT", str, "")
