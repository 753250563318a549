"""What administrators do with the server as a whole: settings, deleting by age, audit log, nodes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twim.cluster.interface import Bus
from twim.hub.hub import Hub
from twim.logic.administration.acts import Actor, Result, page
from twim.logic.administration.values import Change, Page, Purge, Values
from twim.logic.retention import Retention
from twim.logic.settings import Settings
from twim.storage.audit import AuditStore


class ServerActs:
    """The acts `setting.…`, `purge`, `audit.list` and `node.list`."""

    def __init__(self, settings: Settings, retention: Retention, audit: AuditStore, bus: Bus, hub: Hub) -> None:
        self._settings = settings
        self._retention = retention
        self._audit = audit
        self._bus = bus
        self._hub = hub
        self.acts: dict[str, Callable[..., Awaitable[Result]]] = {
            "setting.list": self.settings,
            "setting.set": self.set,
            "purge": self.purge,
            "audit.list": self.audit,
            "node.list": self.nodes,
        }

    async def settings(self, values: Values, actor: Actor) -> Result:
        """All settings: `name, value, fixed` (1 for one that a node was given as an option)."""
        await self._settings.read()
        return {"rows": self._settings.live.rows(), "next": 0}

    async def set(self, values: Change, actor: Actor) -> Result:
        """Change a setting. `Malformed` for a name or value that is none, `Conflict` for one that is fixed."""
        await self._settings.change(values.name, values.value)
        return {}

    async def purge(self, values: Purge, actor: Actor) -> Result:
        """Delete messages that are older than `days`, and files that only they carried. Gives how many `messages`,
        `files` and `bytes` these were. `NotFound` for a group that isn't there, `Conflict` while another deletion runs
        on this node."""
        return dict(await self._retention.delete_older(values.days, values.group))

    async def audit(self, values: Page, actor: Actor) -> Result:
        """What administrators did, the newest first: `id, at, who, act, what`."""
        lines = await self._audit.lines(values.before, values.limit)
        return page([line.public() for line in lines], values.limit)

    async def nodes(self, values: Values, actor: Actor) -> Result:
        """The nodes that are up, this one first: as `NodeInfo.public`, with `differs`, the settings that it was given
        and another one otherwise."""
        self._bus.describe(connections=self._hub.connections)
        found = self._bus.nodes()
        differs = self._settings.live.differs
        rows = [
            node.public(found[0].last_seen) | {"differs": differs(node.node if position else "")}
            for position, node in enumerate(found)
        ]
        return {"rows": rows, "next": 0}
