"""Where health and metrics are served."""

from __future__ import annotations

from hostgw_core.settings import Setting, kinds

SEEN = (
    Setting(
        name="http-address",
        kind=kinds.LISTEN,
        default=":9745",
        help="Where health and metrics are served; off: nowhere.",
    ),
    Setting(
        name="healthz-ip",
        kind=kinds.address(),
        default="0.0.0.0",
        flannel=True,
        help="The address for --healthz-port.",
    ),
    Setting(
        name="healthz-port",
        kind=kinds.integer(0, 65535, "PORT"),
        default="0",
        flannel=True,
        help="Serve health on this port as well, where flannel served it; 0: do not.",
    ),
)
