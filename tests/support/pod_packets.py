"""One packet from each kind of sender to each kind of receiver, and who must be seen at its end."""

from __future__ import annotations

from support.pod_site import PodSite, source_seen

POD, POD_ELSEWHERE = "10.5.1.2", "10.5.2.2"
FIRST, SECOND, OUTSIDER = "192.168.50.1", "192.168.50.2", "192.168.50.3"
POD6, POD6_ELSEWHERE = "fd00:5:0:1::2", "fd00:5:0:2::2"
FIRST6, SECOND6, OUTSIDER6 = "fd50::1", "fd50::2", "fd50::3"


def all_packets(site: PodSite) -> dict[str, str]:
    """Give what each receiver sees, by the packet's two ends."""
    return {
        "pod to outsider": source_seen(site.pod, site.outsider, OUTSIDER),
        "pod to pod elsewhere": source_seen(site.pod, site.pod_elsewhere, POD_ELSEWHERE),
        "pod elsewhere to pod": source_seen(site.pod_elsewhere, site.pod, POD),
        "outsider to pod": source_seen(site.outsider, site.pod, POD),
        "outsider to pod elsewhere": source_seen(site.outsider, site.pod_elsewhere, POD_ELSEWHERE),
        "host to pod elsewhere": source_seen(site.first, site.pod_elsewhere, POD_ELSEWHERE),
        "host to pod": source_seen(site.first, site.pod, POD),
        "pod to node": source_seen(site.pod, site.second, SECOND),
        "node to pod": source_seen(site.second, site.pod, POD),
    }


def all_packets6(site: PodSite) -> dict[str, str]:
    """Give the same in IPv6."""
    elsewhere = site.pod_elsewhere
    return {
        "pod to outsider": source_seen(site.pod, site.outsider, OUTSIDER6),
        "pod to pod elsewhere": source_seen(site.pod, elsewhere, POD6_ELSEWHERE),
        "pod elsewhere to pod": source_seen(elsewhere, site.pod, POD6),
        "outsider to pod": source_seen(site.outsider, site.pod, POD6),
        "outsider to pod elsewhere": source_seen(site.outsider, elsewhere, POD6_ELSEWHERE),
        "host to pod elsewhere": source_seen(site.first, elsewhere, POD6_ELSEWHERE),
        "host to pod": source_seen(site.first, site.pod, POD6),
        "pod to node": source_seen(site.pod, site.second, SECOND6),
        "node to pod": source_seen(site.second, site.pod, POD6),
    }


RIGHT = {
    "pod to outsider": FIRST,
    "pod to pod elsewhere": POD,
    "pod elsewhere to pod": POD_ELSEWHERE,
    "outsider to pod": OUTSIDER,
    "outsider to pod elsewhere": FIRST,
    "host to pod elsewhere": FIRST,
    "host to pod": "10.5.1.1",
    "pod to node": POD,
    "node to pod": SECOND,
}
RIGHT6 = {
    "pod to outsider": FIRST6,
    "pod to pod elsewhere": POD6,
    "pod elsewhere to pod": POD6_ELSEWHERE,
    "outsider to pod": OUTSIDER6,
    "outsider to pod elsewhere": FIRST6,
    "host to pod elsewhere": FIRST6,
    "host to pod": "fd00:5:0:1::1",
    "pod to node": POD6,
    "node to pod": SECOND6,
}
UNTOUCHED = RIGHT | {"pod to outsider": POD, "outsider to pod elsewhere": OUTSIDER}
UNTOUCHED6 = RIGHT6 | {"pod to outsider": POD6, "outsider to pod elsewhere": OUTSIDER6}
