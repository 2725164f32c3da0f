"""Reading when certificates end: whatever a file holds, and what openssl says of it."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostgw_core.etcd.validity import good_until
from support.certificates import openssl, openssl_end


def pem(der: bytes) -> bytes:
    """Wrap bytes as a certificate is wrapped."""
    content = b64encode(der)
    return b"-----BEGIN CERTIFICATE-----\n" + content + b"\n-----END CERTIFICATE-----\n"


@given(st.binary(max_size=200))
def test_any_bytes_are_no_certificate_and_no_error(content: bytes) -> None:
    """What cannot be read is left out."""
    assert good_until(content) == () == good_until(pem(content))


@given(st.binary(max_size=60), st.integers(0, 255))
def test_a_damaged_certificate_raises_nothing(content: bytes, length: int) -> None:
    """Lengths that lie lead nowhere."""
    damaged = bytes([0x30, length, 0x30, len(content)]) + content
    assert all(isinstance(end, float) for end in good_until(pem(damaged)))


@pytest.mark.parametrize("days", [1, 300, 12_000, 40_000])
def test_it_is_what_openssl_says(tmp_path: Path, days: int) -> None:
    """Both forms of a time: two digits of a year until 2049, four from then on."""
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x")
    openssl("req", "-x509", *new, "-days", str(days), "-keyout", key, "-out", certificate)
    content = certificate.read_bytes()
    end = openssl_end(certificate)
    assert good_until(content) == (end,)
    assert good_until(b"words before it\n" + content + pem(b"damaged") + content) == (end, end)
    assert good_until(None) == ()
