"""How the streams of an HTTP/2 connection share it, and how much may wait to be sent."""

from __future__ import annotations

from h2.events import StreamEnded

from test.access.http.http2_client import PIECE, Http2Case
from twim.access.http.http2_sending import CONTROL_BYTES
from twim.access.http.http2_stream import STREAM_BYTES
from twim.hub.backlog import CONNECTION_BYTES


class SendingTests(Http2Case):
    """What a client costs that reads slowly, or not at all."""

    def test_answers(self) -> None:
        """Each stream has its own; a large one passes whole, by the windows that its client opens."""
        streams = [self.ask(f"/{n}") for n in range(50)]
        whole = self.ask("/whole")
        self.exchange()
        self.assertEqual([self.body(stream) for stream in streams], [b"/%d" % n for n in range(50)])
        self.assertEqual(len(self.body(whole)), 500_000)
        self.assertTrue([*self.found(StreamEnded, whole)])
        self.assertEqual((self.waiting(), self.connection._streams), (0, {}))

    def test_huge_windows(self) -> None:
        """A client that opens its windows and doesn't read costs a piece and a buffer for each stream."""
        self.open_windows()
        self.exchange()
        self.connection.pauseProducing()
        for _ in range(20):
            self.ask("/large")
        self.connection.dataReceived(self.client.data_to_send())
        self.assertTrue(self.answers.producers)
        self.assertLess(self.waiting(), CONNECTION_BYTES + STREAM_BYTES + PIECE)
        for producer in self.answers.producers:
            self.assertTrue(producer.paused)
            self.assertLessEqual(producer.written, STREAM_BYTES + PIECE)

    def test_closed_windows(self) -> None:
        """A client that reads, and opens no window, gets no more than it said; a pull producer isn't asked either."""
        for path in ("/large", "/pull"):
            stream = self.ask(path)
            self.exchange(acknowledge=False)
            self.clock.pump([0] * 20)
            self.exchange(acknowledge=False)
            before = self.answers.producers[-1].written
            self.clock.pump([0] * 20)
            self.assertEqual(self.answers.producers[-1].written, before)
            self.assertLessEqual(before, 65_535 + STREAM_BYTES + 2 * PIECE)
            self.client.reset_stream(stream)
            self.exchange()
            self.assertTrue(self.answers.producers[-1].stopped)

    def test_not_begun(self) -> None:
        """While much waits for a client, what it asks for isn't begun; when that has been read, it is."""
        self.open_windows()
        self.exchange()
        self.connection.pauseProducing()
        streams = [self.ask("/whole") for _ in range(10)]
        self.connection.dataReceived(self.client.data_to_send())
        self.assertEqual(len(self.answers.requests), 3)
        self.assertLess(self.waiting(), CONNECTION_BYTES + 500_000)
        self.connection.resumeProducing()
        self.exchange()
        self.assertEqual([len(self.body(stream)) for stream in streams], [500_000] * 10)

    def test_unread_control(self) -> None:
        """A client that pings and doesn't read is cut off."""
        self.connection.pauseProducing()
        for _ in range(CONTROL_BYTES // 17 + 2):
            self.client.ping(b"12345678")
            self.connection.dataReceived(self.client.data_to_send())
        self.assertTrue(self.aborted)
