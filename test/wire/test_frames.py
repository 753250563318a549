"""The frame fast path: which frames it takes, which it leaves, and that nobody can tell it from Autobahn alone."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from twim.internals.autobahn_frames import TextFrames
from twim.wire.frames import FAST_LIMIT, TABLE_LIMIT, take_text_frames, text_frame

UPGRADE = (
    b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
LARGEST_MESSAGE = 65536
# Messages that make the application close the connection while more wait behind them.
CLOSE, FAIL, DROP = b"close", b"fail", b"drop"


def client_frame(
    payload: bytes,
    opcode: int = 1,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = b"\1\2\3\4",
    length_bytes: int | None = None,
) -> bytes:
    """A frame of a client, valid or not. `length_bytes` is 0, 2, 8 or the shortest."""
    length = len(payload)
    if length_bytes is None:
        length_bytes = 0 if length < 126 else 2 if length < 65536 else 8
    masked = 0x80 if mask is not None else 0
    short = {0: length & 0x7F, 2: 126, 8: 127}[length_bytes]
    head = bytes((fin << 7 | rsv << 4 | opcode, masked | short))
    head += length.to_bytes(8, "big")[8 - length_bytes :]
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload))


@dataclass
class Seen:
    """Everything that both ends of a connection can observe."""

    messages: list[tuple[bytes, bool]] = field(default_factory=list)
    sent: bytes = b""
    ended: bool = False
    state: int = 0
    close: tuple[int | None, str | None] = (None, None)
    clean: bool = False


class Wire(StringTransport):
    """Like a socket, it doesn't mind that there is no producer to forget."""

    def unregisterProducer(self) -> None:
        pass


class Recorder(WebSocketServerProtocol):
    """Autobahn alone."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[tuple[bytes, bool]] = []

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.messages.append((payload, isBinary))
        if payload == CLOSE:
            self.sendClose(4000, "asked")
        elif payload == FAIL:
            self._fail_connection(1011, "asked")
        elif payload == DROP:
            self.dropConnection(abort=True)


class FastRecorder(TextFrames, Recorder):
    """The same behind the fast path."""

    def read_done(self) -> None:
        pass

    def texts_received(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            # As with Autobahn, a close handshake that we began lets the rest in, a failed connection doesn't.
            if self.state != self.STATE_OPEN and (self.failedByMe or self.state == self.STATE_CLOSED):
                return
            self.onMessage(payload, False)


def connected(protocol_class: type[Recorder]) -> tuple[Recorder, Wire]:
    """A protocol after its upgrade, and its transport, emptied."""
    factory = WebSocketServerFactory(reactor=Clock())
    factory.protocol = protocol_class
    factory.setProtocolOptions(
        maxMessagePayloadSize=LARGEST_MESSAGE,
        failByDrop=False,
        openHandshakeTimeout=0,
        closeHandshakeTimeout=0,
    )
    protocol = factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
    transport = Wire()
    protocol.makeConnection(transport)
    protocol.dataReceived(UPGRADE)
    transport.clear()
    return protocol, transport


def talk(protocol_class: type[Recorder], pieces: list[bytes]) -> Seen:
    """What is seen of a connection on which these pieces arrive."""
    protocol, transport = connected(protocol_class)
    for piece in pieces:
        protocol.dataReceived(piece)
    return Seen(
        protocol.messages,
        transport.value(),
        transport.disconnecting,
        protocol.state,
        (protocol.remoteCloseCode, protocol.remoteCloseReason),
        protocol.wasClean,
    )


def cut(frames: list[bytes], between: list[int], anywhere: list[int]) -> list[bytes]:
    """The stream in pieces, cut behind some frames and at some bytes (numbers taken modulo what there is)."""
    stream = b"".join(frames)
    ends = list(accumulate(map(len, frames), initial=0))
    places = {ends[i % len(ends)] for i in between} | {i % (len(stream) + 1) for i in anywhere}
    return [stream[a:b] for a, b in pairwise(sorted(places | {0, len(stream)}))]


MASKS = st.binary(min_size=4, max_size=4)
TEXTS = st.one_of(
    st.text(max_size=200).map(str.encode),
    st.sampled_from([b"", b"x" * 125, b"x" * 126, b"x" * 127, "é".encode() * 63, CLOSE, FAIL, DROP]),
    st.integers(TABLE_LIMIT - 2, TABLE_LIMIT + 2).map(lambda n: b"y" * n),
    st.integers(FAST_LIMIT - 2, FAST_LIMIT + 2).map(lambda n: b"y" * n),
)
ORDINARY = st.builds(client_frame, TEXTS, mask=MASKS)
NOT_UTF8 = st.sampled_from([b"\xff", b"ok\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"a\x80b"])
CLOSE_BODIES = st.one_of(
    st.just(b""),
    st.builds(lambda code, why: struct.pack(">H", code) + why, st.integers(0, 5100), st.binary(max_size=9)),
)
UNUSUAL = st.one_of(
    st.builds(client_frame, NOT_UTF8, mask=MASKS),
    st.builds(client_frame, TEXTS, opcode=st.sampled_from([0, 1, 2]), fin=st.booleans(), mask=MASKS),
    st.builds(client_frame, st.binary(max_size=125), opcode=st.sampled_from([9, 10]), mask=MASKS),
    st.builds(client_frame, CLOSE_BODIES, opcode=st.just(8), mask=MASKS),
    st.builds(client_frame, TEXTS, rsv=st.integers(0, 7), mask=st.none() | MASKS, opcode=st.integers(0, 15)),
    st.builds(client_frame, st.binary(max_size=200), length_bytes=st.sampled_from([2, 8]), mask=MASKS),
    st.just(client_frame(b"z" * 65535)),
    st.just(client_frame(b"z" * (LARGEST_MESSAGE + 1))),
    st.binary(max_size=20),
)
STREAMS = st.lists(st.one_of(ORDINARY, ORDINARY, UNUSUAL), max_size=8)
CUTS = st.lists(st.integers(0, 1 << 20), max_size=6)


class SameAsAutobahn(SynchronousTestCase):
    """For any bytes, cut anywhere, the peer and the application see what Autobahn alone would show them."""

    @settings(max_examples=400, deadline=None)
    @given(STREAMS, CUTS, CUTS)
    def test_any_frames(self, frames: list[bytes], between: list[int], anywhere: list[int]) -> None:
        """Right, wrong and interrupted frames in any mixture."""
        pieces = cut(frames, between, anywhere)
        self.assertEqual(talk(FastRecorder, pieces), talk(Recorder, pieces))

    @settings(max_examples=200, deadline=None)
    @given(st.lists(ORDINARY, max_size=4), st.binary(max_size=300), CUTS)
    @example([], b"\x81", [])
    @example([], b"\x81\xfe\x00", [])
    def test_any_bytes(self, frames: list[bytes], noise: bytes, places: list[int]) -> None:
        """Noise behind frames."""
        pieces = cut([*frames, noise], [], places)
        self.assertEqual(talk(FastRecorder, pieces), talk(Recorder, pieces))

    def test_every_single_cut(self) -> None:
        """A stream with every kind of frame, cut once at each byte."""
        stream = b"".join(
            (
                client_frame("ein schöner Tag".encode()),
                client_frame(b"", mask=b"\0\0\0\0"),
                client_frame("é".encode()[:1], fin=False),
                client_frame(b"ping", opcode=9),
                client_frame("é".encode()[1:], opcode=0),
                client_frame(b"l" * 130),
                client_frame(b"bin", opcode=2),
                client_frame(struct.pack(">H", 1000) + b"bye", opcode=8),
            )
        )
        whole = talk(Recorder, [stream])
        self.assertEqual(len(whole.messages), 5)
        for at in range(len(stream) + 1):
            self.assertEqual(talk(FastRecorder, [stream[:at], stream[at:]]), whole)

    def test_what_only_looks_like_a_frame(self) -> None:
        """Bytes that would be a text frame anywhere else, when something before them isn't complete."""
        text = client_frame(b"hello", mask=b"\0\0\0\0")
        inside = client_frame(text, opcode=9, mask=b"\0\0\0\0")
        for pieces in (
            [client_frame(b"half", fin=False), text],
            [inside[: -len(text)], text],
            [b"\x82\x82", b"\x81\x80\0\0\0\0"],
        ):
            self.assertNotEqual(take_text_frames(pieces[1])[0], [])
            self.assertEqual(talk(FastRecorder, pieces), talk(Recorder, pieces))

    def test_closing_between_messages(self) -> None:
        """Messages that wait after one that closed the connection are treated as by Autobahn."""
        for closing in (CLOSE, FAIL, DROP):
            stream = b"".join(map(client_frame, (b"before", closing, b"after", b"last")))
            self.assertEqual(talk(FastRecorder, [stream]), talk(Recorder, [stream]))

    def test_traffic_answers_the_ping(self) -> None:
        """Any message cancels the pending ping's timeout, as Autobahn's own option says."""
        protocol, _ = connected(FastRecorder)
        protocol._sendAutoPing()
        protocol.autoPingTimeoutCall = protocol.factory._batched_timer.call_later(5, protocol.onAutoPingTimeout)
        protocol.dataReceived(client_frame(b"here"))
        self.assertIsNone(protocol.autoPingTimeoutCall)


class TakeTextFrames(SynchronousTestCase):
    """What is taken at once and what is left."""

    def test_takes_ordinary(self) -> None:
        """Whole text frames with both encodings of the length, the largest included."""
        payloads = [
            b"",
            b"hi",
            "中文🙂".encode(),
            b"x" * 125,
            b"x" * 126,
            b"x" * TABLE_LIMIT,
            b"x" * (TABLE_LIMIT + 1),
            b"x" * FAST_LIMIT,
        ]
        stream = b"".join(map(client_frame, payloads))
        self.assertEqual(take_text_frames(stream), (payloads, len(stream)))

    @settings(max_examples=300, deadline=None)
    @given(st.lists(st.tuples(st.text(max_size=400).map(str.encode), MASKS), max_size=5), st.integers(0, 1 << 20))
    def test_unmasks(self, messages: list[tuple[bytes, bytes]], at: int) -> None:
        """Every mask is undone, and a cut stream yields exactly the frames before the cut."""
        frames = [client_frame(payload, mask=mask) for payload, mask in messages]
        stream = b"".join(frames)
        at %= len(stream) + 1
        payloads, taken = take_text_frames(stream[:at])
        whole = len(payloads)
        self.assertEqual(payloads, [payload for payload, _ in messages[:whole]])
        self.assertEqual(taken, sum(map(len, frames[:whole])))
        self.assertTrue(whole == len(frames) or at < taken + len(frames[whole]))

    def test_leaves_the_unusual(self) -> None:
        """Only ordinary frames are taken, also those before an unusual one."""
        before = client_frame(b"before")
        for name, frame in (
            ("incomplete", client_frame(b"hello")[:-1]),
            ("half a header", client_frame(b"x" * 200)[:7]),
            ("not final", client_frame(b"hello", fin=False)),
            ("continuation", client_frame(b"hello", opcode=0)),
            ("binary", client_frame(b"hello", opcode=2)),
            ("ping", client_frame(b"hello", opcode=9)),
            ("reserved bit", client_frame(b"hello", rsv=4)),
            ("unmasked", client_frame(b"hello", mask=None)),
            ("long unmasked", client_frame(b"x" * 300, mask=None)),
            ("too large", client_frame(b"x" * (FAST_LIMIT + 1))),
            ("length of 64 bits", client_frame(b"x" * 65536)),
            ("16 bits for a short length", client_frame(b"hello", length_bytes=2)),
            ("64 bits for a short length", client_frame(b"hello", length_bytes=8)),
            ("not UTF-8", client_frame(b"\xff")),
            ("half a character", client_frame("é".encode()[:1])),
        ):
            self.assertEqual(take_text_frames(before + frame + before), ([b"before"], len(before)), name)


class TextFrame(SynchronousTestCase):
    """The server's frame."""

    def test_lengths(self) -> None:
        """Each of the three encodings of the length, at its edges."""
        for length, head in (
            (0, b"\x81\x00"),
            (125, b"\x81\x7d"),
            (126, b"\x81\x7e\x00\x7e"),
            (FAST_LIMIT, b"\x81\x7e" + FAST_LIMIT.to_bytes(2, "big")),
            (FAST_LIMIT + 1, b"\x81\x7e" + (FAST_LIMIT + 1).to_bytes(2, "big")),
            (65535, b"\x81\x7e\xff\xff"),
            (65536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
        ):
            payload = b"p" * length
            self.assertEqual(text_frame(payload), head + payload)
