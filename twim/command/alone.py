"""A node that listens nowhere: it carries out what a command wants where no server runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from twim.command.reactor_thread import ReactorThread
from twim.config import Config
from twim.logic.administration.acts import Actor
from twim.node import Node
from twim.storage.database import Database
from twim.storage.opening import open_database

Say = Callable[[str], None]


class Alone:
    """The node of `config` on a database whose threads run, and which no server uses unless many may."""

    def __init__(self, config: Config, database: Database, thread: ReactorThread, note: Say) -> None:
        self._database = database
        self._reactor_thread = thread
        self._node: Node | None = None
        thread.do(lambda: self._start(replace(config, shortcuts=frozenset()), note))

    async def _start(self, config: Config, note: Say) -> None:
        epoch = open_database(self._database)
        reactor = self._reactor_thread.reactor
        node = Node(config, self._database, epoch, reactor)
        try:
            await node.start()
        except OSError as error:
            # The other nodes aren't told, and find it in the database by themselves.
            note(f"--bus can't be joined ({error.strerror or error})")
            await node.stop(reactor)
            node = Node(replace(config, bus="alone"), self._database, epoch, reactor)
            await node.start()
        self._node = node

    def act(self, name: str, values: Mapping[str, object], actor: Actor) -> dict[str, Any]:
        """Carry out an act. `Refusal`."""
        node = self._node
        assert node is not None
        return self._reactor_thread.do(lambda: node.administration.act(name, values, actor))

    def stop(self) -> None:
        """End it."""
        if self._node is not None:
            node = self._node
            self._reactor_thread.do(lambda: node.stop(self._reactor_thread.reactor))
