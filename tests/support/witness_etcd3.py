"""Read a prefix with the `etcd3` package: an independent witness, run as a script of its own.

A process of its own, because its generated code imports only with protobuf in pure Python
(PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python), and because it shares nothing with ours.
Usage: witness_etcd3.py HOST PORT PREFIX; prints {key: [value, lease, mod revision]} as JSON.
"""

from __future__ import annotations

import json
import sys

import etcd3  # type: ignore[import-untyped]  # the package has no types


def main(host: str, port: str, prefix: str) -> None:
    """Print what is under the prefix."""
    client = etcd3.client(host=host, port=int(port), timeout=5)
    found = {
        about.key.decode(): [value.decode(), about.lease_id, about.mod_revision]
        for value, about in client.get_prefix(prefix)
    }
    print(json.dumps(found))  # noqa: T201  # a script's output
    client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
