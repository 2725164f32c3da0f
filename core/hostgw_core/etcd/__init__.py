"""The store in etcd: a thin client of etcd's own API over grpc.aio. The theory is in docs/etcd.md.

Why not one of the libraries: none of them both notices a frozen member and renews a login, and each
gives up TLS, pages, or the start of a watch (docs/dependencies.md has the table).
"""

import os

# gRPC's core writes lines of its own to stderr, past every log setting, also about what our errors
# tell (three for each refused certificate). Read when grpc is imported; the administrator's wins.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from hostgw_core.etcd.client import Etcd
from hostgw_core.etcd.settings import Endpoint, EtcdSettings, Observer

__all__ = ["Endpoint", "Etcd", "EtcdSettings", "Observer"]
