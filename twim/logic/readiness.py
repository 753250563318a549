"""Whether this node should be sent clients: it can store, it hears the other nodes, and it isn't about to end."""

from __future__ import annotations

from twim.cluster.interface import Bus
from twim.storage.probe import CommitProbe


class Readiness:
    """Of one node."""

    def __init__(self, probe: CommitProbe, bus: Bus) -> None:
        self._probe = probe
        self._bus = bus
        self.draining = False
        """Whether the node is ending: it answers who is here, and wants nobody else."""

    async def parts(self) -> dict[str, bool]:
        """Each part by its name, and whether it is as it has to be."""
        database = False if self.draining else await self._probe.works()
        return {"database": database, "bus": self._bus.joined, "serving": not self.draining}
