"""The client over sockets that come and go."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from test.client.fakes import ME, NOT_A_MEMBER, PEER, WITH_PEER, Bench, Heard, from_peer, row, shown
from twim.client import Answer, Closed, ImClient, Place, Position, Unreachable
from twim.client.inbox import RETRY_SECONDS
from twim.client.link import HEARTBEAT_SECONDS
from twim.client.unanswered import UNANSWERED
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
        """The Deferred fires with place, seq and time, and the own message takes its place in the order."""
        socket = self.bench.online()
        sent = self.client.send_text(10, PEER, "hello")
        said = socket.said[-1]
        self.assertEqual((said["cmd"], said["dstid"], said["content"]), (10, PEER, "hello"))
        socket.hear(**self.answered(said["cid"], 1))
        self.assertEqual(self.successResultOf(sent), Answer(WITH_PEER, 1, 5))
        mine = self.bench.heard.messages[0]
        self.assertEqual((mine.seq, mine.userid, mine.content), (1, ME, "hello"))

    def test_refusal(self) -> None:
        """A refused message errbacks with what the server said, and is not sent again."""
        socket = self.bench.online()
        sent = self.client.send_text(10, 99, "hello")
        socket.hear(cmd=1, cid=socket.said[-1]["cid"], code=-3, msg="not a friend")
        refused = self.failureResultOf(sent, Refusal).value
        self.assertEqual((refused.code, refused.msg), (-3, "not a friend"))
        socket.end()
        self.assertEqual([said["cmd"] for said in self.bench.online().said], [4])

    def test_sent_again_with_the_same_cid(self) -> None:
        """What was not answered goes out on the next socket, in order, after the catch-up's first frame."""
        socket = self.bench.online()
        waiting = [self.client.send_text(10, PEER, text) for text in ("a", "b")]
        cids = [said["cid"] for said in socket.said[-2:]]
        socket.end()
        again = self.bench.online()
        self.assertEqual([said["cmd"] for said in again.said], [4, 10, 10])
        self.assertEqual([said["cid"] for said in again.said[1:]], cids)
        for seq, cid in enumerate(cids, 1):
            again.hear(**self.answered(cid, seq))
        self.assertEqual([self.successResultOf(sent).seq for sent in waiting], [1, 2])

    def test_sent_before_connected(self) -> None:
        """A message given while offline goes out when the socket opens."""
        sent = self.client.send_text(10, PEER, "early")
        socket = self.bench.online()
        self.assertEqual([said["cmd"] for said in socket.said], [4, 10])
        self.assertNoResult(sent)

    def test_stored_but_the_answer_was_lost(self) -> None:
        """The own message comes by catch-up and by the repeated answer, and is given once."""
        socket = self.bench.online()
        sent = self.client.send_text(10, PEER, "a")
        cid = socket.said[-1]["cid"]
        socket.end()
        self.bench.clock.advance(60)
        again = self.bench.socket
        again.open()
        again.hear(cmd=10, userid=ME, dstid=PEER, media=1, content="a", cid=cid, seq=1, at=5)
        again.hear(**self.answered(cid, 1))
        again.hear(cmd=4, epoch="e1", rows=[row(WITH_PEER, 1)])
        self.assertEqual(self.bench.heard.seqs(), [1])
        self.assertEqual(self.successResultOf(sent).seq, 1)

    def test_own_cid(self) -> None:
        """A message's own cid is kept; the same one twice at a time is refused."""
        socket = self.bench.online()
        first = self.client.send(Message(cmd=10, dstid=PEER, media=1, content="a", cid="mine"))
        second = self.client.send(Message(cmd=10, dstid=PEER, media=1, content="a", cid="mine"))
        self.assertEqual(socket.said[-1]["cid"], "mine")
        self.assertNoResult(first)
        self.failureResultOf(second, Refusal)

    def test_bound(self) -> None:
        """A server that answers nothing fills no memory."""
        for _ in range(UNANSWERED):
            self.client.send_text(10, PEER, "x")
        self.failureResultOf(self.client.send_text(10, PEER, "x"), TooMany)
        self.assertEqual(self.client.unanswered, UNANSWERED)

    def test_cancelled(self) -> None:
        """Who stops waiting gets no answer, and the message isn't sent on the next socket."""
        self.bench.online()
        sent = self.client.send_text(10, PEER, "x")
        sent.cancel()
        self.failureResultOf(sent)
        self.bench.socket.end()
        self.assertEqual([said["cmd"] for said in self.bench.online().said], [4])

    def test_closed(self) -> None:
        """Closing tells those who wait that no answer comes."""
        self.bench.online()
        sent = self.client.send_text(10, PEER, "x")
        self.successResultOf(self.client.close())
        self.failureResultOf(sent, Closed)
        self.bench.clock.advance(600)
        self.assertEqual(len(self.bench.sockets), 1)

    def test_reply(self) -> None:
        """A reply goes to where its message came from, and refers to it."""
        socket = self.bench.online()
        self.client.reply(shown(4), "yes")
        self.assertEqual((socket.said[-1]["dstid"], socket.said[-1]["ref"]), (PEER, 4))


class ReceivingTests(SynchronousTestCase):
    """Every message once, in order."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.heard = self.bench.heard

    def test_live(self) -> None:
        """What comes in order is given at once; a repetition isn't given."""
        socket = self.bench.online()
        for seq in (1, 2, 2, 1, 3):
            socket.hear(**from_peer(seq))
        self.assertEqual(self.heard.seqs(), [1, 2, 3])

    def test_short_disorder(self) -> None:
        """An answer that overtakes a delivery asks history for nothing."""
        socket = self.bench.online()
        socket.hear(**from_peer(2))
        socket.hear(**from_peer(1))
        self.bench.settle()
        self.assertEqual(self.heard.seqs(), [1, 2])
        self.assertEqual(self.bench.rest.asked, [])

    def test_gap(self) -> None:
        """What stays missing is fetched, and what came after it waits."""
        self.bench.rest.rows[WITH_PEER] = [shown(seq) for seq in range(1, 6)]
        socket = self.bench.online()
        socket.hear(**from_peer(1))
        socket.hear(**from_peer(5))
        self.assertEqual(self.heard.seqs(), [1])
        self.bench.settle()
        self.assertEqual(self.heard.seqs(), [1, 2, 3, 4, 5])
        self.assertEqual(self.bench.rest.asked, [(WITH_PEER, 1)])

    def test_many_pages(self) -> None:
        """A conversation that lacks more than a catch-up gives is paged to its head."""
        self.bench.rest.rows[WITH_PEER] = [shown(seq) for seq in range(1, 651)]
        self.bench.online(rows=[row(WITH_PEER, 650) | {"more": True}])
        self.bench.settle()
        self.assertEqual(self.heard.seqs(), list(range(1, 651)))
        self.assertEqual([after for _, after in self.bench.rest.asked], [0, 200, 400, 600])

    def test_history_fails_for_a_while(self) -> None:
        """A page that can't be had now is asked for again."""
        for failing in (Unreachable("no"), Refusal("storage unavailable", status=503)):
            bench = Bench()
            bench.rest.rows[WITH_PEER] = [shown(1)]
            bench.rest.failing = failing
            bench.online(rows=[row(WITH_PEER, 1)])
            bench.clock.advance(0)
            self.assertEqual(bench.heard.seqs(), [])
            bench.clock.advance(RETRY_SECONDS)
            self.assertEqual(bench.heard.seqs(), [1])

    def test_left(self) -> None:
        """What may no longer be read isn't asked for for ever."""
        self.bench.rest.failing = NOT_A_MEMBER
        self.bench.online(rows=[row(Place(11, 7), 5)])
        self.bench.clock.pump([1] * 10)
        self.assertEqual(self.bench.rest.asked, [(Place(11, 7), 0)])

    def test_catch_up_says_what_it_has(self) -> None:
        """The first frame of the next socket names the epoch and the last seq of each conversation."""
        socket = self.bench.online()
        socket.hear(**from_peer(1))
        socket.hear(cmd=11, userid=PEER, dstid=7, media=1, seq=1)
        socket.end()
        again = self.bench.online()
        first = again.said[0]
        self.assertEqual((first["epoch"], first["have"]), ("e1", {"10:2": 1, "11:7": 1}))
        self.assertEqual(self.bench.client.position, Position("e1", {"10:2": 1, "11:7": 1}))

    def test_reset(self) -> None:
        """Another database: everything is forgotten, and comes anew."""
        socket = self.bench.online()
        socket.hear(**from_peer(1))
        socket.hear(**from_peer(2))
        socket.end()
        self.bench.clock.advance(60)
        again = self.bench.socket
        again.open()
        again.hear(**from_peer(1, content="another"))
        self.assertEqual(len(self.heard.messages), 2)
        again.hear(cmd=4, epoch="e2", reset=True, rows=[row(WITH_PEER, 1)])
        self.assertIn(("reset",), self.heard.told)
        self.assertEqual([m.content for m in self.heard.messages], ["another"])
        self.assertEqual(self.bench.client.position, Position("e2", {"10:2": 1}))

    def test_not_the_missed_ones(self) -> None:
        """A bot that connects for what comes from now on gets nothing of before."""
        self.bench.client.connect(missed=False)
        socket = self.bench.socket
        socket.open()
        socket.hear(**from_peer(3))
        socket.hear(cmd=4, epoch="e1", rows=[row(WITH_PEER, 3)])
        socket.hear(**from_peer(4))
        self.assertEqual(self.heard.seqs(), [4])

    def test_goes_on_from_a_position(self) -> None:
        """A device that was stopped gets what came after its position, and no more."""
        bench = Bench(Position("e1", {"10:2": 2}))
        bench.client.connect()
        bench.socket.open()
        self.assertEqual(bench.socket.said[0]["have"], {"10:2": 2})
        bench.socket.hear(**from_peer(3))
        bench.socket.hear(cmd=4, epoch="e1", rows=[row(WITH_PEER, 3)])
        self.assertEqual(bench.heard.seqs(), [3])

    def test_fetch_ends_with_the_socket(self) -> None:
        """A page on its way when the socket is lost is left to the next catch-up."""
        self.bench.rest.rows[WITH_PEER] = [shown(1)]
        socket = self.bench.online(rows=[row(WITH_PEER, 1)])
        socket.end()
        self.bench.settle()
        self.assertEqual(self.bench.rest.asked, [])
        self.bench.online(rows=[row(WITH_PEER, 1)])
        self.bench.settle()
        self.assertEqual(self.heard.seqs(), [1])

    def test_a_failing_listener(self) -> None:
        """What a listener raises is logged, and the next message is given."""

        class Failing(Heard):
            async def message(self, client: ImClient, message: Shown) -> None:  # type: ignore[override]
                super().message(client, message)
                raise ZeroDivisionError

        bench = Bench(listener=Failing())
        socket = bench.online()
        socket.hear(**from_peer(1))
        socket.hear(**from_peer(2))
        self.assertEqual(bench.heard.seqs(), [1, 2])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_nonsense(self) -> None:
        """A frame that is none is logged, and the next one is read."""
        socket = self.bench.online()
        self.bench.client.link_said(b"{")
        self.bench.client.link_said(b'{"cmd":99}')
        socket.hear(**from_peer(1))
        self.assertEqual(self.heard.seqs(), [1])


class ConnectionTests(SynchronousTestCase):
    """Connected, and connected again."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.client = self.bench.client

    def states(self) -> list[str]:
        return [told[1] for told in self.bench.heard.told if told[0] == "state"]

    def test_connect_fires_when_caught_up(self) -> None:
        """Not when the socket opens, but when nothing is missed any more."""
        connected = self.client.connect()
        self.bench.socket.open()
        self.assertNoResult(connected)
        self.bench.socket.hear(cmd=4, epoch="e1", rows=[])
        self.successResultOf(connected)
        self.assertEqual(self.states(), ["connecting", "online"])

    def test_unreachable(self) -> None:
        """Tried again and again, with longer and longer pauses."""
        connected = self.client.connect()
        for attempt in range(1, 12):
            self.bench.socket.end(0)
            self.bench.clock.advance(30)
            self.assertEqual(len(self.bench.sockets), attempt + 1)
        self.assertNoResult(connected)

    def test_refused(self) -> None:
        """A refused token is not tried again."""
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
        """A reader that the server shut (1013) comes back and catches up."""
        self.bench.online().end(1013)
        self.assertEqual(self.states()[-1], "connecting")
        self.bench.online()
        self.assertEqual(self.states()[-1], "online")

    def test_heartbeat(self) -> None:
        """A silent connection is asked for a sign, and given up when none comes."""
        socket = self.bench.online()
        self.bench.clock.advance(HEARTBEAT_SECONDS)
        self.assertEqual(socket.said[-1], {"cmd": 0})
        socket.hear(cmd=0, at=1)
        self.bench.clock.advance(HEARTBEAT_SECONDS)
        self.assertFalse(socket.ended)
        self.bench.clock.advance(HEARTBEAT_SECONDS)
        self.assertTrue(socket.ended)

    def test_refused_catch_up(self) -> None:
        """A server that can't read its log now is asked again, on a new socket."""
        self.client.connect()
        self.bench.socket.open()
        self.bench.socket.hear(cmd=1, cid="catch-up", code=-6, msg="storage unavailable")
        self.assertTrue(self.bench.socket.ended)
        self.bench.online()
        self.assertEqual(self.states()[-1], "online")

    def test_catch_up_that_never_ends(self) -> None:
        """A server that opens and then says nothing of use is given up."""
        self.client.connect()
        first = self.bench.socket
        first.open()
        for _ in range(70):
            first.hear(cmd=0, at=1)
            self.bench.clock.advance(1)
        self.assertTrue(first.ended)

    def test_cancelled_connect(self) -> None:
        """Who cancels the wait ends the connection."""
        connected = self.client.connect()
        connected.cancel()
        self.failureResultOf(connected)
        self.assertTrue(self.bench.socket.ended)
        self.bench.clock.advance(600)
        self.assertEqual(len(self.bench.sockets), 1)

    def test_nothing_is_left_running(self) -> None:
        """After close no timer is pending."""
        self.bench.online(rows=[row(WITH_PEER, 5)])
        self.client.close()
        self.assertEqual(self.bench.clock.getDelayedCalls(), [])


class CommandTests(SynchronousTestCase):
    """What isn't a message."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.client = self.bench.client

    def test_told(self) -> None:
        """Read marks, typing, presence and changes reach the listener as such."""
        socket = self.bench.online()
        socket.hear(cmd=6, scope=10, dstid=PEER, userid=PEER, seq=3)
        socket.hear(cmd=5, scope=11, dstid=7, userid=PEER)
        socket.hear(cmd=7, userid=PEER, online=1)
        socket.hear(cmd=8, what="group", dstid=7)
        self.assertEqual(
            self.bench.heard.told[-4:],
            [
                ("read", WITH_PEER, PEER, 3),
                ("typing", Place(11, 7), PEER),
                ("presence", PEER, True),
                ("changed", "group", {"cmd": 8, "what": "group", "dstid": 7}),
            ],
        )

    def test_typing(self) -> None:
        """Typing is said once, and lost when there is no connection."""
        self.client.typing(WITH_PEER)
        socket = self.bench.online()
        self.assertEqual(len(socket.said), 1)
        self.client.typing(WITH_PEER)
        self.assertEqual(socket.said[-1], {"cmd": 5, "scope": 10, "dstid": PEER})

    def test_read_is_told_until_known(self) -> None:
        """A read mark given while offline or lost on the way is told after the catch-up."""
        self.client.mark_read(WITH_PEER, 4)
        rows = [row(WITH_PEER, 9, read=0)]
        socket = self.bench.online(rows=rows)
        self.assertEqual(socket.said[-1], {"cmd": 6, "scope": 10, "dstid": PEER, "seq": 4})
        self.client.mark_read(WITH_PEER, 2)
        self.assertEqual(socket.said[-1]["seq"], 4)
        socket.end()
        again = self.bench.online(rows=[row(WITH_PEER, 9, read=4)])
        self.assertEqual([said["cmd"] for said in again.said], [4])
