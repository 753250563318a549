"""Servers that delete when a test says so: what is asked for lies in a file of their folder, the outcome in another.

To such a server every message is old: its clock for deletions is a year ahead.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from twisted.internet import reactor as _reactor
from twisted.internet.task import deferLater

from test.running.server import TWISTD, Server

reactor: Any = _reactor
SECONDS: Final = 120
AHEAD_MS: Final = 365 * 24 * 3600 * 1000
ORDERED: Final = f"""
import json, os
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
import twim.node
start = twim.node.Node.start

def look(node):
    if not os.path.exists("order.json"):
        return
    with open("order.json") as file:
        what, value = json.load(file)
    os.unlink("order.json")
    parts = node.deletion
    work = parts.retention.delete_older(value) if what == "delete" else parts.erasure.erase(value)
    Deferred.fromCoroutine(work).addCallbacks(tell, lambda failure: tell(failure.getErrorMessage()))

def tell(outcome):
    with open("outcome.part", "w") as file:
        json.dump(outcome, file)
    os.rename("outcome.part", "outcome.json")

def started(node):
    now = node.deletion.retention._now_ms
    node.deletion.retention._now_ms = lambda: now() + {AHEAD_MS}
    LoopingCall(look, node).start(0.02, now=False)
    return start(node)

twim.node.Node.start = started
"""


class Ordered(Server):
    """A server that takes orders."""

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        super().__init__(folder, options)
        self._arguments[2] = ORDERED + TWISTD

    def order(self, what: str, value: int) -> None:
        """Ask for ``delete`` (with days) or ``erase`` (with a user's id)."""
        (self._folder / "outcome.json").unlink(missing_ok=True)
        part = self._folder / "order.part"
        part.write_text(json.dumps([what, value]))
        part.rename(self._folder / "order.json")

    @property
    def outcome(self) -> Any:
        """What came of the last order; "" while nothing has."""
        path = self._folder / "outcome.json"
        return json.loads(path.read_text()) if path.exists() else ""

    @property
    def is_taken(self) -> bool:
        """Whether the last order has begun."""
        return not (self._folder / "order.json").exists()

    async def done(self) -> Any:
        """What comes of the last order."""
        deadline = time.monotonic() + SECONDS
        while (outcome := self.outcome) == "":
            assert time.monotonic() < deadline, self.log[-4000:]
            await deferLater(reactor, 0.02)
        return outcome
