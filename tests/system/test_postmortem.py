"""What a test says of a daemon that is not ready: the next unexplained failure explains itself."""

import signal

import pytest

from support.daemon import shows
from support.daemon_fixtures import Cluster
from support.postmortem import account
from support.waiting import eventually

pytestmark = pytest.mark.root


def test_a_daemon_that_waits_says_what_for(cluster: Cluster):
    """Its checks, its conditions, the state of its store, its host's neighbours and its log."""
    node = cluster.daemon()
    node.endpoints = "http://127.0.0.1:9"
    node.start(wait=False)
    eventually(shows(node, "store_unavailable"), within=20)
    with pytest.raises(AssertionError) as failure:
        node.wait_ready(0.5)
    said = str(failure.value)
    for word in ("[-]lease_held failed", "store_unavailable", "its host's neighbours", '"event"'):
        assert word in said, said


def test_a_daemon_that_hangs_shows_where(cluster: Cluster):
    """It does not answer, so it is ended with its stacks in its log."""
    node = cluster.daemon().start()
    node.send(signal.SIGSTOP)
    said = account(node)
    assert "it does not answer" in said
    assert "Fatal Python error: Aborted" in said
    assert "base_events.py" in said
    assert not node.running
