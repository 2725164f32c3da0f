"""The host: what may be put right on it."""

from __future__ import annotations

from hostgw_core.settings import Setting, kinds

HOST = (
    Setting(
        name="fix-sysctls",
        kind=kinds.BOOLEAN,
        default="false",
        help="Write the sysctls that a condition names as its cure (forwarding, rp_filter, bridge "
        "filter, sizes of the neighbour table), and log what they were before. Without it none is "
        "ever written.",
    ),
)
