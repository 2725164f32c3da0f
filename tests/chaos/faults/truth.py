"""The store loses or changes what it knew: wiped, restored, another's, emptied by a mistake.

The containers behind a lease that is gone are still there: no packet may be lost.
"""

from __future__ import annotations

import shutil
import signal
from typing import Final

from chaos.fault import Fault, Ground, Injection, nothing, on
from chaos.stage import Stage
from chaos.store_witness import LEASES
from hostgw_cli.lab.store import CONFIG_KEY

_REWRITTEN: Final = 8.0  # seconds in which every agent has noticed, and has put its lease back


def _wipe(stage: Stage, _injection: Injection) -> None:
    stage.store.close()
    stage.etcd.wipe()
    stage.store.new_history()


def _configure(stage: Stage, _injection: Injection) -> None:
    """Write the configuration anew, as an operator does."""
    stage.configure()


def _restore(stage: Stage, _injection: Injection) -> None:
    """Put back the backup of the beginning: the same token, and so the same cluster id."""
    stage.store.close()
    stage.etcd.stop(signal.SIGKILL)
    for member in stage.etcd.members:
        shutil.rmtree(member.data, ignore_errors=True)
        flags = ("--name=", "--data-dir=", "--initial-")
        which = [flag for flag in member.argv() if flag.startswith(flags)]
        member.run(
            *["env", "ETCDCTL_API=3", "etcdctl", "snapshot", "restore", str(stage.backup), *which]
        )
    stage.etcd.start()
    stage.store.new_history()


def _stand_in(stage: Stage, _injection: Injection) -> None:
    """Let another cluster answer at the addresses of the right one, with leases of its own."""
    stage.store.close()
    stage.etcd.stop()
    stage.stand_in()


def _right_again(stage: Stage, _injection: Injection) -> None:
    stage.send_away()
    stage.etcd.start()
    stage.store.open()


def _delete_at_once(stage: Stage, _injection: Injection) -> None:
    stage.etcd.ctl("del", "--prefix", LEASES)


def _delete_one_by_one(stage: Stage, injection: Injection) -> None:
    keys = stage.keys()
    injection.chance.shuffle(keys)
    for key in keys:
        stage.etcd.ctl("del", key)


def _revoke(stage: Stage, _injection: Injection) -> None:
    found = stage.etcd.ctl_json("get", "--prefix", LEASES)["kvs"]
    for lease in {each["lease"] for each in found if each.get("lease")}:
        stage.etcd.ctl("lease", "revoke", f"{lease:x}")


def _delete_configuration(stage: Stage, _injection: Injection) -> None:
    stage.etcd.ctl("del", CONFIG_KEY)


def _spoil_configuration(stage: Stage, injection: Injection) -> None:
    stage.configure(
        injection.chance.choice(
            [
                "{",
                '{"Network": "10.244.0.0/99"}',
                '{"Network": "10.99.0.0/16", "SubnetLen": 12, "Backend": {"Type": "host-gw"}}',
                '{"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan"}}',
            ]
        )
    )


FAULTS: Final = (
    Fault("wiped", on(Ground.STORE), _wipe, nothing, within=_REWRITTEN),
    Fault("restored", on(Ground.STORE), _restore, nothing, within=_REWRITTEN),
    Fault(
        "wrong-cluster",
        on(Ground.STORE),
        _stand_in,
        _right_again,
        within=_REWRITTEN,
        lasts=(2.0, 6.0),
    ),
    Fault("leases-deleted", on(Ground.STORE), _delete_at_once, nothing, within=_REWRITTEN),
    Fault(
        "leases-deleted-singly", on(Ground.STORE), _delete_one_by_one, nothing, within=_REWRITTEN
    ),
    Fault("leases-revoked", on(Ground.STORE), _revoke, nothing, within=_REWRITTEN),
    Fault("configuration-deleted", on(Ground.STORE), _delete_configuration, _configure),
    Fault("configuration-spoiled", on(Ground.STORE), _spoil_configuration, _configure),
)
