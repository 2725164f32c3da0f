"""The store."""

from __future__ import annotations

from hostgw_core.health import Kind, Severity

_WARNING, _ERROR = Severity.WARNING, Severity.ERROR

STORE = (
    Kind(
        "store_unavailable",
        _WARNING,
        "The store does not answer; the routes stay as they are.",
        "Look at etcd and the way to it; nothing is to be done on this node.",
        explained_by=("store_denied",),
    ),
    Kind(
        "store_denied",
        _ERROR,
        "The store refuses the credentials or the permission.",
        "Correct the user, password or certificate, or grant the role access to the prefix.",
    ),
    Kind(
        "store_full",
        _ERROR,
        "The store has no room and takes no writes; routes and leases stay as they are.",
        "Run etcdctl compact <the revision>, etcdctl defrag --cluster and etcdctl alarm disarm.",
        explained_by=("store_unavailable", "store_denied"),
    ),
    Kind(
        "store_grows",
        _WARNING,
        "The store fills up, because nobody compacts its history or because it holds too much.",
        "Run etcd with --auto-compaction-retention=1h; etcdctl compact <the revision> and defrag.",
        explained_by=("store_full", "store_unavailable", "store_denied"),
    ),
    Kind(
        "records_refused",
        _WARNING,
        "Some records in the store are not used.",
        "Correct or delete the records that the status lists under refusals.",
    ),
)
