"""`hostgwctl` as an operator types it, beside a daemon."""

from __future__ import annotations

import os
import subprocess
import sys

from support.daemon import Daemon


def hold(daemon: Daemon, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `hostgwctl hold` for a daemon."""
    argv = [sys.executable, "-P", "-m", "hostgw_cli", "hold", *words]
    socket = str(daemon.run_dir / "hostgwd.sock")
    return subprocess.run(
        argv,
        env={**os.environ, "HOSTGW_SOCKET": socket},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
