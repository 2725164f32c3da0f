"""The settings of every program about itself: where more of them are, a check, the version."""

from __future__ import annotations

from hostgw_core.settings import kinds
from hostgw_core.settings.declare import Setting


def settings(*, check: str, flannel: bool = False) -> tuple[Setting, ...]:
    """Give them; `check` is the help of --check, `flannel` whether flannel has --version too."""
    return (
        Setting(
            name="config",
            kind=kinds.FILE,
            help="Read settings from this TOML file too.",
        ),
        Setting(
            name="check",
            kind=kinds.BOOLEAN,
            default="false",
            help=check,
        ),
        Setting(
            name="version",
            kind=kinds.BOOLEAN,
            default="false",
            flannel=flannel,
            help="Show the version and exit.",
        ),
    )
