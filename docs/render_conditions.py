"""Print docs/conditions.md from the table of hostgwd."""

from hostgw_core.health import Kind
from hostgw_daemon.told.conditions import KINDS

HEAD = """\
# Conditions of hostgwd

What can be wrong, and what to do. `/v1/status` shows the conditions that stand, with their
particulars; `hostgw_condition{code="..."}` is 1 while one stands. Where one condition explains
others, only it is shown. *Not ready*: while it stands, `/readyz` says no.

This page is printed by `docs/render_conditions.py` from
`daemon/hostgw_daemon/told/conditions/`; a test fails when it is not current.

| code | severity | what is so | what to do | hidden by |
|---|---|---|---|---|
"""


def row(kind: Kind) -> str:
    """Give the line of one kind."""
    severity = f"{kind.severity}, not ready" if kind.unready else f"{kind.severity}"
    hidden = ", ".join(f"`{code}`" for code in kind.explained_by)
    cure = kind.cure.replace("<", "&lt;").replace(">", "&gt;")
    return f"| `{kind.code}` | {severity} | {kind.title} | {cure} | {hidden} |"


if __name__ == "__main__":
    print(HEAD, end="")
    for declared in KINDS:
        print(row(declared))
