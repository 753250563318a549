"""Keeps the settings of this node as the database has them, and changes them for all nodes.

A change is told on the bus. A node that wasn't told reads it within `POLL_SECONDS`, when it also tells the others, by
the database, which options it was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.config import ConfigError, check_live
from twim.errors import Conflict, Malformed, Refusal
from twim.logic.live_settings import Given, LiveSettings
from twim.logic.routing import Routing
from twim.storage.settings import SettingStore, Stored

POLL_SECONDS: Final = 30.0
GONE_MS: Final = 100_000  # after which a node that tells nothing is gone: three times it may be missed


class Settings:
    """Reads and changes `live`, for a node that `is_alone` or in a cluster. `node` is its id on the bus; `about` gives
    what it tells about itself in the database, for the operator."""

    log = Logger()

    def __init__(
        self,
        live: LiveSettings,
        store: SettingStore,
        routing: Routing,
        node: str,
        about: Callable[[], Mapping[str, str]],
        is_alone: bool,
        clock: IReactorTime,
        now_ms: Callable[[], int],
    ) -> None:
        self.live = live
        self._store = store
        self._routing = routing
        self._is_alone = is_alone
        self._now_ms = now_ms
        self._node = node
        self._about = about
        self._said: Mapping[str, frozenset[str]] = {}
        self._polling = LoopingCall(self._poll)
        self._polling.clock = clock
        self._reading = self._learned = 0

    def begin(self) -> None:
        """Read them, here and now: before anybody comes. Raises `Unavailable`."""
        self._learn(self._store.read_now(self._node, self._since()))

    def start(self) -> None:
        """Tell the other nodes what this one was given, and go on reading from time to time."""
        self._polling.start(POLL_SECONDS, now=False)
        told = Deferred.fromCoroutine(self._tell())
        told.addCallback(lambda _: self._routing.other_nodes.settings_changed()).addErrback(self._failed)

    async def stop(self) -> None:
        """Read them no more; the options of this node bind no others."""
        if not self._polling.running:
            return
        self._polling.stop()
        try:
            await self._store.leave(self._node)
            self._routing.other_nodes.settings_changed()
        except Refusal as error:  # the storage can't be used; the node is seen to be gone
            self.log.warn("the settings of this node stay for a while: {why}", why=error)

    async def read(self) -> None:
        """Learn what the database has."""
        self._reading += 1
        this = self._reading
        stored = await self._store.read(self._node, self._since())
        # Of two readings under way the one that began later knows more.
        if this > self._learned:
            self._learned = this
            self._learn(stored)

    def _learn(self, stored: Stored) -> None:
        self.live.learn(stored.changed, [Given(*one) for one in stored.elsewhere])
        differing = {name: frozenset(values.values()) for name, values in self.live.differing.items()}
        for name, values in differing.items():
            if values != self._said.get(name):
                self.log.warn(
                    "nodes were given different values of {name}: {values}; {value} holds",
                    name=name,
                    values=", ".join(sorted(values)),
                    value=self.live.value(name),
                )
        for name in self._said:
            if name not in differing:
                self.log.info("the nodes agree about {name} again: {value}", name=name, value=self.live.value(name))
        self._said = differing

    def heard(self) -> None:
        """Another node says that something changed, or may have."""
        Deferred.fromCoroutine(self.read()).addErrback(self._failed)

    async def change(self, name: str, value: str) -> None:
        """Change a setting for all nodes. `Malformed` for a name or value that is none; `Conflict` for one that a node
        was given as an option."""
        try:
            value = check_live(name, value)
        except ConfigError as error:
            raise Malformed(str(error)) from None
        await self.read()
        if self.live.is_fixed(name):
            raise Conflict(f"{name}: given as an option")
        await self._store.change(name, value, self._now_ms())
        self._routing.other_nodes.settings_changed()
        await self.read()

    async def _tell(self) -> None:
        now = self._now_ms()
        await self._store.tell(self._node, self.live.given, self._about(), now, now - GONE_MS)

    def _since(self) -> int:
        # A node that is alone knows that all others are gone, such as itself before it was killed.
        return self._now_ms() - (0 if self._is_alone else GONE_MS)

    def _poll(self) -> Deferred[None]:
        done = Deferred.fromCoroutine(self._tell_and_read())
        return done.addErrback(self._failed)

    async def _tell_and_read(self) -> None:
        await self._tell()
        await self.read()

    def _failed(self, failure: Failure) -> None:
        self.log.warn("the settings can't be read now: {why}", why=failure.getErrorMessage())
