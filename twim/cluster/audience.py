"""The one who listens to a bus, called so that his mistakes don't end it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from twim.cluster.interface import Listener
from twim.cluster.nodes import Record


class Audience:
    """Tells the listener; logs his exceptions. Silent before `open` and after `close`."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._listener: Listener | None = None

    def open(self, listener: Listener) -> None:
        """From now on `listener` is told."""
        self._listener = listener

    def close(self) -> None:
        """From now on nobody is told."""
        self._listener = None

    def hear(self, record: Record, event: bytes) -> None:
        """`record`'s node published `event`."""
        if self._listener is None:
            return
        record.meter.events += 1
        record.meter.bytes += len(event)
        try:
            self._listener.heard(record.node, event)
        except Exception:
            self._log.failure("an event of {node} could not be handled", node=record.node)

    def miss(self, record: Record | None) -> None:
        """Something of its node is lost; of all nodes, if None."""
        if record is not None:
            record.lost += 1
        if self._listener is not None:
            self._tell(self._listener.missed, None if record is None else record.node)

    def up(self, record: Record) -> None:
        """Its node is there."""
        self._log.info("node {node} at {address} is up", node=record.node, address=record.address)
        if self._listener is not None:
            self._tell(self._listener.node_up, record.info())

    def down(self, record: Record) -> None:
        """Its node is gone."""
        self._log.info("node {node} at {address} is down", node=record.node, address=record.address)
        if self._listener is not None:
            self._tell(self._listener.node_down, record.info())

    def _tell(self, what: Callable[[Any], None], about: object) -> None:
        try:
            what(about)
        except Exception:
            self._log.failure("{what} could not be handled", what=getattr(what, "__name__", what))
