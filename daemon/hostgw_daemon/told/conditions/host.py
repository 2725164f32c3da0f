"""The daemon's own surroundings."""

from __future__ import annotations

from hostgw_core.health import Kind, Severity

_WARNING, _ERROR = Severity.WARNING, Severity.ERROR

HOST = (
    Kind(
        "subnet_file_failing",
        _ERROR,
        "The subnet file cannot be written, so containers may start with an old network.",
        "Make room or correct the permissions of the folder of --subnet-file.",
    ),
    Kind(
        "state_dir_failing",
        _WARNING,
        "The state directory cannot be used, so a restart may forget what this node knows.",
        "Make room or correct the permissions of --state-dir.",
    ),
    Kind(
        "probe_failing",
        _WARNING,
        "The other nodes cannot be probed, so it is not known whether packets reach them.",
        "Free the UDP port that the detail names, or set another --probe-port on every node.",
    ),
    Kind(
        "listener_failing",
        _WARNING,
        "Health and metrics cannot be served on an address.",
        "Free the address that the detail names, or set another one.",
    ),
)
