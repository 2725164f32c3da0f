"""Daemons that wait less than the real one: what `-c` runs instead of `-m hostgw_daemon`."""

# One that waits for another node's end a second and not a minute, and looks again twice a second
# and not every ten seconds.
IMPATIENT = """\
import sys
from hostgw_daemon.claim import claimant, table
assert (table.PRESENCE_TTL, claimant._LOOK_AGAIN) == (60, 10)
table.PRESENCE_TTL, claimant._LOOK_AGAIN = 1, 0.5
from hostgw_daemon.__main__ import main
sys.exit(main())
"""
# One that looks at the store's upkeep twice a second and not every ten minutes, and to which two
# hundred revisions are a long history.
WATCHFUL = """\
import sys
from hostgw_core import upkeep
assert (upkeep.EVERY, upkeep.WHILE_FULL, upkeep.SHORT) == (600, 30, 100_000)
upkeep.EVERY, upkeep.WHILE_FULL, upkeep.SHORT = 0.5, 0.5, 200
from hostgw_daemon.__main__ import main
sys.exit(main())
"""
# One that may be given a `--lease-ttl` of seconds, and not of a minute at least.
HASTY = """\
import sys
from hostgw_core.settings import kinds
whole_seconds = kinds.whole_seconds
kinds.whole_seconds = lambda least, most: whole_seconds(1, most)
from hostgw_daemon.__main__ import main
sys.exit(main())
"""
