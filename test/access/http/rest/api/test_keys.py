"""What a key of another program opens, and what it doesn't."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.python.failure import Failure

from test.access.http.rest.api.key import COMMAND, KeyedNode
from test.access.running_node import until
from twim.errors import Unavailable
from twim.logic.api_keys import KEY_CHARS

WRITING = {
    "users": [
        ("PUT", "/users/ann"),
        ("POST", "/users/ann/token"),
        ("DELETE", "/users/ann/sessions"),
        ("DELETE", "/users/ann"),
    ],
    "groups": [
        ("PUT", "/groups/g"),
        ("PUT", "/groups/g/members/ann"),
        ("DELETE", "/groups/g/members/ann"),
        ("DELETE", "/groups/g"),
    ],
    "messages": [("POST", "/messages"), ("DELETE", "/messages/1?group=g")],
}
READING = {
    "users": [("GET", "/users/ann"), ("GET", "/users/ann/unread"), ("GET", "/unread?users=ann")],
    "groups": [("GET", "/groups/g")],
    "messages": [("GET", "/messages?group=g")],
}


class KeyTests(KeyedNode):
    """Keys."""

    async def test_needed(self) -> None:
        """Without a key, with a wrong one, and with a user's token, everything is refused; a cookie says nothing."""
        wrong = ("", "twk_wrong", "wrong", "twk_" + "x" * KEY_CHARS, self.boss.token)
        for method, path in (one for table in (WRITING, READING) for some in table.values() for one in some):
            for key in wrong:
                answer = await self.call(method, path, key=key)
                self.assert_refused(answer, 401)
                self.assertEqual(answer.header("www-authenticate"), "Bearer")
        for cookie in (self.boss.token, self.key):
            self.assert_refused(await self.call("GET", "/users/ann", None, f"Cookie: token={cookie}", key=""), 401)
        self.assert_refused(await self.ask("GET", f"/api/v1/users/ann?token={self.key}"), 401)
        self.assert_refused(await self.ask("GET", "/user/find", f"Authorization: Bearer {self.key}"), 401)

    async def test_scopes(self) -> None:
        """A scope opens its area, for reading and writing, and `read` all for reading; everything else is 403."""
        await self.users("ann")
        await self.done("PUT", "/groups/g", {"name": "Shop", "owner": "ann"})
        for scope in (*WRITING, "read", "webhooks", "admin"):
            key = await self.new_key(scope)
            for table in (READING, WRITING):
                for area, asked in table.items():
                    for method, path in asked:
                        may = area == scope or (table is READING and scope == "read")
                        if may and table is WRITING:
                            continue  # what may be done is done by the other tests
                        answer = await self.call(method, path, key=key)
                        self.assertEqual(answer.status, 200 if may else 403, (scope, method, path, answer))
                        if not may:
                            self.assert_refused(answer, 403, f"no scope {area}")

    async def test_no_such_path(self) -> None:
        """Other paths and methods are refused as everywhere."""
        for path in ("", "/nothing", "/users", "/users/a/b/c"):
            self.assert_refused(await self.call("GET", path), 404)
        self.assert_refused(await self.call("PATCH", "/users/ann"), 405)

    async def test_no_page(self) -> None:
        """A page of another site can't use it: a preflight isn't answered, and no answer allows an origin."""
        origin = "Origin: https://shop.example"
        asked = await self.ask("OPTIONS", "/api/v1/users/ann", origin, "Access-Control-Request-Method: PUT")
        answer = await self.call("GET", "/users/ann", None, origin)
        for one in (asked, answer):
            self.assertFalse([name for name in one.headers if name.startswith(b"access-control")], one)
            self.assertEqual(one.header("set-cookie"), "")
        self.assertEqual(asked.status, 405)

    async def test_revoked(self) -> None:
        """A key that is revoked opens nothing from then on."""
        keys = (await self.node.administration.act("key.list", {}, COMMAND))["rows"]
        assert isinstance(keys, list)
        await self.users("ann")
        await self.node.administration.act("key.revoke", {"id": keys[0]["id"]}, COMMAND)
        self.assert_refused(await self.call("GET", "/users/ann"), 401)

    async def test_used(self) -> None:
        """When a key was used last is written down with the next look at the keys."""
        await self.users("ann")
        before = await self.node.administration.act("key.list", {}, COMMAND)
        assert isinstance(before["rows"], list)
        self.assertEqual(before["rows"][0]["used"], 0)
        await self.node.keys._poll()
        after = await self.node.administration.act("key.list", {}, COMMAND)
        assert isinstance(after["rows"], list)
        self.assertGreater(after["rows"][0]["used"], before["rows"][0]["createat"] - 1)

    async def test_storage_gone(self) -> None:
        """While the keys can't be read, those that are known go on being good."""
        await self.users("ann")

        def gone() -> Deferred[Any]:
            failed: Deferred[Any] = Deferred()
            failed.errback(Failure(Unavailable()))
            return failed

        self.patch(self.node.keys._store, "by_hash", gone)
        await self.node.keys._poll()
        self.assertEqual((await self.call("GET", "/users/ann")).status, 200)
        self.node.keys.heard()
        self.assertEqual((await self.call("GET", "/users/ann")).status, 200)


class RepeatTests(KeyedNode):
    """``Idempotency-Key``."""

    def said(self, content: str = "hi") -> dict[str, object]:
        return {"from": "ann", "to": {"user": "ben"}, "content": content}

    async def setUp(self) -> None:
        await super().setUp()
        await self.users("ann", "ben")

    async def count(self) -> int:
        return len(await self.done("GET", "/messages?users=ann,ben"))

    async def test_once(self) -> None:
        """What is sent again under the same name is done once, and answered alike, another key's is its own."""
        name = "Idempotency-Key: order-1"
        first = await self.call("POST", "/messages", self.said(), name)
        again = await self.call("POST", "/messages", self.said(), name)
        self.assertEqual((again.status, again.json), (200, first.json))
        self.assertEqual(await self.count(), 1)
        self.assert_refused(await self.call("POST", "/messages", self.said("other"), name), 422, "another")
        self.key = await self.new_key()
        await self.done("POST", "/messages", self.said(), name)
        self.assertEqual(await self.count(), 2)

    async def test_refused(self) -> None:
        """A request that was refused may be sent again, when it passes."""
        name = "Idempotency-Key: order-1"
        said = {"from": "ann", "to": {"user": "cat"}}
        self.assert_refused(await self.call("POST", "/messages", said, name), 404)
        await self.users("cat")
        self.assertEqual((await self.call("POST", "/messages", said, name)).status, 200)
        long = f"Idempotency-Key: {'x' * 201}"
        self.assert_refused(await self.call("POST", "/messages", said, long), 400, "Idempotency-Key")

    async def test_secret(self) -> None:
        """A token is told once."""
        name = "Idempotency-Key: order-1"
        self.assertEqual((await self.call("POST", "/users/ann/token", None, name)).status, 200)
        self.assert_refused(await self.call("POST", "/users/ann/token", None, name), 409, "not kept")

    async def test_running(self) -> None:
        """While the first request runs the second one is refused."""
        waits: Deferred[None] = Deferred()
        decided = self.node.log.decided

        async def later() -> None:
            await decided()
            await waits

        self.patch(self.node.log, "decided", lambda: ensureDeferred(later()))
        name = "Idempotency-Key: order-1"
        first = ensureDeferred(self.call("POST", "/messages", self.said(), name))
        await until(lambda: self.node.log.posts)
        self.assert_refused(await self.call("POST", "/messages", self.said(), name), 409, "still runs")
        waits.callback(None)
        self.assertEqual((await first).status, 200)

    async def test_erased(self) -> None:
        """After an erasure no answer is kept, and nothing is done again."""
        name = "Idempotency-Key: order-1"
        await self.done("POST", "/messages", self.said(), name)
        await self.done("DELETE", "/users/ben")
        self.assert_refused(await self.call("POST", "/messages", self.said(), name), 409, "not kept")
