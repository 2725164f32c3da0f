"""The store's contract, kept by the fake that other tests stand on and by etcd itself."""

from __future__ import annotations

import pytest

from support.etcd_server import EtcdCtl
from support.fake_store import FakeStore
from support.store_contract import StoreContract
from support.store_subject import Subject, WholeStore


class TestFakeStore(StoreContract):
    """The fake."""

    @pytest.fixture
    def subject(self) -> Subject:
        """Give a fake whose clock stands still until `lapse`."""
        moment = 1000.0
        store = FakeStore(lambda: moment)

        async def compact(revision: int) -> None:
            store.compact(revision)

        async def lapse(seconds: float) -> None:
            nonlocal moment
            moment += seconds
            store.expire()

        async def progress() -> None:
            store.progress()

        return Subject(store, b"/hgt", compact, lapse, progress)


class TestEtcd(StoreContract):
    """The adapter on a real etcd."""

    @pytest.fixture
    def subject(self, store: WholeStore, etcd_prefix: str, etcdctl: EtcdCtl) -> Subject:
        """Give the adapter; time passes by itself."""

        async def compact(revision: int) -> None:
            etcdctl.run("compaction", str(revision))

        async def lapse(seconds: float) -> None:
            """Do nothing: the test waits for the deletion."""

        async def progress() -> None:
            """Do nothing: this etcd tells progress by itself, several times a second."""

        return Subject(store, etcd_prefix.encode(), compact, lapse, progress)
