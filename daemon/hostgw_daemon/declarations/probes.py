"""Whether and how the other nodes are asked if packets get through."""

from __future__ import annotations

from hostgw_core.settings import Setting, kinds

PROBES = (
    Setting(
        name="probe",
        kind=kinds.BOOLEAN,
        default="true",
        help="Ask the other nodes, by the way that pods' packets take, whether packets arrive, and "
        "answer when they ask.",
    ),
    Setting(
        name="probe-port",
        kind=kinds.integer(1, 65535, "PORT"),
        default="9746",
        help="The UDP port for that, the same on every node.",
    ),
    Setting(
        name="probe-rate",
        kind=kinds.integer(1, 1000, "PEERS"),
        default="8",
        help="How many peers are asked a second at most; those in doubt up to four times as often.",
    ),
)
