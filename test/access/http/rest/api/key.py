"""A running node with an administrator, and a key of another program."""

from __future__ import annotations

import json
from typing import Any

from test.access.running_node import Answer, RunningNode
from twim.logic.administration.acts import Actor

COMMAND = Actor("command:root")


class KeyedNode(RunningNode):
    """Has an administrator, `boss`, and a `key` with the usual scopes."""

    async def setUp(self) -> None:
        await super().setUp()
        self.boss = await self.person(nickname="Boss")
        self.key = await self.new_key()

    async def new_key(self, scopes: str = "") -> str:
        made = await self.node.administration.act("key.create", {"name": "shop", "scopes": scopes}, COMMAND)
        key: str = str(made["key"])
        return key

    async def call(self, method: str, path: str, loose: object = None, *headers: str, key: str | None = None) -> Answer:
        """Make one request with the key (or another one; "" for none)."""
        given = self.key if key is None else key
        lines = [f"Authorization: Bearer {given}"] if given else []
        body = b"" if loose is None else json.dumps(loose).encode()
        media = "application/json" if body else ""
        return await self.ask(method, f"/api/v1{path}", *lines, *headers, body=body, media=media)

    async def done(self, method: str, path: str, loose: object = None, *headers: str) -> Any:
        """The data of an answer that must be good."""
        answer = await self.call(method, path, loose, *headers)
        assert answer.status == 200 and answer.json["code"] == 0, answer
        return answer.json.get("data", answer.json.get("rows"))

    async def users(self, *names: str) -> list[int]:
        """Make these users. Gives their ids."""
        return [(await self.done("PUT", f"/users/{name}", {"nickname": name}))["id"] for name in names]
