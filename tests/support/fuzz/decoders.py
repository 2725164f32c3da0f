"""The decoders that are fuzzed, and what must be true of whatever they give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from hostgw_core.keys import Keys
from hostgw_core.model import ClusterConfig, Lease, Presence, Refusal, Subnets
from hostgw_core.network import Reading, config_of, read_config
from hostgw_core.records import (
    Reservation,
    Status,
    lease_of,
    presence_of,
    reservation_of,
    status_of,
    usable_gateway,
)
from hostgw_core.settings.goflags import Piece, cut
from hostgw_core.store import Entry
from hostgw_daemon.disk.identity import Identity, machine_id
from hostgw_daemon.disk.memory import Memory, decode
from hostgw_daemon.disk.subnetfile import parse_subnet_env

KEYS: Final = Keys("/p")
V4, V6 = b"subnets/10.5.1.0-24", b"hostgw/subnets6/fd00:5::-64"
GOOD: Final = b'{"PublicIP":"192.0.2.1","BackendType":"host-gw","Node":"n","NodeID":"i"}'
LONGEST_SENTENCE: Final = 2000
REASONS: Final = {
    *("malformed_key", "malformed_value", "other_backend", "bad_address", "bad_config"),
}


@dataclass(frozen=True, slots=True)
class Decoder:
    """`read` gives everything that an input was understood as; `words` are worth to be tried."""

    name: str
    read: Callable[[bytes], Sequence[object]]
    words: Sequence[bytes]

    def check(self, given: Sequence[object]) -> None:
        """Raise AssertionError for anything that is neither a value nor a bounded reason."""
        for each in given:
            _check(each)

    def bound(self, data: bytes) -> int:
        """Give the number of steps in which an input must have been read."""
        return 3000 + 12 * len(data)


def _check(given: object) -> None:
    match given:
        case Refusal():
            assert given.reason in REASONS, given.reason
            _check_sentence(given.detail)
        case Lease():
            assert given.node.isprintable()
            assert given.node_id.isprintable()
            assert any(given.subnets)
            for subnet in given.subnets:
                gateway = given.gateways.of(subnet.version)
                assert gateway is None or usable_gateway(gateway), gateway
        case Presence():
            assert f"{given.node}{given.instance}{given.addresses}".isprintable()
            assert len(str(given.addresses)) < 100
        case Status():
            assert f"{given.boot_id}{given.version}".isprintable()
            assert all(code.isprintable() for code in given.conditions)
            assert sum(map(len, given.conditions)) < LONGEST_SENTENCE * 10
        case Reading():
            for sentence in (*given.problems, *given.remarks):
                _check_sentence(sentence)
        case str():
            _check_sentence(given)
        case Reservation() | ClusterConfig() | Subnets() | Memory() | Identity() | Piece() | None:
            pass
        case _:
            raise AssertionError(f"{given!r} is no value that a decoder gives")


def _check_sentence(sentence: str) -> None:
    assert 0 < len(sentence) <= LONGEST_SENTENCE, (len(sentence), sentence[:200])
    assert sentence.isprintable(), sentence


def _keys(data: bytes) -> Sequence[object]:
    spans = (KEYS.subnets, KEYS.subnets6, KEYS.reservations, KEYS.nodes)
    entries = [Entry(key, GOOD, 1, 2, 3, 4) for key in (data, *(s.start + data for s in spans))]
    return [read(KEYS, e) for e in entries for read in (lease_of, reservation_of, presence_of)]


def _lease(data: bytes) -> Sequence[object]:
    entries = [Entry(b"/p/" + name, data, 1, 2, 3, 4) for name in (V4, V6, V4 + b"&fd00:5::-64")]
    return [lease_of(KEYS, each, any_backend=some) for each in entries for some in (False, True)]


def _presence(data: bytes) -> Sequence[object]:
    entry = Entry(KEYS.node("n"), data, 1, 2, 3, 4)
    return [presence_of(KEYS, entry), status_of(entry)]


def _reservation(data: bytes) -> Sequence[object]:
    return [reservation_of(KEYS, Entry(KEYS.reservations.start + b"10.5.1.0-24", data, 1, 2, 3, 4))]


def _config(data: bytes) -> Sequence[object]:
    return [config_of(Entry(KEYS.config, data, 1, 2, 3, 4)), read_config(data, source="F")]


def _identity(data: bytes) -> Sequence[object]:
    identifier = machine_id(data.decode("ascii", errors="replace"))
    assert len(identifier) in (0, 32)
    return [Identity.decode(data)]


def _flags(data: bytes) -> Sequence[object]:
    words = data.decode(errors="surrogateescape").split("\0")
    return cut(words, flags={"iface", "v", "ip-masq"}, booleans={"ip-masq"})


_JSON = (b'":', b'"', b"{", b"}", b"[]", b",", b"true", b"null", b'"Node":"n"', b'"NodeID":"i"')
DECODERS: Final = (
    Decoder("keys", _keys, (b"-24", b".", b"&", b"fd00::-64", b"::", b"/p/subnets/", b"10.5.1.0")),
    Decoder("lease", _lease, (*_JSON, b'"PublicIP":', b'"publicipv6":', b'"host-gw"', b'"::1"')),
    Decoder("presence", _presence, (*_JSON, b'"Addresses":["fe80::1"]', b'"Subnets":["::/0"]')),
    Decoder("reservation", _reservation, _JSON),
    Decoder("config", _config, (*_JSON, b'"SubnetLen":', b'"IPv6Network":"::/0"', b'"Backend":{}')),
    Decoder("memory", lambda data: [decode(data)], (*_JSON, b'"ipv4":', b'"version":', b'"at":')),
    Decoder("identity", _identity, (b"\n", b"-", b"{", b"urn:uuid:", b"0123456789abcdef")),
    Decoder(
        "subnet-env",
        lambda data: [parse_subnet_env(data)],
        (b"FLANNEL_SUBNET=", b"FLANNEL_IPV6_SUBNET=", b"export ", b"/24", b"\n", b"'", b"%"),
    ),
    Decoder("flags", _flags, (b"\0", b"--", b"-", b"=", b"iface", b"v", b"ip-masq")),
)
