"""The way to etcd is bad: nothing comes through, some of it does not, or late, or streams end.

The way of the containers' packets is another one, and nothing may be lost on it.
"""

from __future__ import annotations

from typing import Final

from chaos.fault import Fault, Ground, Injection, on
from chaos.stage import Stage
from hostgw_cli.lab.netns import Namespace

_TABLE: Final = "inet chaos"
_PORTS: Final = "{ 2379, 12379-12381 }"
_HELD_UP: Final = 12.0  # seconds in which a connection that says nothing is left, and then two


def _filter(inside: Namespace, verdict: str) -> None:
    rules = f"""
        table {_TABLE} {{
            chain output {{
                type filter hook output priority 0;
                tcp dport {_PORTS} {verdict}
            }}
            chain input {{
                type filter hook input priority 0;
                tcp sport {_PORTS} {verdict}
            }}
        }}
    """
    inside.run("nft", "-f", "-", input=rules)


def _cut_off(stage: Stage, injection: Injection) -> None:
    _filter(stage.hosts[injection.host].namespace, "drop")


def _lossy(stage: Stage, injection: Injection) -> None:
    percent = injection.chance.randrange(5, 40)
    verdict = f"numgen random mod 100 < {percent} drop"
    _filter(stage.hosts[injection.host].namespace, verdict)


def _open(stage: Stage, injection: Injection) -> None:
    stage.hosts[injection.host].run("nft", "delete", "table", *_TABLE.split())


def _delay(stage: Stage, injection: Injection) -> None:
    stage.proxy.delay = injection.chance.uniform(0.02, 0.4)


def _no_delay(stage: Stage, _injection: Injection) -> None:
    stage.proxy.delay = 0.0


def _drop(stage: Stage, injection: Injection) -> None:
    for _ in range(injection.chance.randrange(1, 5)):
        stage.proxy.drop()
        stage.rest(0.2)


def _stall(stage: Stage, _injection: Injection) -> None:
    stage.proxy.stall(stalled=True)


def _flow(stage: Stage, _injection: Injection) -> None:
    stage.proxy.stall(stalled=False)


FAULTS: Final = (
    Fault("etcd-half-open", on(Ground.HOST), _cut_off, _open, lasts=(1.0, 15.0), within=_HELD_UP),
    Fault("etcd-lossy", on(Ground.HOST), _lossy, _open, lasts=(1.0, 6.0), within=_HELD_UP),
    Fault("etcd-delayed", on(Ground.PROXY), _delay, _no_delay, lasts=(1.0, 5.0), within=5.0),
    Fault("streams-dropped", on(Ground.PROXY), _drop, within=5.0),
    Fault(
        "streams-stalled",
        on(Ground.PROXY),
        _stall,
        _flow,
        lasts=(1.0, 15.0),
        within=_HELD_UP,
    ),
)
