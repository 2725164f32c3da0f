"""The daemon's settings, read from flags, an environment and a file that a test writes."""

from __future__ import annotations

from collections.abc import Mapping

from hostgw_daemon.settings import Settings, parse


def parsed(
    *argv: str, environ: Mapping[str, str] | None = None, file: str | None = None
) -> Settings:
    """Read settings; without `file` no file can be read."""

    def read_file(path: str) -> bytes:
        if file is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        return file.encode()

    return parse(argv, environ or {}, read_file)
