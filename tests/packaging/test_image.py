"""The image: built once from the Dockerfile, on a base made here, and looked into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.debian_tree import ROOT, wheels
from support.images import Image, base_image, built

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def image(debian: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """Build it with no network: wheels from a folder, Debian packages from the base."""
    folder = tmp_path_factory.mktemp("image")
    (folder / "pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheels\n")
    (folder / "sources.list").write_text("")
    volumes = {
        "/wheels": wheels(),
        "/etc/pip.conf": folder / "pip.conf",
        "/etc/apt/sources.list": folder / "sources.list",
    }
    with built(base_image(debian), volumes=volumes) as made:
        yield made


@pytest.mark.parametrize("command", ["hostgwd", "hostgw-controller", "hostgwctl"])
def test_every_command_starts_in_it(image: Image, command: str) -> None:
    """Each program is on the path and tells its version."""
    assert "0.1.0" in image.run(command, "--version")


def test_the_tools_that_the_agent_runs_are_in_it(image: Image) -> None:
    """The rules need nft, and iptables-nft in both families; `ip` names our protocol."""
    assert image.run("nft", "--version").startswith("nftables")
    for tool in ("iptables-nft", "ip6tables-nft"):
        assert image.run(tool, "--version").endswith("(nf_tables)\n")
    assert "104\thostgw" in image.run("cat", "/etc/iproute2/rt_protos.d/hostgw.conf")


def test_nothing_that_builds_is_left_in_it(image: Image) -> None:
    """Neither sources nor an installer are in what runs."""
    assert image.run("sh", "-c", "ls -d /src /tools /opt/hostgw/bin/pip* 2>/dev/null || true") == ""


def test_it_starts_the_agent_of_the_same_place_as_the_unit(image: Image) -> None:
    """One installation, /opt/hostgw, with and without containers."""
    unit = (ROOT / "systemd/hostgwd.service").read_text()
    (program,) = image.config["Entrypoint"]
    assert f"ExecStart={program}" in unit.splitlines()
    assert image.config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
