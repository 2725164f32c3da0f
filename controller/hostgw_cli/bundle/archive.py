"""The archive as bytes: parts without their secrets, and beside them what could not be had."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterable

from hostgw_cli.bundle.gathering import Part
from hostgw_cli.bundle.scrub import scrub

ABSENT = "absent.txt"
"""The file that says what is not in the archive, and why."""


def archive_of(parts: Iterable[Part], *, folder: str, moment: int, known: Iterable[str]) -> bytes:
    """Give a tar.gz with everything in one folder; the moment is in seconds since the epoch."""
    secrets = [*known]
    files: dict[str, str] = {}
    absent: list[str] = []
    for part in parts:
        if part.why:
            absent.append(f"{part.name}: {part.why}")
        else:
            files[part.name] = part.text
    files[ABSENT] = "".join(f"{line}\n" for line in absent) or "nothing: all of it is here\n"
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=moment) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, text in files.items():
            content = scrub(text, secrets).encode()
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mtime, entry.mode = len(content), moment, 0o600
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
