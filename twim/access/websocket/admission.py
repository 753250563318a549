"""Opens and closes the sessions of this node: who may connect, and which sessions are open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from twisted.internet.interfaces import IReactorTime

from twim.access.websocket.authentication import Authentication
from twim.errors import Unavailable
from twim.hub.hub import Hub
from twim.hub.outbox import OPENING_SECONDS, Outboxes, Socket
from twim.hub.session import Session
from twim.limits.limits import Limits
from twim.logic.accounts import LoggedIn, Tokens, hash_token
from twim.logic.dispatch import Dispatch
from twim.logic.presence import Presence
from twim.logic.routing import Routing
from twim.storage.interface import Circle
from twim.storage.relations import RelationStore

GOING_AWAY: Final = 1001
SERVICE_RESTART: Final = 1012
LOGGED_OUT: Final = 4401  # of the range that RFC 6455 leaves to applications: this device's token has ended


class Admitted(msgspec.Struct):
    """Whom a connection belongs to, once its token has been checked and before its session is open."""

    who: LoggedIn
    circle: Circle
    address: str = ""
    """What limits count its connection by (see `Asker.remote`)."""


class Admission:
    """Admits devices and keeps their sessions. Reactor thread only."""

    def __init__(
        self,
        tokens: Tokens,
        relations: RelationStore,
        hub: Hub,
        presence: Presence,
        routing: Routing,
        dispatch: Dispatch,
        outboxes: Outboxes,
        clock: IReactorTime,
        limits: Limits | None = None,
    ) -> None:
        self._tokens = tokens
        self._authentication = Authentication(tokens, relations, hub)
        self._hub = hub
        self._presence = presence
        self._routing = routing
        self._outboxes = outboxes
        # Called after each read of a socket: a method that only calls it would cost each read a call.
        self.flush = outboxes.flush
        self._clock = clock
        self.limits = limits or Limits(False, clock.seconds)
        self.received = dispatch.received
        self.closing = False
        self.closed_any = False

    def recall(self, token: str) -> Admitted | None:
        """Whose token this is, and whom they may write to, if both are known without asking the storage.
        `NotLoggedIn` for what can't be a token; `Unavailable` when nobody is admitted any more."""
        if self.closing:
            raise Unavailable("the server is restarting")
        who = self._tokens.known(hash_token(token))
        if who is None:
            return None
        present = self._hub.users.get(who.userid)
        if present is not None:
            return Admitted(who, present.circle)
        circle = self._hub.remembered.get(who.userid)
        return Admitted(who, circle) if circle is not None else None

    async def admit(self, token: str) -> Admitted:
        """Whose token this is, and whom they may write to. `NotLoggedIn` when it is nobody's."""
        admitted = self.recall(token) or Admitted(*await self._authentication.read(hash_token(token)))
        if self.closing:
            raise Unavailable("the server is restarting")
        return admitted

    def enter(self, admitted: Admitted, socket: Socket) -> Session:
        """Open the session of a device whose socket is open."""
        who, circle = admitted.who, admitted.circle
        first = who.userid not in self._hub.users
        self._hub.remembered.pop(who.userid, None)
        present = self._hub.enter(who.userid, circle)
        session = Session(present, who.deviceid, socket, self._outboxes)
        self._hub.add(present, session)
        session.opening = self._clock.callLater(OPENING_SECONDS, self._opened, session)
        if first:
            self._presence.came(present)
        return session

    def _opened(self, session: Session) -> None:
        session.opening = None
        session.release({})
        self.flush()

    def leave(self, session: Session) -> None:
        """Close the session of a device whose socket has ended."""
        session.closed()
        if self._hub.remove(session):
            self._presence.went(session.user)

    def registered(self, userid: int) -> None:
        """There is a new user, who has no friends yet: nothing will have to be read when it connects."""
        self._hub.remember(userid, Circle(set(), set()))

    def cut(self, userid: int, deviceid: int | None, code: int = LOGGED_OUT, reason: str = "logged out") -> None:
        """Close a device's connections, or all of the user's."""
        self._hub.changes += 1
        for session in list(self._hub.sessions_of(userid)):
            if deviceid is None or session.deviceid == deviceid:
                session.shut(code, reason)

    async def recheck(self) -> None:
        """Close the connections of devices whose log-in has ended without this node having heard of it."""
        await self._close_ended(self._tokens.recheck)

    async def look_for_ended(self) -> None:
        """The same, without reading every token again: for what may have been missed, where no loss is known."""
        await self._close_ended(self._tokens.find_ended)

    async def _close_ended(self, read: Callable[[list[int]], Awaitable[set[int]]]) -> None:
        here = [session for one in self._hub.users.values() for session in one.sessions]
        ended = await read([session.deviceid for session in here])
        for session in here:
            if session.deviceid in ended:
                session.shut(LOGGED_OUT, "logged out")

    def close(self) -> None:
        """Tell every device to reconnect, to another node or later. Nobody is admitted any more."""
        self.closing = True
        for present in list(self._hub.users.values()):
            for session in list(present.sessions):
                session.shut(SERVICE_RESTART, "restarting")
                self.closed_any = True
