"""Pushes of two nodes on one database: the one that took a message pushes it, and knows who is connected where."""

from __future__ import annotations

from typing import Any, ClassVar

from test.access.http.rest.test_push import Pushes
from test.access.running_node import until
from test.access.test_two_nodes import TwoNodes


class TwoNodesPush(Pushes, TwoNodes):
    """`node`, to which users connect, and `other`."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "push": "private"}
    others: ClassVar[dict[str, str]] = {"push": "private"}

    async def test_pushed(self) -> None:
        """Subscriptions made at one node count at the other; who is connected at one isn't pushed to by the other; and
        both push with one key."""
        ann, ben, cat = await self.friends(3)
        self.assertEqual(self.node.push.key, self.other.push.key)
        # Ann's messages are taken by `node`. Ben comes and goes at `other`, where he subscribes.
        port = self.port
        self.listening_other = self.listen_to_other()
        self.port = self.listening_other.getHost().port
        await self.subscribed(ben, "ben")
        await self.subscribed(cat, "cat")
        here = await ben.device()
        self.port = port
        await until(lambda: {ben.id, cat.id} <= self.node.push.subscriptions.users, "the other node has heard of it")
        await until(lambda: self.node.routing.other_nodes.online(ben.id), "Ben is online at the other node")
        talking = await ann.device()
        await talking.tell(10, ben.id, "to who is here")
        await here.hear(cmd=10, content="to who is here")
        await self.settled(talking, cat, "cat")
        self.assertEqual(self.server.at("ben"), [])
        await here.leave()
        await until(lambda: not self.node.routing.other_nodes.online(ben.id), "Ben is offline")
        await talking.tell(10, ben.id, "to who is gone")
        await self.until_told("ben", "to who is gone")
        await self.settled(talking, cat, "cat")
        self.assertEqual([one["words"] for one in self.told("ben")], ["to who is gone"])
        self.assertEqual(self.other.push.pushing.pushed, 0)

    def listen_to_other(self) -> Any:
        """Let clients connect to the other node too."""
        mine, self.node = self.node, self.other
        try:
            listening = self.listen()
        finally:
            self.node = mine
        self.addCleanup(listening.stopListening)
        return listening
