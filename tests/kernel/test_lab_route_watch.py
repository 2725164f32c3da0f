import pytest

from hostgw_cli.lab.route_watch import watch_routes
from support.waiting import eventually

pytestmark = pytest.mark.root


def test_nothing_that_was_seen_is_lost_by_looking(netns):
    """A route that is written down while somebody looks stands behind the others, not over them."""
    netns.ip("link", "set", "lo", "up")

    def seen():
        return [each.prefix for each in watch.sightings()]

    with watch_routes(netns) as watch:
        netns.ip("route", "add", "10.9.1.0/24", "dev", "lo")
        eventually(lambda: "10.9.1.0/24" in seen())
        watch._output.seek(0)  # a look begins, and the next line comes before it has read
        netns.ip("route", "add", "fd09:2::/64", "dev", "lo")
        eventually(lambda: "fd09:2::/64" in seen())
        assert "10.9.1.0/24" in seen()
