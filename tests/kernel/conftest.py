"""Two hosts with pods, for tests of the packet filter of the first."""

from __future__ import annotations

from pathlib import Path
from subprocess import PIPE

import pytest

from hostgw_daemon.rules.firewall import NftFirewall
from hostgw_daemon.rules.ruleset import desired
from support.pod_site import build, spec


@pytest.fixture
def site(lan, make_netns):
    """Two hosts, two pods, an outsider."""
    return build(lan, make_netns)


@pytest.fixture
def firewall(site):
    """Give the adapter on the first host."""
    with site.first.enter():
        adapter = NftFirewall(nft=site.first.argv("nft"))
    with adapter:
        yield adapter


@pytest.fixture
async def in_force(firewall):
    """Put masquerade and forward rules in force on the first host."""
    await firewall.write(desired(spec()), ())


@pytest.fixture
def proc_net(site):
    """Give /proc/PID/net of a process on the first host: it waits for its input to end."""
    with site.first.popen(["cat"], stdin=PIPE) as process:
        home = Path("/proc/self/ns/net").resolve()
        there = Path(f"/proc/{process.pid}")
        while (there / "ns/net").resolve() == home:
            assert process.poll() is None
        yield there / "net"
        process.stdin.close()
