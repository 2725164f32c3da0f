"""Print docs/settings.md. A program with settings of its own is added to the list."""

from hostgw_controller.settings import PROGRAM as CONTROLLER
from hostgw_core.settings.page import page
from hostgw_daemon.declarations import PROGRAM as HOSTGWD

PROGRAMS = (HOSTGWD, CONTROLLER)

if __name__ == "__main__":
    print(page(PROGRAMS), end="")
