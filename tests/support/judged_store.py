"""A store of leases and their judgement, changed a few keys at a time as a watch tells it."""

from __future__ import annotations

from collections.abc import Iterable

from hostgw_core.store import Change, Deleted, Entry
from hostgw_daemon.routes.judgement import accept, amend
from hostgw_daemon.routes.peers import Policy, Roster
from support.lease_world import key


class JudgedStore:
    """`roster` is the judgement of what is in it."""

    def __init__(self, rules: Policy) -> None:
        self.roster: Roster = accept([], rules)
        self._rules = rules
        self._entries: dict[bytes, Entry] = {}
        self._revision = 1

    def change(
        self, acts: Iterable[tuple[str, bytes | None]]
    ) -> tuple[Roster, frozenset[bytes] | None]:
        """Write values under names of subnets, None to delete; give the roster and who moved.

        None: everything was judged anew.
        """
        changes: list[Change] = []
        for name, content in acts:
            self._revision += 1
            old = self._entries.pop(key(name), None)
            if content is not None:
                created = old.created if old else self._revision
                entry = Entry(key(name), content, created, self._revision, 1, 0)
                self._entries[key(name)] = entry
                changes.append(entry)
            elif old:
                changes.append(Deleted(key(name), self._revision))
        result = amend(self.roster, changes)
        if result is None:
            self.roster = accept(self._entries.values(), self._rules, self.roster)
            return self.roster, None
        self.roster = result[0]
        return result
