"""A certificate authority for tests, made with the `openssl` command: no library to install."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class Identity:
    """Three PEM files: whom to trust, who we are, and the proof."""

    ca: Path
    cert: Path
    key: Path


class Authority:
    """Issues certificates that are good for a server and for a client."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.cert, self.key = folder / f"{name}.crt", folder / f"{name}.key"
        subject = ("-subj", f"/CN={name}", "-days", "2")
        openssl("req", "-x509", *CURVE, *subject, "-keyout", self.key, "-out", self.cert)

    def issue(
        self, name: str, *, sans: str = "IP:127.0.0.1,DNS:localhost", days: int = 2
    ) -> Identity:
        """Give a new certificate, its files overwritten where the name was issued before."""
        cert, key, request, extensions = (
            self.folder / f"{name}.{kind}" for kind in ("crt", "key", "csr", "ext")
        )
        extensions.write_text(f"subjectAltName={sans}\nextendedKeyUsage=serverAuth,clientAuth\n")
        openssl("req", *CURVE, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        openssl(
            *("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key),
            *("-CAcreateserial", "-days", str(days), "-extfile", extensions, "-out", cert),
        )
        return Identity(ca=self.cert, cert=cert, key=key)


def openssl_end(certificate: Path) -> float:
    """Give when a certificate ends, as openssl reads it, in seconds since the epoch."""
    said = openssl("x509", "-in", certificate, "-noout", "-enddate", "-dateopt", "iso_8601")
    return datetime.fromisoformat(said.strip().removeprefix("notAfter=")).timestamp()


def openssl(*arguments: str | Path) -> str:
    """Run one openssl command; give what it says."""
    done = subprocess.run(
        ["openssl", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"openssl {arguments}: {done.stderr}"
    return done.stdout
