"""From a seed to what is done: pure, so that a seed that failed can be done again.

A run is a sequence of episodes. Each has a seed of its own, from which everything in it is drawn:
the shape of the cluster, and for each fault its host and its length. The draws of one fault do not
depend on the other's, so that an episode can be repeated with one of its faults alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chaos.fault import Fault, Ground, Injection


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    """How large the cluster is: hosts, and members of etcd."""

    hosts: int
    members: int

    def __str__(self) -> str:
        members = "one etcd member" if self.members == 1 else f"{self.members} etcd members"
        return f"{self.hosts} hosts, {members}"


SHAPES = (Shape(3, 1), Shape(5, 1), Shape(4, 3))
"""Three to five hosts; a single member, or a quorum."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One or two faults at once, on a cluster of a shape."""

    seed: int
    shape: Shape
    injections: tuple[Injection, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The faults in it."""
        return tuple(each.fault for each in self.injections)

    @property
    def command(self) -> str:
        """The one command that does it again."""
        return f'make chaos ARGS="--seed {self.seed} --only {",".join(self.names)}"'

    def __str__(self) -> str:
        parts = (
            f"{each.fault} (n{each.host + 1}, {each.seconds:.1f} s)" for each in self.injections
        )
        return f"{' + '.join(parts)} on {self.shape}"


def clash(one: Fault, on_host: int, other: Fault, on_other: int) -> bool:
    """Tell whether two faults would spoil one another: on the same ground, on the same host."""
    shared = one.grounds & other.grounds
    everybody = bool(shared & {Ground.STORE, Ground.PROXY})
    return bool(shared) and (everybody or one.whole or other.whole or on_host == on_other)


def episode(seed: int, faults: Sequence[Fault], *, shapes: Sequence[Shape] = SHAPES) -> Episode:
    """Draw an episode with exactly these faults. Raise ValueError when they cannot go together."""
    needed = {fault.members for fault in faults} - {0}
    if len(needed) > 1:
        raise ValueError(f"{[fault.name for fault in faults]} need clusters of different shapes")
    fit = [shape for shape in shapes if not needed or shape.members in needed]
    shape = random.Random(f"{seed} shape").choice(fit)
    injections = tuple(_draw(seed, fault, shape) for fault in faults)
    for number, fault in enumerate(faults):
        for other, injection in zip(faults[:number], injections, strict=False):
            if clash(fault, injections[number].host, other, injection.host):
                raise ValueError(f"{fault.name} and {other.name} need the same ground")
    return Episode(seed, shape, injections)


def _draw(seed: int, fault: Fault, shape: Shape) -> Injection:
    chance = random.Random(f"{seed} {fault.name}")
    return Injection(
        fault.name,
        host=chance.randrange(shape.hosts),
        seconds=round(chance.uniform(*fault.lasts), 2),
        seed=chance.getrandbits(32),
    )


def run(
    seed: int, faults: Sequence[Fault], count: int, *, pairs: bool = False
) -> Iterator[Episode]:
    """Give episodes until `count` faults are in them: first each alone, then in random pairs.

    Pairs are drawn so that every fault is tried about equally often. With `pairs`, no fault comes
    alone, unless the last one of an odd number.
    """
    chance = random.Random(f"{seed} run")
    alone = [] if pairs else list(faults)
    chance.shuffle(alone)
    times: dict[str, int] = dict.fromkeys((fault.name for fault in faults), 0)
    left = count
    for fault in alone[:count]:
        times[fault.name] += 1
        left -= 1
        yield episode(chance.getrandbits(32), [fault])
    while left > 1:
        pair, made = _pair(chance, faults, times)
        for fault in pair:
            times[fault.name] += 1
        left -= 2
        yield made
    if left:
        yield episode(chance.getrandbits(32), [chance.choice(faults)])


_TRIES = 1000


def _pair(
    chance: random.Random, faults: Sequence[Fault], times: Mapping[str, int]
) -> tuple[tuple[Fault, Fault], Episode]:
    for _ in range(_TRIES):
        # Every fault gets its turn, and chance decides with whom.
        one = min(chance.sample(faults, len(faults)), key=lambda each: times[each.name])
        other = min(chance.sample(faults, min(3, len(faults))), key=lambda each: times[each.name])
        if one is other:
            continue
        try:
            return (one, other), episode(chance.getrandbits(32), [one, other])
        except ValueError:
            continue
    raise ValueError("no two of these faults go together")


def by_shape(episodes: Sequence[Episode]) -> list[tuple[Shape, list[Episode]]]:
    """Put episodes of one shape together: a cluster is built once for all of them."""
    return [
        (shape, found)
        for shape in sorted({each.shape for each in episodes})
        if (found := [each for each in episodes if each.shape == shape])
    ]
