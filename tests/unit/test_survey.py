"""What the files of a host tell, read from a tree made for the test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hostgw_daemon.host.facts import Around
from hostgw_daemon.host.findings import Sysctl
from hostgw_daemon.host.survey import Survey
from hostgw_daemon.host.sysctls import Changed, Sysctls
from support.host_facts import UPLINK
from support.silent_inspector import SilentInspector

FORWARD = Sysctl("net/ipv4/ip_forward", 1)
NETWORKD = "run/systemd/netif/links/2"
FIRST = {"proc/sys/net/ipv4/neigh/default/gc_thresh3": "1024\n"}
CONFIGURED = {**FIRST, NETWORKD: "ADMIN_STATE=configured\nOPER_STATE=routable\n"}
NO = "[Network]\nManageForeignRoutes=no\n"

Tree = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Make a root folder with these files."""

    def make(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return make


def around(root: Path, **environ: str) -> Around:
    """Read the files of this tree."""
    sysctls = Sysctls(root / "proc/sys")
    return Survey(SilentInspector(), sysctls, environ=environ, root=root).around(UPLINK)


def test_where_there_is_no_file_nothing_is_said(tree: Tree):
    """A container, for example."""
    assert around(tree({})) == Around(bridged={4: None, 6: None})


def test_sysctls_are_read(tree: Tree):
    """Those that no message tells of."""
    files = {
        "proc/sys/net/bridge/bridge-nf-call-iptables": "1\n",
        "proc/sys/net/bridge/bridge-nf-call-ip6tables": "0\n",
        "proc/sys/net/ipv6/conf/eth0/accept_ra": "1\n",
    }
    assert around(tree(files)) == Around(bridged={4: True, 6: False}, accept_ra=1)


@pytest.mark.parametrize(
    ("files", "flushes"),
    [
        (CONFIGURED, True),
        ({**CONFIGURED, "etc/systemd/networkd.conf.d/hostgw.conf": NO}, False),
        ({**CONFIGURED, "run/systemd/networkd.conf.d/hostgw.conf": NO}, False),
        ({**CONFIGURED, "usr/lib/systemd/networkd.conf": NO}, False),
        ({**CONFIGURED, "usr/lib/systemd/networkd.conf.d/hostgw.conf.off": NO}, True),
        (
            {**CONFIGURED, "etc/systemd/networkd.conf": "", "usr/lib/systemd/networkd.conf": NO},
            True,
        ),
        (
            {
                **CONFIGURED,
                "etc/systemd/networkd.conf.d/hostgw.conf": "",
                "usr/lib/systemd/networkd.conf.d/hostgw.conf": NO,
            },
            True,
        ),
        ({**FIRST, NETWORKD: "ADMIN_STATE=unmanaged\n"}, False),
        (FIRST, False),
        ({NETWORKD: "ADMIN_STATE=configured\n"}, False),  # another namespace: another link 2
    ],
)
def test_networkd_flushes_where_it_configures_the_uplink(
    tree: Tree, files: Mapping[str, str], flushes: bool
):
    """Unless its configuration says no, in the file that counts."""
    assert around(tree(files)).flushes is flushes


def test_networkmanager_is_asked_where_it_runs(tree: Tree):
    """In the first namespace alone; what it leaves alone is read from all of its folders."""
    alone = "[keyfile]\nunmanaged-devices+=interface-name:"
    files = {
        "usr/lib/NetworkManager/conf.d/10.conf": f"{alone}a\n",
        "etc/NetworkManager/NetworkManager.conf": f"{alone}b\n",
        "etc/NetworkManager/conf.d/20.conf": f"{alone}c\n",
    }
    assert around(tree({**files, **FIRST})).left_alone is None
    root = tree({"run/NetworkManager/conf.d/15.conf": f"{alone}d\n"})
    names = [f"interface-name:{name}" for name in "adbc"]
    assert around(root).left_alone == tuple(names)
    (root / "proc/sys/net/ipv4/neigh/default/gc_thresh3").unlink()
    assert around(root).left_alone is None


def test_kubernetes_is_seen_by_its_folder_or_its_variable(tree: Tree):
    """The folder of the host's kubelet, in the first namespace; a pod has the variable."""
    root = tree({**FIRST, "var/lib/kubelet/config.yaml": ""})
    assert around(root).kubernetes
    (root / "proc/sys/net/ipv4/neigh/default/gc_thresh3").unlink()
    assert not around(root).kubernetes
    assert around(root, KUBERNETES_SERVICE_HOST="10.96.0.1").kubernetes


def test_a_sysctl_is_written_and_what_it_was_is_told(tree: Tree):
    """Once: what says so already is not written again."""
    root = tree({"net/ipv4/ip_forward": "0\n"})
    sysctls = Sysctls(root)
    assert sysctls.write(FORWARD) == Changed(FORWARD, 0)
    assert (root / FORWARD.path).read_text() == "1\n"
    assert sysctls.write(FORWARD) is None


def test_a_sysctl_that_cannot_be_written_is_a_sentence(tree: Tree):
    """There is none such, as in another namespace; a folder is in its place, as nothing else."""
    root = tree({"net/ipv4/ip_forward/folder": ""})
    sysctls = Sysctls(root)
    assert sysctls.write(FORWARD) == "net.ipv4.ip_forward cannot be written (Is a directory)"
    gone = Sysctl("net/bridge/bridge-nf-call-iptables", 1)
    said = "net.bridge.bridge-nf-call-iptables cannot be written (No such file or directory)"
    assert sysctls.write(gone) == said
