"""PostgreSQL's connections with a bound on every wait. The driver has none of its own, and the server's
`statement_timeout` says nothing when the network has swallowed the question or the answer."""

from __future__ import annotations

from collections.abc import Generator
from time import monotonic
from typing import Any

import psycopg

from twim.storage.server import bounds


class BoundedConnection(psycopg.Connection[Any]):
    """Closes itself, and raises `OperationalError`, when an answer takes longer than `bounds.ANSWER_SECONDS`."""

    def wait(self, gen: Any, *arguments: Any, **named: Any) -> Any:
        """The one method in which the driver waits."""
        return super().wait(self._bounded(gen), *arguments, **named)

    def _bounded(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        until = monotonic() + bounds.ANSWER_SECONDS
        try:
            wanted = next(gen)
            while True:
                # Resumed several times a second, ready or not.
                wanted = gen.send((yield wanted))
                if monotonic() > until:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no answer for {bounds.ANSWER_SECONDS} s")
        except StopIteration as end:
            return end.value
