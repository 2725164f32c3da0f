"""How a command ends when it cannot do what it was asked: the sentence and the exit status.

0 done; 1 refused, with the reason; 2 wrong usage; 3 the other side could not be reached, or would
not do it.
"""

from __future__ import annotations

import click


class Refused(click.ClickException):
    """The command would not, and says why."""

    exit_code = 1


class Unreachable(click.ClickException):
    """The other side could not be asked, or would not do what it was asked."""

    exit_code = 3
