"""Container images without a registry: a base made of the Debian tree, and what is built upon it.

Layers are kept in `.build/images`, so that the base is made once. Each build has a tag of its own
and is removed afterwards.
"""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.debian_tree import CACHE, ROOT, alone

STORE = CACHE / "images"


def _buildah(*arguments: str, timeout: float = 600) -> str:
    place = ["--root", str(STORE), "--runroot", str(STORE / "run"), "--storage-driver", "overlay"]
    done = subprocess.run(
        ["buildah", *place, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def base_image(tree: Path) -> str:
    """Give the name of an image that holds the tree and nothing else."""
    name = f"localhost/{tree.name}"
    with alone("images.lock"):
        if name not in _buildah("images", "--format", "{{.Name}}").split():
            container = _buildah("from", "scratch").strip()
            _buildah("add", "--quiet", container, str(tree), "/")
            _buildah("commit", "--quiet", "--rm", container, name)
    return name


@dataclass(frozen=True)
class Image:
    """An image and a container of it to look into."""

    name: str
    container: str

    def run(self, *argv: str) -> str:
        """Run a command in the container and give what it prints."""
        return _buildah("run", "--isolation", "chroot", self.container, "--", *argv)

    @property
    def config(self) -> dict[str, Any]:
        """What the image says about itself."""
        config: dict[str, Any] = json.loads(_buildah("inspect", self.container))["OCIv1"]["config"]
        return config

    @property
    def size(self) -> str:
        """How large it is, base included."""
        return _buildah("images", "--format", "{{.Size}}", self.name).strip()


@contextmanager
def built(
    base: str, *, volumes: Mapping[str, Path], arguments: Sequence[str] = ()
) -> Iterator[Image]:
    """Build the Dockerfile of this checkout on a base; the image is gone afterwards.

    `volumes` are seen while it is built and are no part of it: how the tools of a machine reach
    their packages is that machine's affair.
    """
    name = f"localhost/hgt-{secrets.token_hex(4)}"
    mounts = [f"--volume={source}:{place}:ro" for place, source in volumes.items()]
    _buildah(
        *("bud", "--isolation", "chroot", "--pull-never", "--tag", name),
        *("--build-arg", f"BASE={base}", *mounts, *arguments, str(ROOT)),
    )
    container = ""
    try:
        container = _buildah("from", "--pull-never", name).strip()
        yield Image(name, container)
    finally:
        if container:
            _buildah("rm", container)
        _buildah("rmi", name)
