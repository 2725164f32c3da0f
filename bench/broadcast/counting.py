"""The count: a container starts, and the witness says who received what it broadcasts.

A CNI plugin makes its link, gives it an address and sends a gratuitous ARP. The bridge plugin sends
it while the new port of the bridge does not forward yet, so that may be heard by nobody; it is
counted by itself, and the same frame is sent again when the port forwards. Then comes the
container's first packet, a ping to the last container of another host, for which its kernel asks by
ARP; it must be answered, or the network that is being measured does not work. What others broadcast
because of that packet is counted too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.broadcast.attachment import Attachment
from bench.broadcast.law import Arrangement, Audience, audience
from bench.broadcast.voice import Voice
from bench.broadcast.witness import Heard, Witness, audience_of

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.netns import Namespace
from hostgw_cli.lab.topology import LabError

_ANSWER = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Count:
    """One start in a network of `hosts` with `containers` each: who heard what.

    `by_plugin` is the gratuitous ARP that the plugin sent, `announced` the same on a link that is
    ready, `asked` the first request for a neighbour. `others` are the broadcasts of other stacks
    that the first packet caused: how many stacks heard each.
    """

    arrangement: Arrangement
    hosts: int
    containers: int
    by_plugin: Audience
    announced: Audience
    asked: Audience
    others: tuple[int, ...]

    @property
    def law(self) -> Audience:
        """Who must have heard each of the two."""
        return audience(self.arrangement, self.hosts, self.containers)

    @property
    def lawful(self) -> bool:
        """Whether exactly those did."""
        # The kernel asks again after a second without an answer: then there are more frames.
        asked = (self.asked.stacks, self.asked.interfaces)
        return self.announced == self.law and asked == (self.law.stacks, self.law.interfaces)


def count(attachment: Attachment) -> Count:
    """Start the last container of the first host, and count.

    Raise LabError, CommandError, TimeoutError, OSError.
    """
    lab, host = attachment.lab, attachment.lab.hosts[0]
    starter = host.containers[-1]
    with Witness.open(stacks(lab)) as witness:
        attachment.attach(host, starter)
        by_plugin = witness.collect()
        with Voice.of(starter) as voice:
            voice.say()
        announced = witness.collect()
        target = lab.hosts[-1].containers[-1]
        echo = starter.ping(target, within=_ANSWER)
        asked = witness.collect()
    if not echo:
        raise LabError(f"{starter.name} does not reach {target.name} by {attachment.arrangement}")
    ours = starter.namespace.name
    return Count(
        attachment.arrangement,
        len(lab.hosts),
        len(host.containers),
        audience_of(by_plugin, voice.mac, besides=ours),
        audience_of(announced, voice.mac, besides=ours),
        audience_of(asked, voice.mac, besides=ours),
        _others(asked, voice.mac),
    )


def stacks(lab: Lab) -> list[Namespace]:
    """Give the namespaces of all hosts and containers: not the switch, not the store's."""
    found = []
    for host in lab.hosts:
        found += [host.namespace, *(each.namespace for each in host.containers)]
    return found


def _others(heard: Iterable[Heard], ours: bytes) -> tuple[int, ...]:
    """Count the stacks that heard each other sender, the least first."""
    heard = list(heard)
    senders = {each.frame.mac for each in heard} - {ours}
    return tuple(sorted(audience_of(heard, each).stacks for each in senders))
