"""The fixtures' index: each family of nouns lives in a module of its own in `support/`."""

import asyncio

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
    """Say that no loop is set, before plugins ask for one.

    On Python 3.11 asking makes one, which nobody closes, and the warning about it would fail
    whichever test the garbage collector runs in.
    """
    asyncio.set_event_loop(None)
