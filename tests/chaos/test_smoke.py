"""A handful of faults in a real cluster, with packets in flight. The long run is `make chaos`."""

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chaos.__main__ import play
from chaos.faults import named
from chaos.schedule import SHAPES, episode
from hostgw_cli.lab.netns import DIRECTORY
from support.lab_fixtures import left_behind
from support.waiting import eventually

pytestmark = pytest.mark.root

TESTS = Path(__file__).parents[1]

# Each alone or together: how soon a mistake shows, for how little time.
HANDFUL = (
    "daemon-killed,routes-flushed",
    "etcd-killed",
    "link-flap",
    "compacted-while-frozen",
    "all-restarted,mtu-changed",
    "route-replaced,streams-dropped",
    "bad-records,neighbours-forgotten",
)


def on_one_cluster(names):
    """Give an episode with these faults on the first shape: one cluster serves them all."""
    drawn = (episode(seed, named(names)) for seed in itertools.count())
    return next(each for each in drawn if each.shape == SHAPES[0])


def test_a_handful_of_faults_loses_no_packet():
    """Every invariant holds; what a fault allows is the only loss."""
    outcomes = list(play([on_one_cluster(names) for names in HANDFUL]))
    wrong = {each.episode.command: each.violations for each in outcomes if not each.well}
    assert not wrong, "\n".join(f"{command}: {why}" for command, why in wrong.items())
    assert len(outcomes) == len(HANDFUL)
    assert all(each.sent > 1000 for each in outcomes)


def test_ctrl_c_leaves_nothing_behind():
    """In the midst of it: no namespace, no process, no file."""
    with subprocess.Popen(
        [sys.executable, "-m", "chaos", "--seed=1", "--only=etcd-frozen"],
        env={**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    ) as process:
        try:
            name = f"chaos{process.pid}_0_1"
            eventually((DIRECTORY / f"hgw-{name}-n1-c1").exists, within=20.0)
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=30.0)
        finally:
            process.kill()
    assert "Interrupted; everything is taken down" in said
    assert process.returncode == 130
    assert left_behind(name) == []
