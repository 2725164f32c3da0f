"""DNS names the members: SRV records from a real name server, and new ones when all have left."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pytest

from hostgw_core.etcd import Etcd, EtcdSettings
from hostgw_core.etcd.discovery import srv_endpoints
from hostgw_core.store import StoreUnavailable
from support.certificates import Authority
from support.dns_server import dns_server
from support.etcd_recorder import Recorder
from support.etcd_server import EtcdServer, free_port

PLAIN = "_etcd-client._tcp.cluster.test."
TLS = "_etcd-client-ssl._tcp.cluster.test."


def record(server: EtcdServer, priority: int = 0) -> str:
    """Give the record of a server; `localhost` is a name that every host resolves."""
    return f"{priority} 10 {server.client_port} localhost."


async def test_members_are_found_and_found_again(make_etcd: Callable[..., EtcdServer]) -> None:
    """The client follows DNS when the members of before are gone, and not before."""
    one, two = make_etcd().start(), make_etcd().start()
    async with dns_server({PLAIN: [record(one)]}) as dns:
        seen = Recorder()
        discover = partial(srv_endpoints, server=dns.address)
        settings = EtcdSettings((), discovery_srv="cluster.test")
        async with Etcd(settings, observer=seen, discover=discover) as etcd:
            await etcd.list()
            dns.records[PLAIN] = [record(two)]
            await etcd.list()
            assert dns.asked == [TLS, PLAIN]
            one.stop()
            with pytest.raises(StoreUnavailable):
                await etcd.list()
            await etcd.list()
            dns.records.clear()
            await etcd.list()
    assert dns.asked == [TLS, PLAIN, TLS, PLAIN]
    assert seen.endpoints == [f"http://localhost:{server.client_port}" for server in (one, two)]


async def test_tls_is_not_talked_down(
    make_etcd: Callable[..., EtcdServer], authority: Authority
) -> None:
    """Where records for TLS exist, those without are not looked at."""
    guarded = make_etcd(tls=authority.issue("server"), host="localhost").start()
    client = authority.issue("client")
    async with dns_server({TLS: [record(guarded)], PLAIN: [f"0 0 {free_port()} x."]}) as dns:
        settings = EtcdSettings(
            (),
            discovery_srv="cluster.test",
            ca=str(client.ca),
            cert=str(client.cert),
            key=str(client.key),
        )
        discover = partial(srv_endpoints, server=dns.address)
        async with Etcd(settings, discover=discover) as etcd:
            assert (await etcd.list()).header.revision
        assert dns.asked == [TLS]


async def test_a_lost_question_is_no_answer() -> None:
    """That nobody answered about TLS does not mean that there is none."""
    async with dns_server({PLAIN: ["0 0 2379 localhost."]}) as dns:
        dns.dropped.add(TLS)
        with pytest.raises(StoreUnavailable):
            await srv_endpoints("cluster.test", 0.5, server=dns.address)
    assert PLAIN not in dns.asked


async def test_certificates_want_tls(authority: Authority) -> None:
    """Who has certificates for etcd does not speak to members without TLS, whatever DNS says."""
    async with dns_server({PLAIN: [f"0 0 {free_port()} localhost."]}) as dns:
        discover = partial(srv_endpoints, server=dns.address)
        settings = EtcdSettings((), discovery_srv="cluster.test", ca=str(authority.cert))
        async with Etcd(settings, discover=discover) as etcd:
            with pytest.raises(StoreUnavailable, match="only members of etcd without TLS"):
                await etcd.list()


async def test_records_come_in_their_order_of_priority() -> None:
    """A lower priority number is tried first."""
    lines = [f"{priority} 5 {2000 + priority} host{priority}." for priority in (30, 10, 20)]
    async with dns_server({PLAIN: lines}) as dns:
        found = await srv_endpoints("cluster.test", 2, server=dns.address)
    assert [str(endpoint) for endpoint in found] == [
        "http://host10:2010",
        "http://host20:2020",
        "http://host30:2030",
    ]


async def test_a_domain_without_records_is_named() -> None:
    """No record: StoreUnavailable with the domain and the command that shows it."""
    async with dns_server({}) as dns:
        discover = partial(srv_endpoints, server=dns.address)
        async with Etcd(EtcdSettings((), discovery_srv="cluster.test"), discover=discover) as etcd:
            with pytest.raises(StoreUnavailable, match=r"cluster\.test.*dig SRV"):
                await etcd.list()


async def test_a_silent_name_server_has_a_deadline() -> None:
    """A name server that does not answer costs a verb its deadline, and no more."""
    discover = partial(srv_endpoints, server=("127.0.0.1", free_port()))
    settings = EtcdSettings((), discovery_srv="cluster.test", timeout=0.4)
    async with Etcd(settings, discover=discover) as etcd:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"for cluster\.test"):
            await etcd.list()
        assert time.monotonic() - began < 0.9
