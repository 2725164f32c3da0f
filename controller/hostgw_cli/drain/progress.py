"""How far a drain is, from what the daemon says of itself: pure.

The daemon's status says how each network is left; its plan says what is still to be removed from
the host. Both are levels: whoever looks in the middle, or twice, reads the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

NAMED: Final = 3  # how many of many things a line names


@dataclass(frozen=True, slots=True)
class Parting:
    """How one network is left. `revision` is 0 before the lease is withdrawn.

    `let_go` counts the nodes that say that they let go, `behind` names some of those that could say
    so and do not, `mute` some of those that cannot; both with how many there are.
    """

    network: str
    subnets: tuple[str, ...] = ()
    held: bool = False
    revision: int = 0
    let_go: int = 0
    behind: tuple[str, ...] = ()
    behind_count: int = 0
    mute: tuple[str, ...] = ()
    mute_count: int = 0
    released: bool = False

    @property
    def told(self) -> str:
        """Say who has let go."""
        words = f"{self.let_go} of {self.let_go + self.behind_count} nodes have let go"
        if self.behind_count:
            words += f", {some(self.behind, self.behind_count)} not yet"
        if self.mute_count:
            words += f"; {some(self.mute, self.mute_count)} cannot say"
        return words


@dataclass(frozen=True, slots=True)
class Progress:
    """How the whole stands: every network, what stays on the host, and what is in the way."""

    networks: tuple[Parting, ...]
    drained: bool
    wrong: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    waits: str = ""

    @property
    def done(self) -> bool:
        """Whether nothing of it is left, in the store or on the host."""
        return self.drained and not self.stays

    @property
    def behind(self) -> bool:
        """Whether somebody has not said that he let go."""
        return any(each.behind_count for each in self.networks)

    def as_json(self) -> dict[str, Any]:
        """Give it for programs."""
        return {
            "left": self.done,
            "networks": [
                {
                    "network": each.network,
                    "subnets": each.subnets,
                    "revision": each.revision,
                    "let_go": each.let_go,
                    "behind": {"count": each.behind_count, "first": each.behind},
                    "cannot_say": {"count": each.mute_count, "first": each.mute},
                    "released": not each.held,
                }
                for each in self.networks
            ],
            "stays": self.stays,
            "waits": self.waits,
        }


def progress(
    status: Mapping[str, Any], plan: Mapping[str, Any] | None, before: Progress | None = None
) -> Progress:
    """Understand what the daemon says; `plan` is None before all networks are left.

    Of subnets that are released the status knows nothing any more: they are as they were `before`.
    """
    known = {each.network: each for each in before.networks} if before is not None else {}
    # An older daemon knows only one network, and does not name it.
    said = status.get("networks") or [{"name": "", "claim": status["claim"]}]
    networks = tuple(_parting(each, known.get(each["name"])) for each in said)
    wrong = tuple(f"{each['code']} ({each['detail']})" for each in status["conditions"])
    codes = {each["code"] for each in status["conditions"]}
    drained = "drained" in codes and not any(each.held for each in networks)
    if plan is None:
        return Progress(networks, drained, wrong)
    stays = tuple(f"{each['what']} {each['thing']} ({each['why']})" for each in plan["changes"])
    return Progress(networks, drained, wrong, stays, plan["waits"])


def _parting(network: Mapping[str, Any], before: Parting | None) -> Parting:
    claim = network["claim"]
    subnets = tuple(claim["subnets"]) or (before.subnets if before is not None else ())
    plain = Parting(network["name"], subnets, held=claim["held"])
    said = claim.get("withdrawal")
    if not said:
        return plain
    behind, mute = said["behind"], said["mute"]
    return Parting(
        plain.network,
        subnets,
        held=plain.held,
        revision=said["revision"],
        let_go=said["let_go"],
        behind=tuple(behind["first"]),
        behind_count=behind["count"],
        mute=tuple(mute["first"]),
        mute_count=mute["count"],
        released=said["released"],
    )


def news(before: Progress | None, now: Progress) -> Iterator[str]:
    """Give a line for each step that was made since."""
    known = {each.network: each for each in before.networks} if before is not None else {}
    several = len(now.networks) > 1
    for each in now.networks:
        where = f"{each.network}: " if several else ""
        was = known.get(each.network, Parting(each.network))
        yield from (where + line for line in _steps(was, each))
    if now.drained and not (before is not None and before.drained):
        yield "what is on this host is removed: routes, rules, files"


def _steps(was: Parting, now: Parting) -> Iterator[str]:
    subnet = " and ".join(now.subnets)
    if now.revision and not was.revision:
        yield f"{subnet or 'its lease'} is withdrawn, at revision {now.revision} of the store"
    if now.revision and (was.revision, was.told) != (now.revision, now.told):
        yield now.told
    if now.released and not was.released:
        yield f"{subnet or 'its lease'} is released: another node may have it"


def standing(now: Progress) -> str:
    """Say what it waits for."""
    if now.waits:
        return now.waits
    if now.stays:
        return f"on this host there is still {some(now.stays, len(now.stays), '; ')}"
    return "; ".join(now.wrong) or "no condition says why"


def resumed(before: Progress | None, now: Progress) -> bool:
    """Tell whether somebody has it stay meanwhile."""
    if before is None:
        return False
    left = any(each.revision for each in before.networks)
    return left and not now.drained and not any(each.revision for each in now.networks)


def some(names: Sequence[str], count: int, between: str = ", ") -> str:
    """Name a few of many."""
    more = count - len(names[:NAMED])
    return between.join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
