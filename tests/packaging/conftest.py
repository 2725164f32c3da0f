"""What packaging tests share: the wheel of this checkout, a Debian with it, and a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.debian_tree import ROOT, build_wheel, debian_tree, wheels
from support.machine import Machine, installed
from support.netns_fixtures import Lan
from support.service_site import ServiceSite


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the wheel that `pip wheel` makes of this checkout."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def debian() -> Path:
    """Give the root of a Debian tree, to be read only."""
    return debian_tree()


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory, debian: Path, wheel: Path) -> Path:
    """Give a clean environment with the wheel, which belongs at /opt/hostgw in the tree."""
    folder = tmp_path_factory.mktemp("opt") / "hostgw"
    installed(debian, wheel, wheels(), folder)
    return folder


@pytest.fixture
def site(
    debian: Path, environment: Path, lan: Callable[[int], Lan], tmp_path: Path
) -> Iterator[ServiceSite]:
    """Give a machine where hostgw is installed as docs/installing.md says, and not started."""
    host, other = lan(2).hosts
    binds = {
        "/opt/hostgw": environment,
        "/etc/sysusers.d/hostgw.conf": ROOT / "systemd/sysusers.d/hostgw.conf",
        "/etc/iproute2/rt_protos.d/hostgw.conf": ROOT / "systemd/rt_protos.d/hostgw.conf",
    }
    for unit in ("hostgwd.service", "hostgw-controller.service"):
        binds[f"/etc/systemd/system/{unit}"] = ROOT / "systemd" / unit
    machine = Machine(debian, tmp_path / "machine", binds=binds, network=host.path).boot()
    made = ServiceSite(machine, host, other, tmp_path)
    try:
        machine.run("systemd-sysusers")
        settings = "HOSTGW_ETCD_ENDPOINTS=http://192.168.50.2:2379\n"
        machine.write("/etc/default/hostgwd", settings + "HOSTGW_IFACE=eth0\nHOSTGW_IP_MASQ=true\n")
        machine.write("/etc/default/hostgw-controller", settings)
        yield made
    finally:
        machine.stop()
        if made.etcd is not None:
            made.etcd.kill()
            made.etcd.wait()
