"""The container runtime of a host, as far as networks go: it runs CNI plugins.

As libcni does for containerd and CRI-O: each plugin of the list is run inside the host's namespace,
with its part of the list on its standard input and the container named in its environment (CNI
specification 1.0.0, sections 2 and 3). A container is detached with the very list, arguments and
result that it was attached with, so these are kept: below the host's folder, beside the notes of
`host-local`, so that nothing of a lab is ever in /var/lib/cni.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hostgw_cli.lab.conflist import Conflist, Json, read
from hostgw_cli.lab.netns import Namespace
from hostgw_cli.lab.topology import LabError

PATH = "/opt/cni/bin:/usr/lib/cni"
"""Where plugins are: where the projects' own releases unpack, and where Debian puts them."""

INTERFACE = "eth0"


@dataclass(frozen=True, slots=True)
class _Attached:
    """What a container was attached with, and what came of it."""

    conflist: Conflist
    given: Json
    result: Json

    def written(self) -> str:
        said = {"list": self.conflist.written(), "given": self.given, "result": self.result}
        return json.dumps(said)


class Plugins:
    """The plugins of one host, and the notes about its containers in `folder`.

    Every method raises LabError, with the plugin's own words.
    """

    def __init__(self, host: Namespace, folder: Path) -> None:
        self._host = host
        self._folder = folder

    def attach(self, container: Namespace, conflist: Conflist, given: Json | None = None) -> Json:
        """Attach a container, and give the result: its interfaces, addresses, routes.

        `given` are the runtime's arguments by capability, such as `portMappings`. If a plugin
        fails, what those before it have done is undone.
        """
        kept = conflist.keeping(str(self._folder / "networks"))
        result: Json | None = None
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            for plugin in kept.plugins:
                told = kept.told(plugin, given=given, before=result)
                result = self._run("ADD", told, container)
        except LabError:
            # The specification: after an ADD that failed, a DEL. A plugin that refuses its part of
            # the list refuses it there as well, and the first failure tells more.
            with suppress(LabError):
                self._delete(_Attached(kept, given or {}, result or {}), container)
            raise
        attached = _Attached(kept, given or {}, result or {})
        self._note(container).write_text(attached.written())
        return attached.result

    def check(self, container: Namespace) -> None:
        """Have the plugins look whether a container still is as they have left it.

        Nobody looks where the list forbids it.
        """
        attached = self._attached(container)
        if attached is None:
            raise LabError(f"{container.name} is not attached")
        for plugin in () if attached.conflist.unchecked else attached.conflist.plugins:
            self._run("CHECK", self._told(attached, plugin), container)

    def detach(self, container: Namespace) -> None:
        """Undo what was done to attach a container; one that is not attached is no error."""
        if (attached := self._attached(container)) is not None:
            self._delete(attached, container)
            self._note(container).unlink()

    def detach_all(self, containers: Iterable[Namespace]) -> None:
        """Detach containers, and forget which addresses were given out.

        A bridge stays when its last container goes, and the plugin then refuses a subnet that has
        moved ("cni0 already has an IP address different from ..."), unless the list says that it
        may give the bridge another address. What an operator does in that case is done here.
        """
        bridges: set[str] = set()
        for container in containers:
            if (attached := self._attached(container)) is not None:
                bridges.update(attached.conflist.firm_bridges)
                self.detach(container)
        if bridges:
            with self._host.links() as links:
                for bridge in bridges:
                    links.delete(bridge)
        self.forget()

    def forget(self) -> None:
        """Lose all notes, as a host does whose power is cut: its containers are gone as well."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _delete(self, attached: _Attached, container: Namespace) -> None:
        """Have every plugin undo its part, also after one that fails."""
        with ExitStack() as rest:
            for plugin in attached.conflist.plugins:  # the last one first: it is a stack
                rest.callback(self._run, "DEL", self._told(attached, plugin), container)

    @staticmethod
    def _told(attached: _Attached, plugin: Json) -> dict[str, Any]:
        # A result without interfaces is none: the very first plugin has failed.
        before = attached.result or None
        return attached.conflist.told(plugin, given=attached.given, before=before)

    def _run(self, command: str, told: Json, container: Namespace) -> dict[str, Any]:
        """Run one plugin; give what it answers, an empty object if it says nothing."""
        kind = told["type"]
        plugin = shutil.which(kind, path=PATH)
        if plugin is None:
            raise LabError(
                f"there is no CNI plugin {kind} in {PATH}: install containernetworking-plugins"
            )
        words = (
            f"CNI_COMMAND={command}",
            f"CNI_CONTAINERID={container.name}",
            f"CNI_NETNS={container.path}",
            f"CNI_IFNAME={INTERFACE}",
            f"CNI_PATH={PATH}",
        )
        done = self._host.run("env", *words, plugin, input=json.dumps(told), check=False)
        try:
            answer: dict[str, Any] = json.loads(done.stdout or "{}")
        except ValueError:
            answer = {"msg": done.stdout}
        if done.returncode != 0:
            why = ": ".join(filter(None, (answer.get("msg"), answer.get("details"))))
            raise LabError(
                f"{container.name}: {command} by the CNI plugin {kind} failed: "
                f"{why or done.stderr.strip() or f'exit status {done.returncode}'}"
            )
        return answer

    def _note(self, container: Namespace) -> Path:
        return self._folder / f"{container.name}.json"

    def _attached(self, container: Namespace) -> _Attached | None:
        note = self._note(container)
        try:
            said = json.loads(note.read_text())
        except FileNotFoundError:
            return None
        return _Attached(read(said["list"], source=str(note)), said["given"], said["result"])
