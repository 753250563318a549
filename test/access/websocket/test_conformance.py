"""RFC 6455 through a real socket, each case with the frame fast path and without it.

A case is what the client writes after the upgrade and what it must read until the server's close frame. The
server answers every text with the same text.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from test.wire.test_frames import UPGRADE, client_frame
from twim.access.http.authentication import Authenticator
from twim.access.websocket.admission import Admission, Admitted
from twim.access.websocket.connection import ConnectionFactory
from twim.access.websocket.upgrade import ChatFactory, ChatUpgrade
from twim.hub.backlog import Backlogs
from twim.hub.hub import OnlineUser
from twim.hub.outbox import Outboxes, Socket
from twim.hub.session import Session
from twim.internals import autobahn_frames as fastpath
from twim.internals.epoll import ReactorIterations
from twim.internals.shortcuts import ALL, NONE, with_needed
from twim.limits.limits import Limits
from twim.logic.accounts import LoggedIn, Tokens
from twim.storage.interface import Circle
from twim.wire.frames import FAST_LIMIT, TABLE_LIMIT
from twim.wire.message import FRAME_BYTES

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
SECONDS = 20  # for one case on a busy machine; a conforming server needs milliseconds

NORMAL, PROTOCOL_ERROR, UNSUPPORTED, NOT_CONSISTENT, TOO_BIG = 1000, 1002, 1003, 1007, 1009

Frame = tuple[int, bytes]


class Case(NamedTuple):
    """What is written, in these pieces, and what must be read: frames, and the code of the server's close."""

    name: str
    pieces: Sequence[bytes]
    code: int
    frames: Sequence[Frame] = ()
    unfinished: bool = False  # the last frame written is not whole, so a close frame can't follow it


def closing(code: int | None = NORMAL, reason: bytes = b"") -> bytes:
    """A client's close frame."""
    return client_frame(b"" if code is None else struct.pack(">H", code) + reason, CLOSE)


def said(*texts: bytes) -> list[Frame]:
    """The answers to these texts."""
    return [(TEXT, text) for text in texts]


def bytewise(data: bytes) -> list[bytes]:
    """The worst that a network may do."""
    return [data[i : i + 1] for i in range(len(data))]


HELLO = client_frame(b"hello")
SNOW = "schnee ☃ 雪 🌨".encode()
BYE = closing()

ORDINARY = [
    Case("nothing but a close", [BYE], NORMAL),
    Case("an empty text", [client_frame(b""), BYE], NORMAL, said(b"")),
    *(
        Case(f"a text of {size} bytes", [client_frame(b"t" * size), BYE], NORMAL, said(b"t" * size))
        for size in (
            1,
            125,
            126,
            127,
            TABLE_LIMIT,
            TABLE_LIMIT + 1,
            FAST_LIMIT,
            FAST_LIMIT + 1,
            FRAME_BYTES - 1,
            FRAME_BYTES,
        )
    ),
    Case("characters of all lengths", [client_frame(SNOW), BYE], NORMAL, said(SNOW)),
    Case("many in one segment", [HELLO * 50 + BYE], NORMAL, said(*[b"hello"] * 50)),
    Case("byte by byte", bytewise(HELLO + client_frame(SNOW) + BYE), NORMAL, said(b"hello", SNOW)),
    Case("a zero mask", [client_frame(b"plain", mask=b"\0\0\0\0") + BYE], NORMAL, said(b"plain")),
    Case("nothing after a close", [HELLO + BYE + HELLO], NORMAL, said(b"hello")),
]

FRAGMENTS = [
    Case(
        "two fragments",
        [client_frame(b"he", fin=False) + client_frame(b"llo", CONTINUATION) + BYE],
        NORMAL,
        said(b"hello"),
    ),
    Case(
        "a character cut by fragments",
        [client_frame(SNOW[:9], fin=False), client_frame(SNOW[9:], CONTINUATION) + BYE],
        NORMAL,
        said(SNOW),
    ),
    Case(
        "empty fragments",
        [
            client_frame(b"", fin=False)
            + client_frame(b"hello", CONTINUATION, fin=False)
            + client_frame(b"", CONTINUATION)
            + HELLO
            + BYE
        ],
        NORMAL,
        said(b"hello", b"hello"),
    ),
    Case(
        "a ping between fragments",
        [
            client_frame(b"he", fin=False),
            client_frame(b"still there?", PING) + client_frame(b"llo", CONTINUATION),
            BYE,
        ],
        NORMAL,
        [(PONG, b"still there?"), (TEXT, b"hello")],
    ),
    Case(
        "a close between fragments",
        [HELLO + client_frame(b"he", fin=False) + BYE],
        NORMAL,
        said(b"hello"),
    ),
    Case(
        "a continuation of nothing",
        [HELLO + client_frame(b"llo", CONTINUATION)],
        PROTOCOL_ERROR,
        said(b"hello"),
    ),
    Case("a text between fragments", [client_frame(b"he", fin=False), HELLO], PROTOCOL_ERROR),
    Case("a text after fragments", [client_frame(b"he", fin=False) + HELLO + HELLO], PROTOCOL_ERROR),
    Case(
        "fragments that are too big together",
        [client_frame(b"x" * 40_000, fin=False), client_frame(b"x" * 40_000, CONTINUATION)],
        TOO_BIG,
    ),
]

CONTROL = [
    *(
        Case(
            f"a ping of {size} bytes",
            [client_frame(b"\xff" * size, PING) + BYE],
            NORMAL,
            [(PONG, b"\xff" * size)],
        )
        for size in (0, 1, 125)
    ),
    Case(
        "pings between texts",
        [HELLO + client_frame(b"1", PING) + HELLO + client_frame(b"2", PING), BYE],
        NORMAL,
        [(TEXT, b"hello"), (PONG, b"1"), (TEXT, b"hello"), (PONG, b"2")],
    ),
    Case("an unasked pong", [client_frame(b"x", PONG) + HELLO + BYE], NORMAL, said(b"hello")),
    Case(
        "a ping cut in two",
        [client_frame(b"hello", PING)[:4], client_frame(b"hello", PING)[4:], BYE],
        NORMAL,
        [(PONG, b"hello")],
    ),
    *(
        Case(
            f"a control frame of 126 bytes, opcode {opcode}",
            [client_frame(b"x" * 126, opcode)],
            PROTOCOL_ERROR,
        )
        for opcode in (CLOSE, PING, PONG)
    ),
    *(
        Case(
            f"a fragmented control frame, opcode {opcode}",
            [client_frame(b"xx", opcode, fin=False)],
            PROTOCOL_ERROR,
        )
        for opcode in (PING, PONG)
    ),
]

WRONG_FRAMES = [
    *(
        Case(
            f"reserved opcode {opcode}",
            [HELLO + client_frame(b"x", opcode) + HELLO],
            PROTOCOL_ERROR,
            said(b"hello"),
        )
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    ),
    *(
        Case(
            f"reserved bits {rsv:03b}",
            [HELLO + client_frame(b"hello", rsv=rsv)],
            PROTOCOL_ERROR,
            said(b"hello"),
        )
        for rsv in range(1, 8)
    ),
    Case("unmasked", [HELLO + client_frame(b"hello", mask=None)], PROTOCOL_ERROR, said(b"hello")),
    Case("unmasked and empty", [client_frame(b"", mask=None)], PROTOCOL_ERROR),
    Case("an unmasked ping", [client_frame(b"x", PING, mask=None)], PROTOCOL_ERROR),
    *(
        Case(
            f"{size} bytes with a length of {width} bytes",
            [client_frame(b"x" * size, length_bytes=width)],
            PROTOCOL_ERROR,
        )
        for size, width in ((0, 2), (125, 2), (125, 8), (126, 8), (65_535, 8))
    ),
    Case("a length beyond 2^63", [b"\x81\xff" + b"\xff" * 8 + b"mask"], PROTOCOL_ERROR, unfinished=True),
]

REFUSED_CONTENT = [
    *(
        Case(f"not UTF-8: {text!r}", [HELLO + client_frame(text) + HELLO], NOT_CONSISTENT, said(b"hello"))
        for text in (
            b"\xff",
            b"ok\xc3",
            b"\xc0\xaf",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xe2\x98x",
            SNOW[:-1],
        )
    ),
    Case(
        "not UTF-8 in a fragment",
        [client_frame(b"he\xff", fin=False), client_frame(b"llo", CONTINUATION)],
        NOT_CONSISTENT,
    ),
    Case(
        "not UTF-8 over the limit of the fast path",
        [client_frame(b"x" * FAST_LIMIT + b"\xff")],
        NOT_CONSISTENT,
    ),
    Case("binary", [HELLO + client_frame(b"hello", BINARY) + HELLO], UNSUPPORTED, said(b"hello")),
    Case("binary and empty", [client_frame(b"", BINARY)], UNSUPPORTED),
    Case("a frame over the limit", [HELLO + client_frame(b"x" * (FRAME_BYTES + 1))], TOO_BIG, said(b"hello")),
    Case(
        "a gigabyte announced",
        [b"\x81\xff" + (1 << 30).to_bytes(8, "big") + b"mask"],
        TOO_BIG,
        unfinished=True,
    ),
]

CLOSES = [
    Case("a close without a code", [closing(None)], NORMAL),
    Case("a close with a reason", [closing(1000, SNOW)], NORMAL),
    Case("a close with the longest reason", [closing(1000, b"r" * 123)], NORMAL),
    *(
        Case(f"close code {code}", [HELLO + closing(code)], NORMAL, said(b"hello"))
        for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999)
    ),
    *(
        Case(f"wrong close code {code}", [HELLO + closing(code)], PROTOCOL_ERROR, said(b"hello"))
        for code in (0, 999, 1004, 1005, 1006, 1014, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    ),
    Case("a close with half a code", [client_frame(b"\x03", CLOSE)], PROTOCOL_ERROR),
    Case("a close whose reason isn't UTF-8", [closing(1000, b"\xff")], NOT_CONSISTENT),
]


class Client(Protocol):
    """Writes a case byte for byte, reads frames, and answers the server's close."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.data = b""
        self.upgraded = False
        self.frames: list[Frame] = []
        self.code: int | None = None
        self.lost: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        self.transport.write(UPGRADE)

    def dataReceived(self, data: bytes) -> None:
        self.data += data
        if not self.upgraded:
            head, found, self.data = self.data.partition(b"\r\n\r\n")
            if not found:
                self.data = head
                return
            assert head.startswith(b"HTTP/1.1 101 "), head
            self.upgraded = True
            self._write(list(self.case.pieces))
        while (frame := self._take_frame()) is not None:
            self._frame_received(*frame)

    def _write(self, pieces: list[bytes]) -> None:
        # Each piece in a reactor iteration of its own, so that the server reads most of them apart. A close that is a
        # piece of its own waits for the answers: the server may drop answers once its client has closed.
        if pieces and not self.lost.called:
            early = pieces[0] == BYE and len(self.frames) < len(self.case.frames)
            if not early:
                self.transport.write(pieces.pop(0))
            reactor.callLater(0.001 if early else 0, self._write, pieces)

    def _take_frame(self) -> Frame | None:
        if len(self.data) < 2:
            return None
        length = self.data[1]
        assert length < 128, "a server's frame is never masked"
        width = {126: 2, 127: 8}.get(length, 0)
        if width:
            length = int.from_bytes(self.data[2 : 2 + width], "big")
        end = 2 + width + length
        if len(self.data) < end:
            return None
        assert self.data[0] & 0x70 == 0, "no reserved bits"
        assert self.data[0] & 0x80, "a small answer is never fragmented"
        frame = (self.data[0] & 15, self.data[2 + width : end])
        self.data = self.data[end:]
        return frame

    def _frame_received(self, opcode: int, payload: bytes) -> None:
        assert self.code is None, "nothing comes after a close"
        if opcode != CLOSE:
            self.frames.append((opcode, payload))
            return
        self.code = struct.unpack_from(">H", payload)[0]
        if self.case.unfinished:
            self.transport.loseConnection()
        else:
            self.transport.write(closing())

    def connectionLost(self, reason: Any) -> None:
        self.lost.callback(None)


ANYBODY = Admitted(LoggedIn(1, 1), Circle(set(), set()))


class Echo:
    """An `Admission` that admits everyone and sends every message back."""

    def __init__(self) -> None:
        self.outboxes = Outboxes(Clock())
        self.limits = Limits(False, Clock().seconds)

    def recall(self, token: str) -> Admitted:
        return ANYBODY

    def enter(self, admitted: Admitted, socket: Socket) -> Session:
        return Session(OnlineUser(1, Circle(set(), set())), 1, socket, self.outboxes)

    def received(self, session: Session, payloads: Sequence[bytes]) -> None:
        for payload in payloads:
            session.say(payload)
            # At once and not once a batch, so that answers and pongs come in the order of the questions.
            self.flush()

    def leave(self, session: Session) -> None:
        session.closed()

    def flush(self) -> None:
        self.outboxes.flush()


class Upgrading(Resource):
    """The upgrade alone: whether somebody may connect is tested elsewhere."""

    isLeaf = True

    def __init__(self, upgrade: ChatUpgrade) -> None:
        super().__init__()
        self._upgrade = upgrade

    def render_GET(self, request: Any) -> int:
        self._upgrade.hand_over(request, ANYBODY)
        return NOT_DONE_YET


def over_http(factory: ChatFactory) -> Site:
    """A site whose upgrades twisted.web has parsed."""
    return Site(Upgrading(ChatUpgrade(factory)))


def without_twisted_web(factory: ChatFactory) -> Site:
    """A site whose ordinary upgrades twisted.web doesn't see."""
    upgrade = ChatUpgrade(factory)
    authenticator = Authenticator(cast(Tokens, None), Limits(False, cast(IReactorTime, reactor).seconds))
    return ConnectionFactory(Upgrading(upgrade), authenticator, factory.admission, upgrade, cast(IReactorTime, reactor))


def forget_timers(factory: ChatFactory) -> None:
    """Autobahn's timers stay on the reactor, empty, after they are cancelled."""
    for delayed, _ in factory._batched_timer._buckets.values():
        if delayed.active():
            delayed.cancel()


class Conformance(TestCase):
    """The table, past Autobahn where that is allowed."""

    timeout = 120
    shortcuts: frozenset[str] = ALL

    def site(self, factory: ChatFactory) -> Site:
        return without_twisted_web(factory)

    async def setUp(self) -> None:
        iterations = ReactorIterations.of(reactor) if "epoll" in self.shortcuts else ReactorIterations(reactor)
        factory = ChatFactory(cast(Admission, Echo()), iterations, reactor, Backlogs(reactor), self.shortcuts)
        self.addCleanup(forget_timers, factory)
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(self.site(factory))
        self.addCleanup(port.stopListening)
        self.port = port.getHost().port

    async def check(self, cases: Sequence[Case]) -> None:
        for case in cases:
            client = Client(case)
            await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", self.port), client)
            await client.lost.addTimeout(SECONDS, reactor)
            # A pong may pass an answer, which is written when a message is stored; each kind keeps its order.
            found, wanted = (sorted(frames, key=itemgetter(0)) for frames in (client.frames, case.frames))
            self.assertEqual((found, client.code), (wanted, case.code), case.name)

    def test_ordinary(self) -> Deferred[None]:
        """Whole texts of every size, however they are cut."""
        return Deferred.fromCoroutine(self.check(ORDINARY))

    def test_fragments(self) -> Deferred[None]:
        """Messages in several frames, and the order that these must have."""
        return Deferred.fromCoroutine(self.check(FRAGMENTS))

    def test_control(self) -> Deferred[None]:
        """Pings are answered with their own payload; control frames are small and whole."""
        return Deferred.fromCoroutine(self.check(CONTROL))

    def test_wrong_frames(self) -> Deferred[None]:
        """What is no frame of a client ends in 1002."""
        return Deferred.fromCoroutine(self.check(WRONG_FRAMES))

    def test_refused_content(self) -> Deferred[None]:
        """1007 for what isn't UTF-8, 1003 for binary, 1009 for too much."""
        return Deferred.fromCoroutine(self.check(REFUSED_CONTENT))

    def test_closes(self) -> Deferred[None]:
        """A close is answered; one with a code that may not be sent ends in 1002."""
        return Deferred.fromCoroutine(self.check(CLOSES))


class ConformanceOverHttp(Conformance):
    """The same table, after an upgrade that twisted.web has parsed."""

    def site(self, factory: ChatFactory) -> Site:
        return over_http(factory)


class ConformanceOfAutobahn(Conformance):
    """The same table, everything through Autobahn."""

    async def setUp(self) -> None:
        self.patch(fastpath, "take_text_frames", lambda data: ([], 0))
        await super().setUp()


class ConformanceWithoutShortcuts(Conformance):
    """The same table by plain Twisted and Autobahn."""

    shortcuts = NONE


class ConformanceWithEpoll(Conformance):
    """The same table with one shortcut alone, or with those that it builds on."""

    shortcuts = with_needed(["epoll"])


class ConformanceWithFrames(Conformance):
    shortcuts = with_needed(["frames"])


class ConformanceWithWrites(Conformance):
    shortcuts = with_needed(["writes"])


class ConformanceWithOptions(Conformance):
    shortcuts = with_needed(["options"])


class ConformanceWithHandshake(Conformance):
    shortcuts = with_needed(["handshake"])


class ConformanceWithUpgrade(Conformance):
    shortcuts = with_needed(["upgrade"])
