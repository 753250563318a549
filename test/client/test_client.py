"""The client, whose sockets open and close."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from test.client.fakes import ME, NOT_A_MEMBER, PEER, WITH_PEER, Bench, RecordingListener, from_peer, row, shown
from twim.client import Answer, Closed, ConversationKey, ImClient, Unreachable
from twim.client.inbox import RETRY_SECONDS
from twim.client.link import HEARTBEAT_SECONDS
from twim.client.pending import PENDING_MESSAGES
from twim.errors import NotLoggedIn, Refusal, TooMany
from twim.wire.message import Message, Shown


class SendingTests(SynchronousTestCase):
    """A message is sent until it is answered."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.client = self.bench.client

    def answered(self, cid: str, seq: int, **more: Any) -> dict[str, Any]:
        return {"cmd": 1, "cid": cid, "code": 0, "scope": 10, "dstid": PEER, "seq": seq, "at": 5} | more

    def test_answer(self) -> None:
        """The Deferred fires with conversation, seq and time, and the user's own message is given in order too."""
        socket = self.bench.online()
        sent = self.client.send_text(10, PEER, "hello")
        frame = socket.sent[-1]
        self.assertEqual((frame["cmd"], frame["dstid"], frame["content"]), (10, PEER, "hello"))
        socket.hear(**self.answered(frame["cid"], 1))
        self.assertEqual(self.successResultOf(sent), Answer(WITH_PEER, 1, 5))
        mine = self.bench.listener.messages[0]
        self.assertEqual((mine.seq, mine.userid, mine.content), (1, ME, "hello"))

    def test_refusal(self) -> None:
        """A refused message errbacks with what the server said, and is not sent again."""
        socket = self.bench.online()
        sent = self.client.send_text(10, 99, "hello")
        socket.hear(cmd=1, cid=socket.sent[-1]["cid"], code=-3, msg="not a friend")
        refused = self.failureResultOf(sent, Refusal).value
        self.assertEqual((refused.code, refused.msg), (-3, "not a friend"))
        socket.end()
        self.assertEqual([frame["cmd"] for frame in self.bench.online().sent], [4])

    def test_too_much_at_once(self) -> None:
        """Messages that are refused as too many wait for the time told, and are sent again in order with later ones."""
        socket = self.bench.online()
        waiting = [self.client.send_text(10, PEER, text) for text in "abc"]
        cids = [frame["cid"] for frame in socket.sent[-3:]]
        socket.hear(**self.answered(cids[0], 1))
        for cid, wait in ((cids[1], 1000), (cids[2], 999)):
            socket.hear(cmd=1, cid=cid, code=-5, msg="too many messages", wait=wait)
        waiting.append(self.client.send_text(10, PEER, "d"))
        before = len(socket.sent)
        self.bench.clock.advance(0.9)
        self.assertEqual(len(socket.sent), before)
        self.bench.clock.advance(0.2)
        self.assertEqual([frame["content"] for frame in socket.sent[before:]], ["b", "c", "d"])
        for seq, frame in enumerate(socket.sent[before:], 2):
            socket.hear(**self.answered(frame["cid"], seq))
        self.assertEqual([self.successResultOf(sent).seq for sent in waiting], [1, 2, 3, 4])

    def test_a_pause_ends_with_the_connection(self) -> None:
        """The next connection sends the waiting messages once."""
        socket = self.bench.online()
        sent = self.client.send_text(10, PEER, "a")
        socket.hear(cmd=1, cid=socket.sent[-1]["cid"], code=-5, msg="too many messages", wait=60_000)
        socket.end()
        again = self.bench.online()
        self.assertEqual([frame["cmd"] for frame in again.sent], [4, 10])
        again.hear(**self.answered(again.sent[-1]["cid"], 1))
        self.assertEqual(self.successResultOf(sent).seq, 1)
        self.bench.clock.advance(120)
        self.assertEqual([frame["cmd"] for frame in again.sent if frame["cmd"] == 10], [10])

    def test_sent_again_with_the_same_cid(self) -> None:
        """Unanswered messages are sent on the next socket in order, after the first frame of the catch-up."""
        socket = self.bench.online()
        waiting = [self.client.send_text(10, PEER, text) for text in ("a", "b")]
        cids = [frame["cid"] for frame in socket.sent[-2:]]
        socket.end()
        again = self.bench.online()
        self.assertEqual([frame["cmd"] for frame in again.sent], [4, 10, 10])
        self.assertEqual([frame["cid"] for frame in again.sent[1:]], cids)
        for seq, cid in enumerate(cids, 1):
            again.hear(**self.answered(cid, seq))
        self.assertEqual([self.successResultOf(sent).seq for sent in waiting], [1, 2])

    def test_sent_before_connected(self) -> None:
        """A message that is given while offline is sent when the socket opens."""
        sent = self.client.send_text(10, PEER, "early")
        socket = self.bench.online()
        self.assertEqual([frame["cmd"] for frame in socket.sent], [4, 10])
        self.assertNoResult(sent)

    def test_stored_but_the_answer_was_lost(self) -> None:
        """The user's own message, which comes by catch-up and by the repeated answer, is given once."""
        socket = self.bench.online()
        sent = self.client.send_text(10, PEER, "a")
        cid = socket.sent[-1]["cid"]
        socket.end()
        self.bench.clock.advance(60)
        again = self.bench.socket
        again.open()
        again.hear(cmd=10, userid=ME, dstid=PEER, media=1, content="a", cid=cid, seq=1, at=5)
        again.hear(**self.answered(cid, 1))
        again.hear(cmd=4, epoch="e1", rows=[row(WITH_PEER, 1)])
        self.assertEqual(self.bench.listener.seqs(), [1])
        self.assertEqual(self.successResultOf(sent).seq, 1)

    def test_own_cid(self) -> None:
        """A cid that the caller chose is kept; using it twice at the same time is refused."""
        socket = self.bench.online()
        first = self.client.send(Message(cmd=10, dstid=PEER, media=1, content="a", cid="mine"))
        second = self.client.send(Message(cmd=10, dstid=PEER, media=1, content="a", cid="mine"))
        self.assertEqual(socket.sent[-1]["cid"], "mine")
        self.assertNoResult(first)
        self.failureResultOf(second, Refusal)

    def test_bound(self) -> None:
        """The number of unanswered messages is bounded, so that a silent server doesn't fill the memory."""
        for _ in range(PENDING_MESSAGES):
            self.client.send_text(10, PEER, "x")
        self.failureResultOf(self.client.send_text(10, PEER, "x"), TooMany)
        self.assertEqual(self.client.unanswered, PENDING_MESSAGES)

    def test_cancelled(self) -> None:
        """A message whose Deferred was cancelled isn't sent on the next socket."""
        self.bench.online()
        sent = self.client.send_text(10, PEER, "x")
        sent.cancel()
        self.failureResultOf(sent)
        self.bench.socket.end()
        self.assertEqual([frame["cmd"] for frame in self.bench.online().sent], [4])

    def test_closed(self) -> None:
        """Closing fails the Deferreds that wait for an answer."""
        self.bench.online()
        sent = self.client.send_text(10, PEER, "x")
        self.successResultOf(self.client.close())
        self.failureResultOf(sent, Closed)
        self.bench.clock.advance(600)
        self.assertEqual(len(self.bench.sockets), 1)

    def test_reply(self) -> None:
        """A reply is sent to the conversation of its message, and refers to it."""
        socket = self.bench.online()
        self.client.reply(shown(4), "yes")
        self.assertEqual((socket.sent[-1]["dstid"], socket.sent[-1]["ref"]), (PEER, 4))


class ReceivingTests(SynchronousTestCase):
    """Every message is given once, in order."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.listener = self.bench.listener

    def test_live(self) -> None:
        """A message in order is given at once; a repeated one isn't given."""
        socket = self.bench.online()
        for seq in (1, 2, 2, 1, 3):
            socket.hear(**from_peer(seq))
        self.assertEqual(self.listener.seqs(), [1, 2, 3])

    def test_short_disorder(self) -> None:
        """An answer that arrives before an earlier message doesn't make the client load history."""
        socket = self.bench.online()
        socket.hear(**from_peer(2))
        socket.hear(**from_peer(1))
        self.bench.settle()
        self.assertEqual(self.listener.seqs(), [1, 2])
        self.assertEqual(self.bench.rest.asked, [])

    def test_gap(self) -> None:
        """Messages that stay missing are fetched, and later ones wait for them."""
        self.bench.rest.rows[WITH_PEER] = [shown(seq) for seq in range(1, 6)]
        socket = self.bench.online()
        socket.hear(**from_peer(1))
        socket.hear(**from_peer(5))
        self.assertEqual(self.listener.seqs(), [1])
        self.bench.settle()
        self.assertEqual(self.listener.seqs(), [1, 2, 3, 4, 5])
        self.assertEqual(self.bench.rest.asked, [(WITH_PEER, 1)])

    def test_many_pages(self) -> None:
        """A conversation that lacks more than a catch-up gives is loaded page by page up to its head."""
        self.bench.rest.rows[WITH_PEER] = [shown(seq) for seq in range(1, 651)]
        self.bench.online(rows=[row(WITH_PEER, 650) | {"more": True}])
        self.bench.settle()
        self.assertEqual(self.listener.seqs(), list(range(1, 651)))
        self.assertEqual([after for _, after in self.bench.rest.asked], [0, 200, 400, 600])

    def test_deleted(self) -> None:
        """What was deleted while it was missed is passed over, in part or all of it, and isn't asked for again."""
        for rows, given in (([], [10]), ([shown(8), shown(9)], [8, 9, 10])):
            bench = Bench()
            bench.rest.rows[WITH_PEER] = rows
            bench.rest.heads[WITH_PEER] = 9
            socket = bench.online(rows=[row(WITH_PEER, 9)])
            bench.settle()
            socket.hear(**from_peer(10))
            bench.settle()
            self.assertEqual(bench.listener.seqs(), given)
            self.assertEqual(bench.rest.asked, [(WITH_PEER, 0)])

    def test_history_fails_for_a_while(self) -> None:
        """A page that can't be loaded now is requested again."""
        for failing in (Unreachable("no"), Refusal("storage unavailable", status=503)):
            bench = Bench()
            bench.rest.rows[WITH_PEER] = [shown(1)]
            bench.rest.failing = failing
            bench.online(rows=[row(WITH_PEER, 1)])
            bench.clock.advance(0)
            self.assertEqual(bench.listener.seqs(), [])
            bench.clock.advance(RETRY_SECONDS)
            self.assertEqual(bench.listener.seqs(), [1])

    def test_left(self) -> None:
        """Messages that may not be read any more aren't requested for ever."""
        self.bench.rest.failing = NOT_A_MEMBER
        self.bench.online(rows=[row(ConversationKey(11, 7), 5)])
        self.bench.clock.pump([1] * 10)
        self.assertEqual(self.bench.rest.asked, [(ConversationKey(11, 7), 0)])

    def test_a_failing_listener(self) -> None:
        """An exception of a listener is logged, and the next message is given."""

        class Failing(RecordingListener):
            async def message(self, client: ImClient, message: Shown) -> None:  # type: ignore[override]
                super().message(client, message)
                raise ZeroDivisionError

        bench = Bench(listener=Failing())
        socket = bench.online()
        socket.hear(**from_peer(1))
        socket.hear(**from_peer(2))
        self.assertEqual(bench.listener.seqs(), [1, 2])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_nonsense(self) -> None:
        """A frame that can't be read is logged, and the next one is read."""
        socket = self.bench.online()
        self.bench.client.link_received(b"{")
        self.bench.client.link_received(b'{"cmd":99}')
        socket.hear(**from_peer(1))
        self.assertEqual(self.listener.seqs(), [1])


class ConnectionTests(SynchronousTestCase):
    """Connecting and connecting again."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.client = self.bench.client

    def states(self) -> list[str]:
        return [call[1] for call in self.bench.listener.calls if call[0] == "state"]

    def test_unreachable(self) -> None:
        """An unreachable server is tried again, with longer and longer delays."""
        connected = self.client.connect()
        for attempt in range(1, 12):
            self.bench.socket.end(0)
            self.bench.clock.advance(30)
            self.assertEqual(len(self.bench.sockets), attempt + 1)
        self.assertNoResult(connected)

    def test_refused(self) -> None:
        """After a refused token the client doesn't connect again."""
        for status in (401, 403):
            bench = Bench()
            connected = bench.client.connect()
            sent = bench.client.send_text(10, PEER, "x")
            bench.socket.end(status)
            self.failureResultOf(connected, NotLoggedIn)
            self.failureResultOf(sent, NotLoggedIn)
            bench.clock.advance(600)
            self.assertEqual(len(bench.sockets), 1)

    def test_too_slow(self) -> None:
        """A client that the server closed as too slow (1013) connects again and catches up."""
        self.bench.online().end(1013)
        self.assertEqual(self.states()[-1], "connecting")
        self.bench.online()
        self.assertEqual(self.states()[-1], "online")

    def test_heartbeat(self) -> None:
        """A silent connection gets a heartbeat, and is given up when no answer comes."""
        socket = self.bench.online()
        self.bench.clock.advance(HEARTBEAT_SECONDS)
        self.assertEqual(socket.sent[-1], {"cmd": 0})
        socket.hear(cmd=0, at=1)
        self.bench.clock.advance(HEARTBEAT_SECONDS)
        self.assertFalse(socket.ended)
        self.bench.clock.advance(HEARTBEAT_SECONDS)
        self.assertTrue(socket.ended)

    def test_cancelled_connect(self) -> None:
        """Cancelling the wait for a connection ends the connection."""
        connected = self.client.connect()
        connected.cancel()
        self.failureResultOf(connected)
        self.assertTrue(self.bench.socket.ended)
        self.bench.clock.advance(600)
        self.assertEqual(len(self.bench.sockets), 1)

    def test_nothing_is_left_running(self) -> None:
        """After `close` no timer is pending."""
        self.bench.online(rows=[row(WITH_PEER, 5)])
        self.client.close()
        self.assertEqual(self.bench.clock.getDelayedCalls(), [])


class CommandTests(SynchronousTestCase):
    """Commands that are not messages."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.client = self.bench.client

    def test_told(self) -> None:
        """Read marks, typing, presence and changes are reported to the listener."""
        socket = self.bench.online()
        socket.hear(cmd=6, scope=10, dstid=PEER, userid=PEER, seq=3)
        socket.hear(cmd=5, scope=11, dstid=7, userid=PEER)
        socket.hear(cmd=7, userid=PEER, online=1)
        socket.hear(cmd=8, what="group", dstid=7)
        self.assertEqual(
            self.bench.listener.calls[-4:],
            [
                ("read", WITH_PEER, PEER, 3),
                ("typing", ConversationKey(11, 7), PEER),
                ("presence", PEER, True),
                ("changed", "group", {"cmd": 8, "what": "group", "dstid": 7}),
            ],
        )

    def test_typing(self) -> None:
        """Typing is sent once, and dropped when there is no connection."""
        self.client.typing(WITH_PEER)
        socket = self.bench.online()
        self.assertEqual(len(socket.sent), 1)
        self.client.typing(WITH_PEER)
        self.assertEqual(socket.sent[-1], {"cmd": 5, "scope": 10, "dstid": PEER})
