"""What the adapter says when nft is missing, refuses, hangs or talks nonsense."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from hostgw_daemon.rules.firewall import NftFirewall
from hostgw_daemon.rules.nftables import FirewallError, FirewallMissing
from hostgw_daemon.rules.ruleset import desired
from support.pod_site import spec
from support.waiting import eventually

pytestmark = pytest.mark.root


@pytest.fixture
def stand_in(tmp_path):
    """Make a command that stands in for nft and does what a shell script says."""

    def make(script):
        path = tmp_path / "nft"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    return make


def alive(note):
    """Tell whether the process that noted its id is still there."""
    return Path(f"/proc/{note.read_text().strip()}").exists()


async def test_a_missing_nft_is_named_with_its_cure(tmp_path):
    """The sentence says which package to install."""
    with (
        NftFirewall(nft=[str(tmp_path / "nft")]) as firewall,
        pytest.raises(FirewallMissing, match="install the package nftables"),
    ):
        await firewall.read()


async def test_the_kernels_refusal_is_passed_on(netns):
    """Without CAP_NET_ADMIN nft says so, and so do we, in one line."""
    with netns.enter():
        firewall = NftFirewall(nft=netns.argv("setpriv", "--bounding-set=-net_admin", "nft"))
    with firewall:
        with pytest.raises(FirewallError, match=r"^nft refused: .*not permitted") as caught:
            await firewall.write(desired(spec()), ())
        assert "\n" not in str(caught.value)


async def test_half_a_transaction_is_nothing(netns):
    """When a later rule is refused, what stood before still stands."""
    with netns.enter():
        firewall = NftFirewall(nft=netns.argv("nft"))
    with firewall:
        await firewall.write(desired(spec()), ())
        before = await firewall.read()
        ruleset = desired(spec())
        chain = ruleset.tables[6][-1]
        broken = {**ruleset.tables, 6: (chain, chain, _without_type(chain))}
        with pytest.raises(FirewallError, match="nft refused"):
            await firewall.write(type(ruleset)(broken), ())
        assert await firewall.read() == before


def _without_type(chain):
    return type(chain)("bad", "route", chain.hook, chain.priority, chain.rules)


async def test_a_hanging_nft_is_ended_at_its_deadline(stand_in, tmp_path):
    """No process of it is left, and the loop gets a sentence."""
    note = tmp_path / "pid"
    command = stand_in(f"echo $$ > {note}\nexec sleep 1000")
    with (
        NftFirewall(nft=[command], deadline=0.5) as firewall,
        pytest.raises(FirewallError, match=r"within 0\.5 s"),
    ):
        await firewall.read()
    assert not alive(note)


async def test_a_cancelled_run_leaves_no_process(stand_in, tmp_path):
    """The daemon's end does not leave an nft behind."""
    note = tmp_path / "pid"
    command = stand_in(f"echo $$ > {note}\nexec sleep 1000")
    with NftFirewall(nft=[command]) as firewall:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(firewall.read())
            await asyncio.to_thread(eventually, lambda: note.exists() and note.read_text())
            task.cancel()
    assert not alive(note)


async def test_an_nft_without_json_is_a_sentence(stand_in):
    """Some small distributions build it so; what it says is passed on."""
    script = 'echo "Error: JSON support not compiled-in" >&2\nexit 1'
    with (
        NftFirewall(nft=[stand_in(script)]) as firewall,
        pytest.raises(FirewallError, match=r"^nft refused: JSON support not compiled-in$"),
    ):
        await firewall.write(desired(spec()), ())


async def test_the_answer_is_read_in_english_whatever_the_locale(stand_in, monkeypatch):
    """The environment's language does not reach nft."""
    monkeypatch.setitem(os.environ, "LC_ALL", "de_DE.UTF-8")
    script = 'echo "Error: $LC_ALL" >&2\nexit 1'
    with (
        NftFirewall(nft=[stand_in(script)]) as firewall,
        pytest.raises(FirewallError, match=r"^nft refused: C$"),
    ):
        await firewall.read()
