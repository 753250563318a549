"""What a client requests and reports when a connection begins."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from test.client.fakes import PEER, WITH_PEER, Bench, from_peer, row, shown
from twim.client import Position


class CatchUpTests(SynchronousTestCase):
    """After the catch-up a device has all messages that it should have."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.client = self.bench.client
        self.listener = self.bench.listener

    def states(self) -> list[str]:
        return [call[1] for call in self.listener.calls if call[0] == "state"]

    def test_connect_fires_when_caught_up(self) -> None:
        """`connect` fires when nothing is missed any more, not already when the socket opens."""
        connected = self.client.connect()
        self.bench.socket.open()
        self.assertNoResult(connected)
        self.bench.socket.hear(cmd=4, epoch="e1", rows=[])
        self.successResultOf(connected)
        self.assertEqual(self.states(), ["connecting", "online"])

    def test_catch_up_says_what_it_has(self) -> None:
        """The first frame of the next socket names the epoch and the last seq of each conversation."""
        socket = self.bench.online()
        socket.hear(**from_peer(1))
        socket.hear(cmd=11, userid=PEER, dstid=7, media=1, seq=1)
        socket.end()
        again = self.bench.online()
        first = again.sent[0]
        self.assertEqual((first["epoch"], first["have"]), ("e1", {"10:2": 1, "11:7": 1}))
        self.assertEqual(self.bench.client.position, Position("e1", {"10:2": 1, "11:7": 1}))

    def test_reset(self) -> None:
        """With another database everything is forgotten and loaded again."""
        socket = self.bench.online()
        socket.hear(**from_peer(1))
        socket.hear(**from_peer(2))
        socket.end()
        self.bench.clock.advance(60)
        again = self.bench.socket
        again.open()
        again.hear(**from_peer(1, content="another"))
        self.assertEqual(len(self.listener.messages), 2)
        again.hear(cmd=4, epoch="e2", reset=True, rows=[row(WITH_PEER, 1)])
        self.assertIn(("reset",), self.listener.calls)
        self.assertEqual([m.content for m in self.listener.messages], ["another"])
        self.assertEqual(self.bench.client.position, Position("e2", {"10:2": 1}))

    def test_not_the_missed_ones(self) -> None:
        """A bot that asks only for new messages gets none from before it connected."""
        self.bench.client.connect(missed=False)
        socket = self.bench.socket
        socket.open()
        socket.hear(**from_peer(3))
        socket.hear(cmd=4, epoch="e1", rows=[row(WITH_PEER, 3)])
        socket.hear(**from_peer(4))
        self.assertEqual(self.listener.seqs(), [4])

    def test_goes_on_from_a_position(self) -> None:
        """A device that was stopped gets what came after its position, and nothing else."""
        bench = Bench(Position("e1", {"10:2": 2}))
        bench.client.connect()
        bench.socket.open()
        self.assertEqual(bench.socket.sent[0]["have"], {"10:2": 2})
        bench.socket.hear(**from_peer(3))
        bench.socket.hear(cmd=4, epoch="e1", rows=[row(WITH_PEER, 3)])
        self.assertEqual(bench.listener.seqs(), [3])

    def test_fetch_ends_with_the_socket(self) -> None:
        """A page that is being loaded when the socket is lost is left to the next catch-up."""
        self.bench.rest.rows[WITH_PEER] = [shown(1)]
        socket = self.bench.online(rows=[row(WITH_PEER, 1)])
        socket.end()
        self.bench.settle()
        self.assertEqual(self.bench.rest.asked, [])
        self.bench.online(rows=[row(WITH_PEER, 1)])
        self.bench.settle()
        self.assertEqual(self.listener.seqs(), [1])

    def test_refused_catch_up(self) -> None:
        """A server that can't read its log now is asked again on a new socket."""
        self.client.connect()
        self.bench.socket.open()
        self.bench.socket.hear(cmd=1, cid="catch-up", code=-6, msg="storage unavailable")
        self.assertTrue(self.bench.socket.ended)
        self.bench.online()
        self.assertEqual(self.states()[-1], "online")

    def test_catch_up_that_never_ends(self) -> None:
        """A connection whose catch-up doesn't end is given up."""
        self.client.connect()
        first = self.bench.socket
        first.open()
        for _ in range(70):
            first.hear(cmd=0, at=1)
            self.bench.clock.advance(1)
        self.assertTrue(first.ended)

    def test_read_is_told_until_known(self) -> None:
        """A read mark that is set offline or lost on the way is sent again after the catch-up."""
        self.client.mark_read(WITH_PEER, 4)
        rows = [row(WITH_PEER, 9, read=0)]
        socket = self.bench.online(rows=rows)
        self.assertEqual(socket.sent[-1], {"cmd": 6, "scope": 10, "dstid": PEER, "seq": 4})
        self.client.mark_read(WITH_PEER, 2)
        self.assertEqual(socket.sent[-1]["seq"], 4)
        socket.end()
        again = self.bench.online(rows=[row(WITH_PEER, 9, read=4)])
        self.assertEqual([frame["cmd"] for frame in again.sent], [4])
