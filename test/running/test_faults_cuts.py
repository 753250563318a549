"""Connections that break at any byte, and clients that don't read."""

from __future__ import annotations

import os
from random import Random

from twisted.internet.defer import gatherResults
from twisted.internet.task import deferLater

from test.running.cutting_proxy import CuttingProxy
from test.running.load import Crowd
from test.running.people import friends, reactor, running, until, whole_history
from test.running.server import Server
from test.running.tally import Tally
from twim.client import ConversationKey, State

CUTS = int(os.environ.get("TWIM_CUTS", "300"))
SEED = int(os.environ.get("TWIM_SEED", "1"))
LONG = "长" * 7_000  # 21,000 bytes
MANY = 600  # of those: 12 MB, more than every buffer on the way and the server's 1 MiB together


@running
async def test_connections_cut_while_sending(server: Server, tally: Tally) -> None:
    """Each device gets every message once and in order, however often the connections break."""
    proxy = CuttingProxy(reactor, server.port, Random(SEED))
    crowd = await Crowd.gather(server.url, 3, devices=2, by_way_of=proxy.url, seed=SEED)
    proxy.cutting = 0.05
    crowd.write()
    await until(lambda: proxy.cuts >= CUTS, 120, f"{CUTS} cuts")
    proxy.cutting = 0
    await deferLater(reactor, 0.5)
    await crowd.quiet()
    messages = await crowd.check_history()
    await crowd.check_devices()
    await crowd.close()
    await proxy.close()
    ledger = crowd.ledger
    assert len(ledger.answered) == len(ledger.sent)
    tally.add("connections cut at any byte", f"{proxy.cuts} cuts", messages, crowd.deliveries, ledger)
    assert (ledger.lost, ledger.doubled, ledger.reordered) == (0, 0, 0)
    assert messages > 500


@running
async def test_slow_reader(server: Server, tally: Tally) -> None:
    """A client that doesn't read is closed with 1013; when it connects and reads again, it gets everything."""
    ann, ben = await friends(server.url)
    proxy = CuttingProxy(reactor, server.port, Random(SEED))
    slow = await ben.client(proxy.url).connected()
    codes: list[int] = []
    link = slow.client._link
    closed = link.socket_closed
    link.socket_closed = lambda socket, code, reason: (codes.append(code), closed(socket, code, reason))[1]
    writer = await ann.client().connected()
    proxy.stall()
    await gatherResults([writer.client.send_text(10, ben.id, f"{n} {LONG}") for n in range(MANY)])
    assert codes == []
    proxy.go_on()
    here = ConversationKey(10, ann.id)
    await until(lambda: slow.seqs(here)[-1:] == [MANY], 60, "caught up")
    assert codes == [1013]
    assert slow.client.state is State.ONLINE
    rows = await whole_history(ben, here)
    assert slow.seqs(here) == [row.seq for row in rows] == list(range(1, MANY + 1))
    await writer.client.close()
    await slow.client.close()
    await proxy.close()
