"""Settings: declared once as data, read from flags, environment and file, all errors at once.

    from hostgw_core.settings import Program, Setting, kinds, read

`declare` has the words, `kinds` the values, `read` the reading; `etcd`, `logs` and `program`
declare what more than one program has; `page` renders the help and docs/settings.md. Everything
here is pure: the caller brings the arguments, the environment and a way to read a file.
"""

from hostgw_core.settings.declare import (
    Check,
    Origin,
    Parsed,
    Problem,
    Program,
    Setting,
    SettingsError,
    Value,
)
from hostgw_core.settings.kinds import Kind, Listen, Secret
from hostgw_core.settings.read import asked_for, read

__all__ = [
    "Check",
    "Kind",
    "Listen",
    "Origin",
    "Parsed",
    "Problem",
    "Program",
    "Secret",
    "Setting",
    "SettingsError",
    "Value",
    "asked_for",
    "read",
]
