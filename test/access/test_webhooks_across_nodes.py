"""Webhooks of two nodes on one database: one of them delivers what both store, and the other one after it."""

from __future__ import annotations

from typing import Any, ClassVar

from test.access.receiver import Receiver
from test.access.running_node import reactor, until
from test.access.test_two_nodes import TwoNodes
from twim.logic.administration.acts import Actor
from twim.logic.webhooks import delivery
from twim.node import Node

COMMAND = Actor("command:root")


class AcrossNodes(TwoNodes):
    """Both may tell this machine."""

    settings: ClassVar[dict[str, str]] = {"webhooks": "private"}
    others: ClassVar[dict[str, str]] = {"webhooks": "private"}

    async def setUp(self) -> None:
        await super().setUp()
        self.receiver = Receiver()
        self.receiver.listen()
        self.addCleanup(self.receiver.close)
        # What isn't told by the bus would be seen only at the next look.
        self.patch(delivery, "POLL_SECONDS", 3600.0)

    def holder(self) -> Node | None:
        """The node that delivers."""
        holding = [one for one in (self.node, self.other) if one.webhooks._deliveries]
        assert len(holding) < 2
        return holding[0] if holding else None

    def said(self) -> list[Any]:
        return [one["data"]["content"] for one in self.receiver.taken if one["data"]["media"] == 1]

    async def test_both_tell(self) -> None:
        """What either node stores is told at once, in order, by the one that has the lease; when that one stops the
        other has it, and nothing is missing or told twice. A webhook that is deleted at one ends at the other."""
        ann, ben = await self.person(), await self.person()
        await ann.befriend(ben)
        made, _ = await self.node.webhooks.create(self.receiver.url, ["message", "read"], 0)
        await until(self.holder, "somebody delivers")
        first, port = self.listening, self.port
        second = reactor.listenTCP(0, self.other.site, interface="127.0.0.1")
        self.addCleanup(second.stopListening)
        devices = []
        for listening in (first, second):
            self.port = listening.getHost().port
            devices.append(await (ann if listening is first else ben).device())
        self.port = port
        for number in range(10):
            one, other = (devices, (ben, ann)) if number % 2 else (devices[::-1], (ann, ben))
            await one[0].tell(10, other[0].id, str(number))
            await until(lambda n=number: len(self.said()) == n + 1, "it is told")
        self.assertEqual(self.said(), [str(number) for number in range(10)])
        message = next(one for one in self.receiver.taken if one["event"] == "message")
        # Who is connected to either node isn't offline.
        self.assertEqual(message["data"]["offline"], [])
        for device in devices:
            await device.leave()
        await until(lambda: not self.other.hub.users and not self.node.hub.users, "everybody left")
        holder = self.holder()
        assert holder is not None
        left = self.other if holder is self.node else self.node
        await holder.webhooks.stop()
        await until(lambda: left.webhooks._deliveries, "the other one delivers")
        self.assertEqual(len(self.said()), 10)
        await holder.administration.act("webhook.delete", {"id": made}, COMMAND)
        await until(lambda: not left.webhooks._hooks, "the other one knows")
