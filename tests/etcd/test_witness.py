"""What we write, others read: an ordinary Python client, and etcdctl."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import support
from hostgw_core.etcd import Etcd
from hostgw_core.store import Put, Span
from support.etcd_server import EtcdCtl, EtcdServer

SCRIPT = Path(support.__file__).with_name("witness_etcd3.py")


async def test_an_ordinary_client_reads_what_we_wrote(
    store: Etcd, etcd_server: EtcdServer, etcd_prefix: str, etcdctl: EtcdCtl
) -> None:
    """The etcd3 package and etcdctl see our keys with the values, leases and revisions we see."""
    prefix = etcd_prefix.encode()
    grant = await store.grant(60)
    key = prefix + b"/subnets/10.5.52.0-24&fd00:5:0:1::-64"
    await store.commit([], [Put(key, '{"PublicIP":"192.0.2.1","Node":"näme"}'.encode(), grant.id)])
    await store.commit([], [Put(prefix + b"/config", b"{}")])
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, SCRIPT, "127.0.0.1", str(etcd_server.client_port), etcd_prefix],
        env={**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    entries = (await store.list(Span.under(prefix))).entries
    assert len(entries) == 2
    assert json.loads(done.stdout) == {
        entry.key.decode(): [entry.value.decode(), entry.lease, entry.modified] for entry in entries
    }
    assert etcdctl.values(etcd_prefix) == {e.key.decode(): e.value.decode() for e in entries}
    leases = etcdctl("lease", "timetolive", f"{grant.id:x}", "--keys")
    assert (leases["granted-ttl"], len(leases["keys"])) == (60, 1)
    await store.revoke(grant.id)


async def test_what_others_write_we_read(store: Etcd, etcd_prefix: str, etcdctl: EtcdCtl) -> None:
    """A key that etcdctl puts is listed with its value, also a binary one."""
    etcdctl("put", f"{etcd_prefix}/a", stdin=b"\xff\x00\xfe")
    entries = (await store.list(Span.under(etcd_prefix.encode()))).entries
    assert [(e.value, e.version) for e in entries] == [(b"\xff\x00\xfe", 1)]
