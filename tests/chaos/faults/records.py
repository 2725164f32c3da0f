"""What somebody writes below the prefix: nonsense, a node that is dead, very much at once."""

from __future__ import annotations

import json
from typing import Final

from chaos.fault import Fault, Ground, Injection, on
from chaos.stage import Stage
from chaos.store_witness import LEASES

_GOOD: Final = {"PublicIP": "198.18.8.8", "PublicIPv6": None, "BackendType": "host-gw"}

# Key, and what differs from a good record; a text stands for itself.
_BAD: Final[tuple[tuple[str, dict[str, object] | str], ...]] = (
    ("0.0.0.0-0", {}),
    ("0.0.0.0-1", {}),
    ("198.18.0.0-16", {}),
    ("198.18.0.0-24", {}),
    ("127.0.0.0-8", {}),
    ("224.0.0.0-4", {}),
    ("10.244.0.0-16", {}),
    ("10.244.230.0-24", "not JSON"),
    ("10.244.231.0-24", {"PublicIP": "127.0.0.1"}),
    ("10.244.232.0-24", {"PublicIP": "0.0.0.0"}),
    ("10.244.233.0-24", {"PublicIP": "224.0.0.1"}),
    ("10.244.234.0-24", {"PublicIP": "10.244.234.1"}),
    ("10.244.235.0-24", {"PublicIP": 7}),
    ("10.244.236.0-24", ""),
    ("10.244.237.0-99", {}),
    ("nonsense", {}),
    ("../config", {}),
)
_DEAD: Final = "10.244.242.0-24"
_MANY: Final = [f"10.244.{number}.0-24" for number in range(100, 220)]


def _write_bad(stage: Stage, injection: Injection) -> None:
    own = str(stage.subnets[injection.host])
    overlapping = own.replace("/24", "-25")
    records = [*injection.chance.sample(_BAD, 8), (overlapping, dict[str, object]())]
    for key, differs in records:
        text = differs if isinstance(differs, str) else json.dumps({**_GOOD, **differs})
        stage.etcd.ctl("put", "--", LEASES + key, text)


def _delete_bad(stage: Stage, injection: Injection) -> None:
    own = str(stage.subnets[injection.host])
    for key in [*(key for key, _ in _BAD), own.replace("/24", "-25")]:
        stage.etcd.ctl("del", LEASES + key)


def _write_dead(stage: Stage, _injection: Injection) -> None:
    stage.lease(_DEAD, "198.18.8.9")


def _delete_dead(stage: Stage, _injection: Injection) -> None:
    stage.etcd.ctl("del", LEASES + _DEAD)


def _write_many(stage: Stage, _injection: Injection) -> None:
    value = json.dumps(json.dumps(_GOOD))  # quoted as Go does it
    stage.transact([f"put {LEASES}{key} {value}" for key in _MANY])


def _delete_many(stage: Stage, _injection: Injection) -> None:
    stage.transact([f"del {LEASES}{key}" for key in _MANY])


FAULTS: Final = (
    Fault("bad-records", on(Ground.STORE), _write_bad, _delete_bad),
    Fault("dead-node", on(Ground.STORE), _write_dead, _delete_dead),
    Fault("many-keys-at-once", on(Ground.STORE), _write_many, _delete_many),
)
