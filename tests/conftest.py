"""The fixtures' index: each family of nouns lives in a module of its own in `support/`."""

import asyncio
import signal

import pytest

pytest_plugins = [
    "support.etcd_fixtures",
    "support.netns_fixtures",
    "support.lab_fixtures",
    "support.daemon_fixtures",
    "support.frail_fixtures",
    "support.networks_fixtures",
]


def pytest_configure(config: pytest.Config) -> None:
    """Say that no loop is set, before plugins ask for one, and let Ctrl-C be Ctrl-C.

    On Python 3.11 asking makes a loop, which nobody closes, and the warning about it would fail
    whichever test the garbage collector runs in. A shell starts what is to run in the background
    with SIGINT ignored; every child inherits that, and those that a test ends so would never end.
    """
    asyncio.set_event_loop(None)
    signal.signal(signal.SIGINT, signal.default_int_handler)
