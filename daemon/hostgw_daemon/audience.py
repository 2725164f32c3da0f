"""Who hears what of a membership: the arrows from one network to what the host has one of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hostgw_core.model import ClusterConfig, IPNetwork
from hostgw_daemon.routes.understanding import News


@dataclass(frozen=True, slots=True, kw_only=True)
class Hears:
    """Who hears what of a membership. `changed`: something is so that was not, look at it.

    `follows`: the lease, the network or the renewal is another, and so is what must be on this
    host. `moved`: these subnets are another node's now. `after_flannel`: a lease is held now, and
    flannel ran here before. `elsewhere` is asked which other network has a part of the addresses of
    a configuration; it gives "" for none.
    """

    understood: Callable[[News], None]
    moved: Callable[[Iterable[IPNetwork]], None]
    follows: Callable[[], None]
    changed: Callable[[], None]
    after_flannel: Callable[[], None]
    renewed: Callable[[str, float], None]
    elsewhere: Callable[[ClusterConfig], str]
