"""Hooks by which other programs say something in a group."""

from __future__ import annotations

import json
from typing import Any, ClassVar
from unittest import mock
from urllib.parse import urlencode

from twisted.trial.unittest import SynchronousTestCase

from test.access.http.rest.api.key import KeyedNode
from test.access.running_node import FORM, Answer
from twim.access.http.rest import hooks as incoming
from twim.errors import Malformed, WrongType
from twim.logic.hooks import hash_secret
from twim.storage import hooks as store
from twim.storage.schema_bots import hook as hooks_table

JSON = "application/json"


def text(loose: Any) -> str:
    """What a JSON body says."""
    return incoming.text_of(JSON, json.dumps(loose).encode())


class TextTests(SynchronousTestCase):
    """What is read from a body."""

    def test_plain(self) -> None:
        """A text is said as it is."""
        self.assertEqual(text({"text": " a <b> &amp; c\n"}), "a <b> &amp; c")
        self.assertEqual(text({"text": "x" * 8000}), "x" * 8000)

    def test_slack(self) -> None:
        """Slack's own fields are known, its references and escapes are undone, and attachments are lines."""
        said = {
            "text": "<https://x.example/1|Build 7> failed &amp; &lt;stopped&gt; <https://y.example>",
            "username": "ci",
        }
        self.assertEqual(text(said), "Build 7 (https://x.example/1) failed & <stopped> https://y.example")
        attachments = [{"pretext": "p", "title": "t", "text": "x"}, {"fallback": "f"}, {"fallback": 1}, 7]
        self.assertEqual(text({"attachments": attachments}), "p\nt\nx\nf")
        self.assertEqual(text({"text": "&amp;lt;", "mrkdwn": True, "attachments": {}}), "&lt;")
        form = urlencode({"payload": json.dumps({"text": "by form", "icon_emoji": ":x:"})}).encode()
        self.assertEqual(incoming.text_of(FORM, form), "by form")

    def test_wrong(self) -> None:
        """What says nothing, and what isn't of that form."""
        for loose in ({}, {"text": " "}, {"text": 7}, {"text": "x" * 8001}, [], "x", {"attachments": [{}]}):
            self.assertRaises(Malformed, text, loose)
        for media, body in ((JSON, b"{"), (FORM, b"text=x"), (FORM, b"payload=%7B"), (FORM, b"payload=\xff")):
            self.assertRaises(Malformed, incoming.text_of, media, body)
        self.assertRaises(WrongType, incoming.text_of, "text/plain", b"x")
        self.assertRaises(WrongType, incoming.text_of, "", b"{}")


class HookTests(KeyedNode):
    """``/api/v1/hooks`` and ``/hook/SECRET``, with a group `g` of `ann`'s."""

    settings: ClassVar[dict[str, str]] = {"limits": "off"}

    async def setUp(self) -> None:
        await super().setUp()
        (self.ann,) = await self.users("ann")
        self.group = (await self.done("PUT", "/groups/g", {"name": "G", "owner": "ann"}))["id"]
        self.hook = await self.done("POST", "/hooks", {"group": "g", "name": "Builds"})
        self.url: str = self.hook["url"]

    async def say(self, text: str, *headers: str) -> Answer:
        return await self.post_json(self.url, {"text": text}, *headers)

    async def test_said(self) -> None:
        """What comes in by the hook is heard in the group as its bot's, and read as a message of somebody else's."""
        made = await self.done("POST", "/users/ann/token")
        ann = await self.knock(f"/chat?id={made['id']}&token={made['token']}")
        ann.say(cmd=0)
        await ann.hear(cmd=0)
        answer = await self.say("build 7 is done")
        heard = await ann.hear(cmd=11, content="build 7 is done")
        self.assertEqual((heard["seq"], heard["at"], heard["media"]), (answer.data["seq"], answer.data["at"], 1))
        form = urlencode({"payload": json.dumps({"text": "by form"})}).encode()
        self.assertEqual((await self.ask("POST", self.url, body=form, media=FORM)).json["code"], 0)
        await ann.hear(cmd=11, content="by form", userid=heard["userid"])
        query = urlencode({"token": made["token"], "id": heard["userid"]})
        bot = (await self.ask("GET", f"/user/find?{query}")).data
        self.assertEqual((bot["nickname"], bot["bot"]), ("Builds", 1))
        self.assertEqual((await self.done("GET", "/users/ann/unread"))["unread"], 2)
        (row,) = await self.done("GET", "/hooks")
        expected = {"id": self.hook["id"], "group": "g", "name": "Builds", "bot": f"id:{heard['userid']}"}
        self.assertEqual(row | expected, row)
        self.assertNotIn("url", row)

    async def test_secret(self) -> None:
        """Only the hash of the secret is stored; another secret leads nowhere, as does another method."""
        secret = self.url.removeprefix("/hook/")
        stored = await self.database.read(lambda c: c.execute(hooks_table.select()).one())
        self.assertEqual(bytes(stored.hash), hash_secret(secret))
        self.assertNotIn(secret, str(stored))
        for wrong in (secret[:-1], secret + "x", "x" * 101, secret + "/x"):
            self.assert_refused(await self.post_json(f"/hook/{wrong}", {"text": "hi"}), 404)
        self.assert_refused(await self.ask("GET", self.url), 405)
        answer = await self.say("hi")
        self.assertEqual(answer.header("referrer-policy"), "no-referrer")

    async def test_repeated(self) -> None:
        """Sent again under the same Idempotency-Key it is said once."""
        answers = [await self.say("once", "Idempotency-Key: a") for _ in range(2)]
        self.assertEqual(answers[0].json, answers[1].json)
        self.assert_refused(await self.say("another", "Idempotency-Key: a"), 422)

    async def test_ended(self) -> None:
        """It ends when it is deleted, and says nothing once its bot was removed."""
        other = await self.done("POST", "/hooks", {"group": "g", "name": "Other"})
        self.assertEqual(len((await self.done("GET", "/groups/g"))["members"]), 3)
        for _ in range(2):
            answer = await self.call("DELETE", f"/hooks/{other['id']}")
        self.assert_refused(answer, 404, "no such hook")
        self.assert_refused(await self.call("DELETE", "/hooks/x"), 404)
        self.assert_refused(await self.post_json(other["url"], {"text": "hi"}), 404)
        members = (await self.done("GET", "/groups/g"))["members"]
        self.assertEqual(len(members), 2)
        (bot,) = (one for one in members if one != "ann")
        await self.done("DELETE", f"/groups/g/members/{bot}")
        self.assert_refused(await self.say("hi"), 403, "no member")
        await self.done("DELETE", f"/users/{bot}")
        self.assert_refused(await self.say("hi"), 404)

    async def test_dissolved(self) -> None:
        """It ends with its group."""
        await self.done("DELETE", "/groups/g")
        self.assert_refused(await self.say("hi"), 404)
        self.assertEqual(await self.done("GET", "/hooks"), [])
        refused = await self.call("POST", "/hooks", {"group": f"id:{self.group}", "name": "x"})
        self.assert_refused(refused, 409, "dissolved")

    async def test_not_made(self) -> None:
        """What is refused of a hook, and who may not make one."""
        for loose, status in (
            ({"group": "g"}, 400),
            ({"group": "g", "name": ""}, 400),
            ({"group": "g", "name": "x" * 21}, 400),
            ({"group": "h", "name": "x"}, 404),
            ({"group": "", "name": "x"}, 400),
        ):
            self.assert_refused(await self.call("POST", "/hooks", loose), status)
        key = await self.new_key("users,groups,messages,read")
        for method, path in (("POST", "/hooks"), ("DELETE", f"/hooks/{self.hook['id']}")):
            refused = await self.call(method, path, {"group": "g", "name": "x"}, key=key)
            self.assert_refused(refused, 403, "webhooks")
        self.assertEqual((await self.call("GET", "/hooks", key=key)).status, 200)
        for bound in ("OF_A_GROUP", "HOOKS"):
            with mock.patch.object(store, bound, 1):
                refused = await self.call("POST", "/hooks", {"group": "g", "name": "x"})
            self.assert_refused(refused, 409, "at most")
        repeated = {"group": "g", "name": "y"}
        answers = [await self.call("POST", "/hooks", repeated, "Idempotency-Key: a") for _ in range(2)]
        self.assertEqual([answer.status for answer in answers], [200, 409])
