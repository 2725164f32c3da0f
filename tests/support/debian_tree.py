"""A small Debian, made once and kept in `.build/`: what the machines and images of tests stand on.

It is only ever read. Whoever needs to write lays an overlay over it, so that any number of runs may
use it at once. Its name carries a digest of what it is made of: a changed list is another tree.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".build"

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
PACKAGES = (
    "ca-certificates",
    "dbus",
    "iproute2",
    "iptables",
    "nftables",
    "procps",
    "python3",
    "python3-venv",
    "systemd",
    "systemd-sysv",
)


def debian_tree() -> Path:
    """Give the root of the tree. The first time takes about a minute and the network."""

    def make(folder: Path) -> None:
        included = ",".join(PACKAGES)
        _run(["debootstrap", "--variant=minbase", f"--include={included}", SUITE, folder, MIRROR])
        shutil.rmtree(folder / "var/cache/apt/archives")
        (folder / "etc/machine-id").write_text("")

    return _kept(f"debian-{SUITE}", [*PACKAGES, MIRROR], make)


def wheels() -> Path:
    """Give a folder with the wheels of everything that is needed to build hostgw and to run it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed: list[str] = project["project"]["dependencies"] + project["build-system"]["requires"]

    def make(folder: Path) -> None:
        # For the tree's Python, whatever the one is that runs the tests.
        target = ["--only-binary=:all:", "--python-version=3.11", "--dest", folder]
        _run([sys.executable, "-m", "pip", "download", "--quiet", *target, *needed])

    return _kept("wheels", needed, make)


def build_wheel(into: Path) -> Path:
    """Build the wheel of this checkout, with the network out of reach, and give its path."""
    offline = ["--no-index", f"--find-links={wheels()}", "--no-deps"]
    _run([sys.executable, "-m", "pip", "wheel", "--quiet", *offline, "--wheel-dir", into, ROOT])
    (wheel,) = into.glob("hostgw-*.whl")
    return wheel


def _kept(name: str, made_of: Sequence[str], make: Callable[[Path], None]) -> Path:
    """Give the folder of the cache that was made of this, making it whole or not at all."""
    digest = hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:12]
    folder = CACHE / f"{name}-{digest}"
    with alone(f"{name}.lock"):
        if not folder.exists():
            partial = Path(tempfile.mkdtemp(prefix=f"{name}-", suffix=".partial", dir=CACHE))
            partial.chmod(0o755)
            try:
                make(partial)
                partial.rename(folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return folder


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Wait until no other run makes this."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(argv: Sequence[Any]) -> None:
    # What a maintainer's script prints is of interest only when it fails.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        [str(word) for word in argv],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
    assert done.returncode == 0, f"{argv}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
