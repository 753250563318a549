"""Searching messages of a server that is killed."""

from __future__ import annotations

from pathlib import Path

from test.running.people import friends, running
from test.running.server import Server


@running
async def test_killed_before_it_is_indexed(tmp_path: Path) -> None:
    """What was answered is found after kill -9, and each message once."""
    with Server(tmp_path) as server:
        ann, bob = await friends(server.url)
        device = await ann.device()
        for number in range(3):
            device.say(cmd=10, dstid=bob.id, media=1, content=f"雪 number {number}", cid=f"c{number}")
            await device.hear(cmd=1, cid=f"c{number}")
        server.kill9()
        await server.restarted()
        found = await bob.rest.search("雪 num")
        assert [one.content for one in found.rows] == [f"雪 number {number}" for number in (2, 1, 0)]
        assert (found.rows[0].scope, found.rows[0].dstid, found.next) == (10, ann.id, 0)
