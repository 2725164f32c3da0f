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
    Setting(
        name="managed-neighbours",
        kind=kinds.choice("auto", "off"),
        default="auto",
        help="Have the kernel keep the gateways of other nodes resolved (Linux 5.16), at most half "
        "of gc_thresh1 of them, so that no first packet waits for an answer. off: it asks when "
        "packets go there.",
    ),
)
