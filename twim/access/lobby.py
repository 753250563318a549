"""Where connections become sessions: who may enter, who is here, who left."""

from __future__ import annotations

from typing import Final

import msgspec
from twisted.internet.interfaces import IReactorTime

from twim.access.newcomers import Newcomers
from twim.access.roster import Roster
from twim.access.session import OPENING_SECONDS, Session, Socket
from twim.errors import Unavailable
from twim.logic.accounts import LoggedIn, Tokens, hash_token
from twim.logic.dispatch import Dispatch
from twim.logic.presence import Presence
from twim.logic.routing import Routing
from twim.storage.relations import Circle, Relations

GOING_AWAY: Final = 1001
SERVICE_RESTART: Final = 1012
LOGGED_OUT: Final = 4401  # of the range that RFC 6455 leaves to applications: this device's token has ended


class Pass(msgspec.Struct):
    """Who was let in, before the socket is open."""

    who: LoggedIn
    circle: Circle


class Lobby:
    """Admits devices and keeps their sessions. Reactor thread only."""

    def __init__(
        self,
        tokens: Tokens,
        relations: Relations,
        roster: Roster,
        presence: Presence,
        routing: Routing,
        dispatch: Dispatch,
        dirty: list[Session],
        clock: IReactorTime,
    ) -> None:
        self._tokens = tokens
        self._newcomers = Newcomers(tokens, relations, roster)
        self._roster = roster
        self._presence = presence
        self._routing = routing
        self._dirty = dirty
        self._clock = clock
        self.received = dispatch.received
        self.closing = False
        self.closed_any = False

    def recall(self, token: str) -> Pass | None:
        """Whose token this is, and whom they may write to, if both are known without asking the storage.
        `NotLoggedIn` for what can't be a token; `Unavailable` when nobody is admitted any more."""
        if self.closing:
            raise Unavailable("the server is restarting")
        who = self._tokens.known(hash_token(token))
        if who is None:
            return None
        present = self._roster.users.get(who.userid)
        if present is not None:
            return Pass(who, Circle(present.friends, present.groups))
        circle = self._roster.circles.get(who.userid)
        return Pass(who, Circle(*circle)) if circle is not None else None

    async def admit(self, token: str) -> Pass:
        """Whose token this is, and whom they may write to. `NotLoggedIn` when it is nobody's."""
        admitted = self.recall(token) or Pass(*await self._newcomers.read(hash_token(token)))
        if self.closing:
            raise Unavailable("the server is restarting")
        return admitted

    def enter(self, admitted: Pass, socket: Socket) -> Session:
        """The device's socket is open."""
        who, circle = admitted.who, admitted.circle
        first = who.userid not in self._roster.users
        self._roster.circles.pop(who.userid, None)
        present = self._roster.enter(who.userid, circle.friends, circle.groups)
        session = Session(present, who.deviceid, socket, self._dirty)
        self._roster.add(present, session)
        session.opening = self._clock.callLater(OPENING_SECONDS, self._opened, session)
        if first:
            self._presence.came(present)
        return session

    def _opened(self, session: Session) -> None:
        session.opening = None
        session.release({})
        self.flush()

    def leave(self, session: Session) -> None:
        """The device's socket is gone."""
        session.closed()
        if self._roster.remove(session.user, session):
            self._presence.went(session.user)

    def flush(self) -> None:
        """Write what is waiting in outboxes."""
        if self._dirty:
            self._routing.flush()

    def registered(self, userid: int) -> None:
        """There is a new user, who has no friends yet: nothing will have to be read when it connects."""
        self._roster.remember(userid, set(), set())

    def cut(self, userid: int, deviceid: int | None, code: int = LOGGED_OUT, reason: str = "logged out") -> None:
        """Close a device's connections, or all of the user's."""
        self._roster.changes += 1
        for session in list(self._roster.sessions_of(userid)):
            if deviceid is None or session.deviceid == deviceid:
                session.shut(code, reason)

    async def recheck(self) -> None:
        """Close the connections of devices that have ended without this node having heard of it."""
        here = [session for one in self._roster.users.values() for session in one.sessions]
        ended = await self._tokens.recheck([session.deviceid for session in here])
        for session in here:
            if session.deviceid in ended:
                session.shut(LOGGED_OUT, "logged out")

    def close(self) -> None:
        """Tell every device to reconnect elsewhere, or later. Nobody is admitted any more."""
        self.closing = True
        for present in list(self._roster.users.values()):
            for session in list(present.sessions):
                session.shut(SERVICE_RESTART, "restarting")
                self.closed_any = True
