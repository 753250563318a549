"""Calls the listener of a bus so that an exception of the listener does not end the bus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from twim.cluster.interface import Listener
from twim.cluster.nodes import Record
from twim.cluster.problem_log import ProblemLog, printable


class Audience:
    """Calls the listener and logs its exceptions, with a rate limit. Does nothing before `open` and after `close`."""

    def __init__(self, log: Logger, problems: ProblemLog) -> None:
        self._log = log
        self._problems = problems
        self._listener: Listener | None = None

    def open(self, listener: Listener) -> None:
        """Call `listener` from now on."""
        self._listener = listener

    def close(self) -> None:
        """Call no listener any more."""
        self._listener = None

    def hear(self, record: Record, event: bytes) -> None:
        """Deliver an `event` that the node of `record` published."""
        if self._listener is None:
            return
        record.meter.events += 1
        record.meter.bytes += len(event)
        try:
            self._listener.heard(record.node, event)
        except Exception:
            self._problems.failure("an event could not be handled", record.node)

    def miss(self, record: Record | None) -> None:
        """Report that events of this node are lost; of any node if None."""
        if record is not None:
            record.lost += 1
        if self._listener is not None:
            self._call(self._listener.missed, None if record is None else record.node)

    def up(self, record: Record) -> None:
        """Report that this node is up."""
        self._log_line("node {node} at {address} is up", record)
        if self._listener is not None:
            self._call(self._listener.node_up, record.info())

    def down(self, record: Record) -> None:
        """Report that this node is down."""
        self._log_line("node {node} at {address} is down", record)
        if self._listener is not None:
            self._call(self._listener.node_down, record.info())

    def _log_line(self, what: str, record: Record) -> None:
        if self._problems.has_room():
            self._log.info(what, node=record.node, address=printable(record.address))
        else:
            self._problems.warn("more nodes come and go than are worth a line each", record.node)

    def _call(self, method: Callable[[Any], None], about: object) -> None:
        try:
            method(about)
        except Exception:
            self._problems.failure("an event of a node could not be handled", getattr(method, "__name__", method))
