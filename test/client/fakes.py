"""A server for one client under test: its sockets and its history, in memory."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
from twisted.internet.task import Clock

from twim.client import Conversation, ImClient, Listener, Page, Place, Position
from twim.client.socket import Receiver, Socket
from twim.errors import Refusal
from twim.wire.message import Shown

ME = 1
PEER = 2
WITH_PEER = Place(10, PEER)


class FakeSocket:
    """What was said over it is in `said`, decoded."""

    def __init__(self, receiver: Receiver, token: str) -> None:
        self.receiver = receiver
        self.token = token
        self.said: list[dict[str, Any]] = []
        self.ended = False

    def say(self, payload: bytes) -> None:
        if not self.ended:
            self.said.append(msgspec.json.decode(payload))

    def close(self) -> None:
        self.end(1000)

    def abort(self) -> None:
        self.end(1006)

    def open(self) -> None:
        self.receiver.socket_opened(self)

    def hear(self, **fields: Any) -> None:
        """The server says this."""
        self.receiver.socket_said(self, msgspec.json.encode(fields))

    def end(self, code: int = 1006) -> None:
        if not self.ended:
            self.ended = True
            self.receiver.socket_closed(self, code, "")


class FakeRest:
    """History from `rows`; the next call raises `failing` when set."""

    url = "http://127.0.0.1:1"
    token = "t"

    def __init__(self) -> None:
        self.rows: dict[Place, list[Shown]] = {}
        self.asked: list[tuple[Place, int | None]] = []
        self.failing: Exception | None = None

    async def history(self, place: Place, *, after: int | None = None) -> Page:
        self.asked.append((place, after))
        failing, self.failing = self.failing, None
        if failing is not None:
            raise failing
        rows = self.rows.get(place, [])
        page = [row for row in rows if row.seq > (after or 0)][:200]
        return Page(page, max([row.seq for row in rows], default=0))


class Heard(Listener):
    """Keeps all it is told."""

    def __init__(self) -> None:
        self.messages: list[Shown] = []
        self.told: list[tuple[Any, ...]] = []

    def message(self, client: ImClient, message: Shown) -> None:
        self.messages.append(message)

    def caught_up(self, client: ImClient, conversations: Any) -> None:
        self.told.append(("caught_up", len(conversations)))

    def read(self, client: ImClient, place: Place, userid: int, seq: int) -> None:
        self.told.append(("read", place, userid, seq))

    def typing(self, client: ImClient, place: Place, userid: int) -> None:
        self.told.append(("typing", place, userid))

    def presence(self, client: ImClient, userid: int, online: bool) -> None:
        self.told.append(("presence", userid, online))

    def changed(self, client: ImClient, what: str, fields: dict[str, Any]) -> None:
        self.told.append(("changed", what, fields))

    def reset(self, client: ImClient) -> None:
        self.told.append(("reset",))
        self.messages.clear()

    def state(self, client: ImClient, state: Any) -> None:
        self.told.append(("state", str(state)))

    def seqs(self, place: Place = WITH_PEER) -> list[int]:
        return [m.seq for m in self.messages if place in (Place(m.cmd, m.dstid), Place(m.cmd, m.userid))]


class Bench:
    """A client with everything around it."""

    def __init__(self, position: Position | None = None, listener: Heard | None = None) -> None:
        self.clock = Clock()
        self.rest = FakeRest()
        self.heard = listener or Heard()
        self.sockets: list[FakeSocket] = []
        self.client = ImClient(
            self.clock,
            self.rest,  # type: ignore[arg-type]
            ME,
            self.heard,
            position,
            dial=self.dial,
            random=Random(7),
        )

    def dial(self, receiver: Receiver, token: str) -> Socket:
        self.sockets.append(FakeSocket(receiver, token))
        return self.sockets[-1]

    @property
    def socket(self) -> FakeSocket:
        return self.sockets[-1]

    def online(self, **caught_up: Any) -> FakeSocket:
        """Connect, or connect again, up to the end of the catch-up."""
        if not self.sockets:
            self.client.connect().addErrback(lambda failure: failure.trap(Exception))
        elif self.socket.ended:
            self.clock.advance(60)
        self.socket.open()
        self.socket.hear(**{"cmd": 4, "epoch": "e1", "rows": []} | caught_up)
        return self.socket

    def settle(self) -> None:
        """Let every gap's patience pass."""
        for _ in range(10):
            self.clock.advance(0.1)


def row(place: Place, seq: int, read: int = 0) -> dict[str, Any]:
    return msgspec.to_builtins(Conversation(place.scope, place.dstid, seq, read))


def from_peer(seq: int, **more: Any) -> dict[str, Any]:
    return {
        "cmd": 10,
        "userid": PEER,
        "dstid": ME,
        "media": 1,
        "content": f"m{seq}",
        "seq": seq,
        "at": seq,
    } | more


def shown(seq: int) -> Shown:
    return msgspec.convert(from_peer(seq), Shown)


NOT_A_MEMBER = Refusal("not yours", status=403)
