"""Until when certificates are good, read from their own bytes: Python's ssl tells it of CAs alone.

RFC 5280: a certificate is a SEQUENCE whose first element is a SEQUENCE of, among others, the
validity: two times. Nothing is verified here, and what cannot be read is left out.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_VERSION, _UTC_TIME, _GENERALIZED_TIME = 0xA0, 0x17, 0x18  # tags


def good_until(pem: bytes | None) -> tuple[float, ...]:
    """Give when each certificate of a PEM file ends, in its order, in seconds since the epoch."""
    found = []
    for block in _PEM.findall(pem or b""):
        try:
            found.append(_end(b64decode(block)))
        except (binascii.Error, ValueError, IndexError):
            continue
    return tuple(found)


def _end(der: bytes) -> float:
    ((_, certificate),) = _elements(der)
    (_, signed), *_ = _elements(certificate)
    fields = [field for tag, field in _elements(signed) if tag != _VERSION]
    # serial number, algorithm, issuer, validity
    _, (tag, text) = _elements(fields[3])
    if tag not in (_UTC_TIME, _GENERALIZED_TIME):
        raise ValueError("that is no time")
    digits = text.decode("ascii")
    if tag == _UTC_TIME:  # two digits of a year, of the century from 1950 on
        digits = ("19" if digits >= "5" else "20") + digits
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Give the tag and the content of each element."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:  # so many bytes hold the length
            size = length & 0x7F
            length, at = int.from_bytes(der[at : at + size], "big"), at + size
        if at + length > len(der):
            raise ValueError("an element goes on behind its end")
        yield tag, der[at : at + length]
        at += length
