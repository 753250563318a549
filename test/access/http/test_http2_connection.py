"""The bounds of an HTTP/2 connection, tried by a client of the h2 package."""

from __future__ import annotations

import json
from typing import Any

from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, StreamReset
from h2.settings import SettingCodes
from twisted.internet.defer import Deferred

from test.access.http.http2_client import Http2Case
from twim.access.http.channel import STALL_SECONDS
from twim.access.http.http2_connection import (
    CHECK_SECONDS,
    HEADER_TABLE_BYTES,
    REFUSED_SECONDS,
    RESETS,
    STREAM_WINDOW,
    STREAMS,
)
from twim.access.http.http2_stream import HEAD_BYTES
from twim.access.http.request import SMALL_BODY
from twim.hub.backlog import ANSWER_BYTES, Backlogs


class ConnectionTests(Http2Case):
    """Bodies, refusals and abuse."""

    def test_stalled(self) -> None:
        """A stream of which nothing is read is reset in the end; pings don't help."""
        stream = self.ask("/large")
        self.exchange(acknowledge=False)
        for _ in range(STALL_SECONDS // CHECK_SECONDS + 2):
            self.client.ping(b"12345678")
            self.exchange(acknowledge=False)
            self.clock.advance(CHECK_SECONDS)
        self.exchange(acknowledge=False)
        self.assertTrue([*self.found(StreamReset, stream)])
        self.assertTrue(self.answers.producers[0].stopped)

    def test_quotas(self) -> None:
        """An answer holds its quota until its stream is over, however it ends."""
        backlogs = Backlogs(self.clock)
        for end in ("finish", "reset", "cut", "lost"):
            stream = self.ask("/wait")
            self.exchange()
            channel = self.connection._streams[stream]
            taken: list[Any] = []
            Deferred.fromCoroutine(backlogs.answer(1, channel.cut, ANSWER_BYTES)).addCallback(taken.append)
            channel.hold_quota(taken[0])
            self.assertEqual(backlogs.under_way, 1)
            if end == "finish":
                self.answers.requests[-1].finish()
            elif end == "reset":
                self.client.reset_stream(stream)
            elif end == "cut":
                taken[0].cut()
            else:
                self.connection.connectionLost()
            if end != "lost":
                self.exchange()
            self.assertEqual((end, backlogs.under_way), (end, 0))

    # Bodies

    def test_paused_body(self) -> None:
        """Of a body that isn't read no more comes than its window; read on, it is whole; reset, the connection's window
        is as large as before."""
        stream = self.ask("/upload", "POST", ends=False)
        self.exchange()
        request, held = self.held[0]
        self.assertLessEqual(self.client.local_flow_control_window(stream), STREAM_WINDOW)
        sent = 0
        while (most := min(16_384, self.client.local_flow_control_window(stream))) > 0:
            self.client.send_data(stream, bytes(most))
            sent += most
            self.exchange()
        self.assertEqual((held.taken, sent), (0, STREAM_WINDOW))
        request.resume_body()
        self.exchange()
        self.assertEqual(held.taken, STREAM_WINDOW)
        self.client.end_stream(stream)
        self.exchange()
        self.assertTrue(held.ended)
        for _ in range(8):
            stream = self.ask("/upload", "POST", ends=False)
            self.exchange()
            for _ in range(10):
                self.client.send_data(stream, bytes(16_384))
            self.client.reset_stream(stream)
            self.exchange()
            self.assertTrue(self.held[-1][1].lost)
        stream = self.ask("/upload", "POST", ends=False)
        self.exchange()
        self.assertEqual(self.client.local_flow_control_window(stream), STREAM_WINDOW)

    def test_refused_bodies(self) -> None:
        """A body that is too large, or of somebody who isn't known, is refused before it is whole, and then stopped."""
        length = ("content-length", str(SMALL_BODY + 1))
        for path, more, expected in (("/a", (length,), 413), ("/a", (), 413), ("/refused", (), 401)):
            stream = self.ask(path, "POST", *more, ends=False)
            self.exchange()
            if not more and path == "/a":
                for _ in range(5):
                    self.client.send_data(stream, bytes(16_384))
                self.exchange()
            self.assertEqual(self.status(stream), expected)
            self.assertLess(json.loads(self.body(stream))["code"], 0)
            self.clock.advance(REFUSED_SECONDS)
            self.exchange()
            (reset,) = self.found(StreamReset, stream)
            self.assertEqual(reset.error_code, ErrorCodes.NO_ERROR)
        self.assertEqual(self.connection._streams, {})

    def test_silent_body(self) -> None:
        """A body of which nothing comes is given up."""
        stream = self.ask("/a", "POST", ends=False)
        self.exchange()
        self.clock.pump([CHECK_SECONDS] * 8)
        self.exchange()
        self.assertTrue([*self.found(StreamReset, stream)])

    def test_continue(self) -> None:
        """A client that asks first is told to go on."""
        stream = self.ask("/upload", "POST", ("expect", "100-continue"), ends=False)
        self.exchange()
        self.assertNotIn("InformationalResponseReceived", {type(event).__name__ for event in self.events})
        self.held[0][0].resume_body()
        self.exchange()
        self.assertIn("InformationalResponseReceived", {type(event).__name__ for event in self.events})
        self.client.reset_stream(stream)

    def test_large_head(self) -> None:
        """Headers beyond the bound of HTTP/1.1 are refused in the envelope."""
        stream = self.ask("/a", "GET", *[(f"x-{n}", "a" * 1000) for n in range(HEAD_BYTES // 1000 + 1)])
        self.exchange()
        self.assertEqual(self.status(stream), 431)

    # Abuse

    def closed_by(self) -> ErrorCodes | int | None:
        for event in self.events:
            if isinstance(event, ConnectionTerminated):
                return event.error_code
        return None

    def test_rapid_reset(self) -> None:
        """A client that resets what it asks for, again and again, is closed."""
        for _ in range(RESETS.burst + 2):
            if self.connection._closing_since is not None:
                break
            self.client.reset_stream(self.ask("/wait"))
            self.exchange()
        self.assertEqual(self.closed_by(), ErrorCodes.ENHANCE_YOUR_CALM)
        self.assertTrue(self.transport.disconnecting)
        self.assertLessEqual(len(self.answers.requests), RESETS.burst + 1)

    def test_too_many_streams(self) -> None:
        """More streams than were offered end the connection, and every request of it."""
        self.client.remote_settings.update({SettingCodes.MAX_CONCURRENT_STREAMS: 10 * STREAMS})
        self.client.remote_settings.acknowledge()
        for _ in range(STREAMS + 1):
            self.ask("/wait")
        self.exchange()
        self.assertIsNotNone(self.closed_by())
        self.assertTrue(self.transport.disconnecting)
        self.assertEqual(self.connection._streams, {})

    def test_header_table(self) -> None:
        """A client's large header table isn't filled."""
        self.client.update_settings({SettingCodes.HEADER_TABLE_SIZE: 1 << 30})
        self.exchange()
        self.assertEqual(self.connection._h2.encoder.header_table_size, HEADER_TABLE_BYTES)

    def test_reset_at_once(self) -> None:
        """A request that is reset in the same bytes in which it came does no harm."""
        self.client.reset_stream(self.ask("/whole"))
        stream = self.ask("/b")
        self.exchange()
        self.assertEqual(self.body(stream), b"/b")
        self.assertEqual(self.waiting(), 0)

    def test_idle(self) -> None:
        """A connection without requests is closed after a while, also when it isn't quiet, and then cut."""
        for _ in range(7):
            self.client.ping(b"12345678")
            self.exchange()
            self.clock.advance(CHECK_SECONDS)
        self.assertTrue(self.transport.disconnecting)
        self.clock.pump([CHECK_SECONDS] * 2)
        self.assertTrue(self.aborted)
        self.connection.connectionLost()
        self.assertEqual([call for call in self.clock.getDelayedCalls() if "_check" in str(call.func)], [])

    def test_garbage(self) -> None:
        """What is no HTTP/2 ends the connection."""
        self.connection.dataReceived(b"\0" * 1000)
        self.assertTrue(self.transport.disconnecting)
