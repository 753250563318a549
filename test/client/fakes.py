"""A server for one client under test: its sockets and its history, in memory."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
from twisted.internet.task import Clock

from twim.client import Conversation, ConversationKey, ImClient, Listener, Page, Position
from twim.client.socket import Receiver, Socket
from twim.errors import Refusal
from twim.wire.message import Shown

ME = 1
PEER = 2
WITH_PEER = ConversationKey(10, PEER)


class FakeSocket:
    """A socket whose sent frames are in `sent`, decoded."""

    def __init__(self, receiver: Receiver, token: str) -> None:
        self.receiver = receiver
        self.token = token
        self.sent: list[dict[str, Any]] = []
        self.ended = False

    def send(self, payload: bytes) -> None:
        if not self.ended:
            self.sent.append(msgspec.json.decode(payload))

    def close(self) -> None:
        self.end(1000)

    def abort(self) -> None:
        self.end(1006)

    def open(self) -> None:
        self.receiver.socket_opened(self)

    def hear(self, **fields: Any) -> None:
        """Let the server send this frame."""
        self.receiver.socket_received(self, msgspec.json.encode(fields))

    def end(self, code: int = 1006) -> None:
        if not self.ended:
            self.ended = True
            self.receiver.socket_closed(self, code, "")


class FakeRest:
    """History from `rows`; the next call raises `failing` when set."""

    url = "http://127.0.0.1:1"
    token = "t"

    def __init__(self) -> None:
        self.rows: dict[ConversationKey, list[Shown]] = {}
        self.heads: dict[ConversationKey, int] = {}
        self.asked: list[tuple[ConversationKey, int | None]] = []
        self.failing: Exception | None = None
        self.listed: list[Conversation] = []

    async def conversations(self) -> list[Conversation]:
        return self.listed

    async def history(self, conversation: ConversationKey, *, after: int | None = None) -> Page:
        self.asked.append((conversation, after))
        failing, self.failing = self.failing, None
        if failing is not None:
            raise failing
        rows = self.rows.get(conversation, [])
        page = [row for row in rows if row.seq > (after or 0)][:200]
        return Page(page, self.heads.get(conversation) or max([row.seq for row in rows], default=0))


class RecordingListener(Listener):
    """A listener that keeps everything it is told."""

    def __init__(self) -> None:
        self.messages: list[Shown] = []
        self.calls: list[tuple[Any, ...]] = []

    def message(self, client: ImClient, message: Shown) -> None:
        self.messages.append(message)

    def caught_up(self, client: ImClient, conversations: Any) -> None:
        self.calls.append(("caught_up", len(conversations)))

    def read(self, client: ImClient, conversation: ConversationKey, userid: int, seq: int) -> None:
        self.calls.append(("read", conversation, userid, seq))

    def typing(self, client: ImClient, conversation: ConversationKey, userid: int) -> None:
        self.calls.append(("typing", conversation, userid))

    def presence(self, client: ImClient, userid: int, online: bool) -> None:
        self.calls.append(("presence", userid, online))

    def changed(self, client: ImClient, what: str, fields: dict[str, Any]) -> None:
        self.calls.append(("changed", what, fields))

    def reset(self, client: ImClient) -> None:
        self.calls.append(("reset",))
        self.messages.clear()

    def state(self, client: ImClient, state: Any) -> None:
        self.calls.append(("state", str(state)))

    def seqs(self, conversation: ConversationKey = WITH_PEER) -> list[int]:
        return [
            m.seq
            for m in self.messages
            if conversation in (ConversationKey(m.cmd, m.dstid), ConversationKey(m.cmd, m.userid))
        ]


class Bench:
    """A client with everything around it."""

    def __init__(self, position: Position | None = None, listener: RecordingListener | None = None) -> None:
        self.clock = Clock()
        self.rest = FakeRest()
        self.listener = listener or RecordingListener()
        self.sockets: list[FakeSocket] = []
        self.client = ImClient(
            self.clock,
            self.rest,  # type: ignore[arg-type]
            ME,
            self.listener,
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
        """Let time pass until the client asks for every gap."""
        for _ in range(10):
            self.clock.advance(0.1)


def row(conversation: ConversationKey, seq: int, read: int = 0) -> dict[str, Any]:
    return msgspec.to_builtins(Conversation(conversation.scope, conversation.dstid, seq, read))


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
