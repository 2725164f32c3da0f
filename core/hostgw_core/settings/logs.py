"""The settings of every program that logs, and the flags of the logger that flannel uses (klog).

Of klog's, `-v` means something here: below 2 it is our level info, from 2 on debug. The others are
accepted, so that a unit file goes on working, and each is said once to mean nothing.
"""

from __future__ import annotations

from hostgw_core.settings import kinds
from hostgw_core.settings.declare import Setting, Value

SETTINGS = (
    Setting(
        name="log-level",
        kind=kinds.choice("debug", "info", "warning", "error", also={"warn": "warning"}),
        default="info",
        help="The least severe level that is logged. It can be changed while the program runs.",
    ),
    Setting(
        name="log-format",
        kind=kinds.choice(
            "key=value",
            "json",
            also={"console": "key=value", "logfmt": "key=value", "text": "key=value"},
        ),
        default="key=value",
        help="How a line of the log is written.",
    ),
)

_NOT_HERE = "is accepted for flannel's sake and means nothing here: logs go to standard error"

VERBOSITY = Setting(
    name="v",
    kind=kinds.integer(-(2**31), 2**31 - 1),
    default="0",
    flannel=True,
    help="klog's verbosity: 2 and more mean --log-level=debug, unless that is given too.",
)

KLOG_WITHOUT_EFFECT = tuple(
    Setting(
        name=name,
        kind=kind,
        default=default,
        flannel=True,
        ignored=_NOT_HERE,
        help="klog's: logs go to standard error, all of them.",
    )
    for name, kind, default in (
        ("vmodule", kinds.ANYTHING, ""),
        ("log_backtrace_at", kinds.ANYTHING, ""),
        ("logtostderr", kinds.BOOLEAN, "true"),
        ("alsologtostderr", kinds.BOOLEAN, "false"),
        ("stderrthreshold", kinds.ANYTHING, ""),
        ("log_dir", kinds.ANYTHING, ""),
    )
)


def effective_level(level: Value, verbosity: Value) -> Value:
    """Give the level in force: what was asked for in our word, else what klog's number means."""
    if level.given or not verbosity.given:
        return level
    word = "debug" if verbosity.value >= 2 else "info"
    return Value(word, word, verbosity.origin)
