"""Fixtures: real etcd servers, their witness `etcdctl`, and the real store on them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from hostgw_core.etcd import Etcd, EtcdSettings
from support.certificates import Authority
from support.etcd_server import EtcdCluster, EtcdCtl, EtcdServer
from support.fake_store import FakeStore
from support.hostgwctl import Ctl

QUICK_PROGRESS = ("--experimental-watch-progress-notify-interval", "200ms")


@pytest.fixture(scope="session")
def etcd_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    """Give a real etcd with one member, shared by the session: keep to your `etcd_prefix`.

    It tells watches how far they have come many times a second, where others wait ten minutes.
    """
    server = EtcdServer(tmp_path_factory.mktemp("etcd"), arguments=QUICK_PROGRESS)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def etcd_prefix() -> str:
    """Give a prefix that no other test has, without a slash at its end."""
    return f"/hgt-{secrets.token_hex(4)}"


@pytest.fixture
def etcdctl(etcd_server: EtcdServer) -> EtcdCtl:
    """Give the witness on the shared server: call it for JSON, `.run` for text."""
    return EtcdCtl((etcd_server.url,))


@pytest.fixture
def ctl(etcd_server: EtcdServer, etcd_prefix: str) -> Ctl:
    """Give `hostgwctl` on the shared server, where no daemon is."""
    return Ctl(etcd_server.url, etcd_prefix)


@pytest.fixture
def make_etcd(tmp_path: Path) -> Iterator[Callable[..., EtcdServer]]:
    """Make servers of your own, to stop, pause, fill or wipe; not started yet."""
    made: list[EtcdServer] = []

    def make(**settings: object) -> EtcdServer:
        made.append(EtcdServer(tmp_path / f"etcd{len(made)}", **settings))  # type: ignore[arg-type]  # checked by the dataclass's users
        return made[-1]

    yield make
    for server in made:
        server.kill()


@pytest.fixture
def make_etcd_cluster(tmp_path: Path) -> Iterator[Callable[[int], EtcdCluster]]:
    """Make a started cluster of n members."""
    made: list[EtcdCluster] = []

    def make(size: int) -> EtcdCluster:
        made.append(EtcdCluster.build(tmp_path / f"cluster{len(made)}", size))
        return made[-1].start()

    yield make
    for cluster in made:
        cluster.stop()


@pytest.fixture
def paused_etcd(make_etcd: Callable[..., EtcdServer]) -> Iterator[EtcdServer]:
    """Give a server that is frozen (SIGSTOP): it accepts connections and never answers."""
    server = make_etcd().start()
    with server.paused():
        yield server


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Give a certificate authority."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def tls_etcd(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> Iterator[EtcdServer]:
    """Give a started server that speaks TLS and asks its clients for certificates; shared."""
    server = EtcdServer(tmp_path_factory.mktemp("tls-etcd"), tls=authority.issue("shared-server"))
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
async def store(etcd_server: EtcdServer) -> AsyncIterator[Etcd]:
    """Give the real adapter on the shared server."""
    async with Etcd(EtcdSettings((etcd_server.url,))) as store:
        yield store


@pytest.fixture
def fake_store() -> Iterator[FakeStore]:
    """Give an etcd in memory; every fault planted in it must have been hit in the end."""
    store = FakeStore()
    yield store
    store.faults.check()
