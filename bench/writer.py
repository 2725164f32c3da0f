"""Writes leases as anybody may who speaks HTTP: etcd's JSON gateway, on one kept connection.

No code of the daemon's is in it. What the gateway costs a write more than gRPC does counts
against the daemon; in return a write is a request on a socket that can be polled beside the
witness's, and both moments are read by one thread.
"""

from __future__ import annotations

import http.client
import json
import socket
from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Any, Self

from bench.population import SUBNETS, Peer

from hostgw_cli.lab.netns import Namespace

AT_ONCE = 100  # operations in a transaction; etcd allows 128 (--max-txn-ops)
LIFE = 7200  # seconds, of the etcd lease that all peers share


class Writer:
    """A connection to the gateway of one member, from inside a namespace."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, inside: Namespace, port: int) -> Self:
        """Connect to a member that listens on the namespace's loopback."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with inside.enter():
            connection.connect()
        return cls(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def socket(self) -> socket.socket:
        """What becomes readable when the answer to `begin` is there."""
        assert self._connection.sock is not None
        return self._connection.sock

    def begin(self, verb: str, body: dict[str, Any]) -> None:
        """Send a request and do not wait."""
        self._connection.request("POST", f"/v3/{verb}", json.dumps(body).encode())

    def finish(self) -> dict[str, Any]:
        """Take the answer to what was begun. Raise RuntimeError when it is a refusal."""
        answer = self._connection.getresponse()
        body: dict[str, Any] = json.loads(answer.read())
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"etcd refused: {body}")
        return body

    def call(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask and wait for the answer."""
        self.begin(verb, body)
        return self.finish()

    def put(self, peer: Peer, life: int) -> dict[str, Any]:
        """Give the request that writes a peer's lease, on an etcd lease."""
        return {"key": _b64(peer.key), "value": _b64(peer.value), "lease": life}

    @staticmethod
    def delete(peer: Peer) -> dict[str, Any]:
        """Give the request that deletes a peer's lease."""
        return {"key": _b64(peer.key)}

    def grant(self) -> int:
        """Give a new etcd lease that outlives the benchmark."""
        return int(self.call("lease/grant", {"TTL": LIFE})["ID"])

    def populate(self, peers: Sequence[Peer]) -> None:
        """Make these the only leases there are, a few on one etcd lease.

        Not all on one: a put on an etcd lease of 10,000 keys takes etcd 3 ms longer.
        """
        self.call("kv/deleterange", _below(SUBNETS))
        for start in range(0, len(peers), AT_ONCE):
            life = self.grant()
            some = peers[start : start + AT_ONCE]
            self.call(
                "kv/txn", {"success": [{"requestPut": self.put(each, life)} for each in some]}
            )

    def entries(self, prefix: str = SUBNETS) -> list[dict[str, str]]:
        """Give what is below a prefix, in etcd's own JSON: `key` and `value` are in base64."""
        found: list[dict[str, str]] = self.call("kv/range", _below(prefix)).get("kvs", [])
        return found

    def count(self, prefix: str = SUBNETS) -> int:
        """Count the keys below a prefix."""
        return int(self.call("kv/range", {**_below(prefix), "count_only": True}).get("count", 0))

    def forget(self, prefixes: Iterable[str]) -> None:
        """Delete everything below some prefixes."""
        for prefix in prefixes:
            self.call("kv/deleterange", _below(prefix))


def _below(prefix: str) -> dict[str, str]:
    end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return {"key": _b64(prefix), "range_end": _b64(end)}


def _b64(text: str) -> str:
    return b64encode(text.encode()).decode()
