"""Health: a few named checks for each question, and how the answer is written.

| question | checks | a "no" means |
|---|---|---|
| `/livez` | `event_loop`, `reconciler` beat | start the daemon again: it hangs |
| `/startupz` | `started` | wait: it is still starting |
| `/readyz` | `lease_held`, `first_pass`, `last_pass`, `conditions` | give this node no work |

Liveness never depends on etcd, or one outage of the store would restart every daemon at once.
The text is that of Kubernetes' own endpoints (k8s.io/apiserver, server/healthz), so that people and
scripts which read those read these.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from hostgw_core.health import Condition


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is as it must be, or not, and then the reason."""

    name: str
    ok: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The checks of one question. `unmatched` are exclusions that no check has the name of."""

    question: str
    ok: bool
    checks: tuple[Check, ...]
    excluded: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the checks that speak against it."""
        return tuple(c.name for c in self.checks if not c.ok and c.name not in self.excluded)

    def text(self, *, verbose: bool) -> str:
        """Write the answer for a person: `ok` alone, unless it is not or more was asked for."""
        if self.ok and not verbose:
            return "ok"
        lines = [self._line(check) for check in self.checks]
        if self.unmatched:
            lines.append(
                f"warn: no check has the name of an exclusion: {', '.join(self.unmatched)}"
            )
        lines.append(f"{self.question} check {'passed' if self.ok else 'failed'}\n")
        return "\n".join(lines)

    def _line(self, check: Check) -> str:
        if check.name in self.excluded:
            return f"[+]{check.name} excluded: ok"
        return f"[+]{check.name} ok" if check.ok else f"[-]{check.name} failed: {check.reason}"


def answer(question: str, checks: Sequence[Check], exclude: Collection[str] = ()) -> Answer:
    """Put the checks of a question together, some left out by name."""
    names = [check.name for check in checks]
    return Answer(
        question,
        all(check.ok or check.name in exclude for check in checks),
        tuple(checks),
        excluded=tuple(name for name in names if name in exclude),
        unmatched=tuple(sorted(set(exclude) - set(names))),
    )


def beat(name: str, age: float, limit: float) -> Check:
    """Check that something beat at most `limit` seconds ago; `age` is when it last did."""
    return Check(name, age <= limit, f"no beat for {age:.0f} s, more than {limit:.0f} s")


def readiness(
    *, held: bool, first_pass: bool, trouble: str, blocking: Iterable[Condition], store: str = ""
) -> tuple[Check, ...]:
    """Give the checks of `/readyz`.

    `trouble` is why the last pass was not right ("": it was). `blocking` are the conditions that
    stand in the way by themselves (`Board.blocking`). A `store` that is away does not, but where
    there is no lease or no pass yet, that is the reason which a person looks for.
    """
    because = f" ({store})" if store else ""
    reasons = [f"{c.kind.code}: {c.detail or c.kind.title}" for c in blocking]
    return (
        Check("lease_held", held, f"this node has no subnet yet, or has lost it{because}"),
        Check(
            "first_pass", first_pass, f"no complete pass over the routes since the start{because}"
        ),
        Check("last_pass", not trouble, trouble),
        Check("conditions", not reasons, "; ".join(reasons)),
    )
