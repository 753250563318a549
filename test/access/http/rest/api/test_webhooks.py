"""Webhooks of another program: made, told, refused and ended, on a running node with a real receiver."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from twisted.internet.task import deferLater

from test.access.http.rest.api.key import COMMAND, KeyedNode
from test.access.receiver import Receiver
from test.access.running_node import Device, reactor, until
from twim.logic.webhooks import delivery, pacing
from twim.storage import webhooks


class ToldNode(KeyedNode):
    """A node whose webhooks may have addresses of this machine, a receiver, users `ann`, `ben` and `cat`, and a group
    `g` of the first two, which `ann` owns."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "webhooks": "private"}

    async def setUp(self) -> None:
        await super().setUp()
        self.receiver = Receiver()
        self.receiver.listen()
        self.addCleanup(self.receiver.close)
        # Everything is told at once.
        self.patch(delivery, "POLL_SECONDS", 0.02)
        self.patch(delivery, "READ_SECONDS", 0.0)
        self.patch(pacing, "EVENT_SECONDS", 0.0)
        self.patch(delivery, "STORE_SECONDS", 0.0)
        self.ids = dict(zip(("ann", "ben", "cat"), await self.users("ann", "ben", "cat"), strict=True))
        made = await self.done("PUT", "/groups/g", {"owner": "ann", "name": "g", "members": ["ann", "ben"]})
        self.group: int = made["id"]

    async def hook(self, *events: str, **more: Any) -> int:
        """Make a webhook to the receiver, which checks its signatures."""
        made = await self.done("POST", "/webhooks", {"url": self.receiver.url, "events": events} | more)
        self.receiver.secret = made["secret"]
        its_id: int = made["id"]
        await until(lambda: its_id in self.node.webhooks._deliveries, "somebody delivers")
        return its_id

    async def say(self, speaker: str, to: str, content: str = "hi", **more: Any) -> Any:
        where = {"group": to} if to == "g" else {"user": to}
        return await self.done("POST", "/messages", {"from": speaker, "to": where, "content": content} | more)

    async def told(self, count: int, event: str = "message") -> list[dict[str, Any]]:
        """The events of this kind once there are so many."""

        def found() -> list[dict[str, Any]]:
            return [one for one in self.receiver.taken if one["event"] == event]

        await until(lambda: len(found()) >= count, f"{count} of {event}")
        return found()

    async def connected(self, name: str) -> Device:
        token = (await self.done("POST", f"/users/{name}/token"))["token"]
        device: Device = await self.knock(f"/chat?id={self.ids[name]}&token={token}")
        device.say(cmd=0)
        await device.hear(cmd=0)
        return device

    async def row(self) -> dict[str, Any]:
        """The only webhook."""
        (row,) = await self.done("GET", "/webhooks")
        return dict(row)


class EventTests(ToldNode):
    """What is told."""

    async def test_message_in_group(self) -> None:
        """A message in a group: its fields, and who isn't connected, has muted the group, and is mentioned."""
        await self.done("PUT", "/groups/g/members/cat")
        await self.hook("message")
        await self.connected("ben")
        await self.mute("cat")
        posted = await self.say("ann", "g", "look", mentions=["ben"])
        (event,) = await self.told(1)
        self.assertEqual(set(event), {"id", "event", "at", "data"})
        self.assertEqual(event["at"], posted["at"])
        wanted = {"scope": 11, "group": "g", "from": "ann", "seq": posted["seq"], "at": posted["at"], "media": 1}
        lists = {"offline": ["cat"], "muted": ["cat"], "mentioned": ["ben"]}
        self.assertEqual(event["data"], wanted | {"content": "look"} | lists)
        self.assertEqual(self.receiver.headers[0]["content-type"], "application/json")
        await self.say("ben", "g", "all", mentions=[0])
        *_, event = await self.told(2)
        self.assertEqual(sorted(event["data"]["mentioned"]), ["ann", "cat"])

    async def mute(self, name: str) -> None:
        token = (await self.done("POST", f"/users/{name}/token"))["token"]
        muted = await self.post("/message/setting", token=token, scope=11, dstid=self.group, mute=1)
        self.assertEqual(muted.json["code"], 0, muted)

    async def test_message_to_user(self) -> None:
        """A message of a pair, from a device; who has no external id is called by number."""
        await self.hook("message")
        await self.befriend_boss()
        boss = await self.boss.device()
        await boss.tell(10, self.ids["ann"], "hello", pic="", memo="more")
        (event,) = await self.told(1)
        data = event["data"]
        self.assertEqual((data["scope"], data["from"], data["to"]), (10, f"id:{self.boss.id}", "ann"))
        self.assertEqual((data["content"], data["memo"]), ("hello", "more"))
        self.assertEqual((data["offline"], data["muted"], data["mentioned"]), (["ann"], [], []))
        self.assertNotIn("group", data)

    async def befriend_boss(self) -> None:
        answer = await self.boss.post("/contact/addfriend", dstid=self.ids["ann"])
        self.assertEqual(answer.json["code"], 0, answer)

    async def test_recall(self) -> None:
        """A message that is recalled before it is told has no words any more; the recall is told, too."""
        self.receiver.status = 503
        await self.hook("message")
        posted = await self.say("ann", "ben", "secret")
        await until(lambda: self.receiver.attempts)
        self.assertEqual(self.receiver.attempts[0]["data"]["content"], "secret")
        await self.done("DELETE", f"/messages/{posted['seq']}?users=ann,ben")
        self.receiver.status = 200
        first, second = await self.told(2)
        self.assertEqual((first["data"]["recalled"], "content" in first["data"]), (1, False))
        self.assertEqual((second["data"]["media"], second["data"]["ref"]), (20, posted["seq"]))

    async def test_members(self) -> None:
        """What happens to members, whether or not somebody reads its notice."""
        await self.hook("member")
        await self.done("PUT", "/groups/g/members/cat")
        await self.done("DELETE", "/groups/g/members/cat")
        token = (await self.done("POST", "/users/ann/token"))["token"]
        for path, more in (
            ("/contact/setrole", {"memberid": self.ids["ben"], "role": "admin"}),
            ("/contact/mutemember", {"memberid": self.ids["ben"], "seconds": 60}),
            ("/contact/mutemember", {"memberid": self.ids["ben"], "seconds": 0}),
        ):
            answer = await self.post(path, token=token, dstid=self.group, **more)
            self.assertEqual(answer.json["code"], 0, answer)
        await self.told(5, "member")  # a group that is gone has no external id any more
        await self.done("DELETE", "/groups/g")
        await self.told(6, "member")
        told = self.receiver.of("member", "group", "user", "what")
        wanted = [("cat", "joined"), ("cat", "removed"), ("ben", "role"), ("ben", "muted"), ("ben", "unmuted")]
        self.assertEqual(told[:5], [("g", user, what) for user, what in wanted])
        self.assertEqual(told[5][::2], ("g", "dissolved"))

    async def test_users(self) -> None:
        """What happens to users; who is erased is called by the external id once more."""
        await self.hook("user")
        await self.users("dan")
        await self.done("PUT", "/users/dan", {"nickname": "Daniel"})
        await self.done("PUT", "/users/dan", {"disabled": 1})
        await self.done("PUT", "/users/dan", {"disabled": 0})
        await self.told(4, "user")  # what waits of who is erased is removed
        await self.done("DELETE", "/users/dan")
        await self.told(5, "user")
        told = self.receiver.of("user", "user", "what")
        self.assertEqual(told, [("dan", what) for what in ("made", "changed", "disabled", "enabled", "erased")])

    async def test_read(self) -> None:
        """Who reads how far, in a group and with somebody, after the message that was read."""
        await self.hook("message", "read")
        posted = await self.say("ann", "g")
        pair = await self.say("ann", "ben")
        ben = await self.connected("ben")
        ben.say(cmd=6, scope=11, dstid=self.group, seq=posted["seq"])
        ben.say(cmd=6, scope=10, dstid=self.ids["ann"], seq=pair["seq"])
        await self.told(2, "read")
        told = self.receiver.of("read", "user", "scope", "group", "with", "seq")
        self.assertEqual(
            sorted(told, key=str), [("ben", 10, None, "ann", pair["seq"]), ("ben", 11, "g", None, posted["seq"])]
        )
        self.assertEqual([one["event"] for one in self.receiver.taken], ["message", "message", "read", "read"])

    async def test_filter(self) -> None:
        """A webhook of one group hears of no other conversation."""
        await self.done("PUT", "/groups/h", {"owner": "ann", "name": "h", "members": ["ann", "ben"]})
        await self.hook("message", "member", "user", filter={"group": "g"})
        await self.done("POST", "/messages", {"from": "ann", "to": {"group": "h"}, "content": "no"})
        await self.say("ann", "ben", "no")
        await self.users("dan")
        await self.done("PUT", "/groups/h/members/cat")
        await self.done("PUT", "/groups/g/members/cat")
        await self.say("ann", "g", "yes")
        await until(lambda: ("yes",) in self.receiver.of("message", "content"))
        await self.told(1, "member")
        self.assertNotIn("no", [one["data"].get("content") for one in self.receiver.taken])
        self.assertEqual({one["data"]["group"] for one in self.receiver.taken}, {"g"})

    async def test_many(self) -> None:
        """Every message once, in the order of its conversation; each event has an id of its own."""
        await self.hook("message")
        for start in range(0, 300, 100):
            batch = [
                {"from": "ann", "to": {"group": "g"} if n % 3 else {"user": "ben"}, "content": str(n)}
                for n in range(start, start + 100)
            ]
            await self.done("POST", "/messages", batch)
        events = await self.told(300)
        self.assertEqual(len({one["id"] for one in events}), 300)
        for scope in (10, 11):
            seqs = [one["data"]["seq"] for one in events if one["data"]["scope"] == scope]
            self.assertEqual(seqs, list(range(seqs[0], seqs[0] + len(seqs))))

    async def test_erased(self) -> None:
        """What waits of a user who is erased has neither words nor name."""
        self.receiver.status = 500
        await self.hook("message", "user")
        await self.done("PUT", "/users/cat", {"nickname": "Kate"})
        await self.say("cat", "ben", "private")
        await until(lambda: len(self.receiver.attempts) > 1)
        await self.done("DELETE", "/users/cat")
        self.receiver.status = 200
        await until(lambda: ("erased",) in self.receiver.of("user", "what"))
        (event,) = await self.told(1)
        self.assertEqual((event["data"]["from"], event["data"].get("content")), (f"id:{self.ids['cat']}", None))
        self.assertEqual(self.receiver.of("user", "user", "what"), [("cat", "erased")])


class StateTests(ToldNode):
    """How a webhook stands."""

    async def test_failing(self) -> None:
        """While it fails it says why and how much waits; then it is told everything, and is all right again."""
        self.receiver.status = 418
        its_id = await self.hook("message")
        await self.say("ann", "ben")
        await self.say("ann", "g")
        await until(lambda: len(self.receiver.attempts) > 1)
        row = await self.row()
        self.assertEqual((row["id"], row["url"], row["events"]), (its_id, self.receiver.url, ["message"]))
        self.assertEqual((row["state"], row["waiting"], row["failure"]), ("failing", 2, "status 418"))
        self.receiver.status = 200
        await self.told(2)
        while (row := await self.row())["state"] != "ok" or row["waiting"]:
            await deferLater(reactor, 0.02)
        self.assertEqual((row["failure"], row["since"]), ("", 0))

    async def test_other_conversations(self) -> None:
        """A message that is refused keeps only its own conversation waiting."""
        self.receiver.refuses = lambda event: event["data"]["content"] == "bad"
        await self.hook("message")
        batch = [
            {"from": "ann", "to": {"user": "ben"}, "content": "bad"},
            {"from": "ann", "to": {"user": "ben"}, "content": "behind"},
            {"from": "ann", "to": {"user": "cat"}, "content": "other"},
        ]
        await self.done("POST", "/messages", batch)
        await self.told(1)
        self.assertEqual(self.receiver.of("message", "content"), [("other",)])
        self.receiver.refuses = lambda event: False
        await self.told(3)
        self.assertEqual(self.receiver.of("message", "content"), [("other",), ("bad",), ("behind",)])

    async def test_redirect_and_silence(self) -> None:
        """A redirect isn't followed, and no answer is none: both are failures."""
        self.patch(delivery, "ANSWER_SECONDS", 0.2)
        self.receiver.status = 302
        await self.hook("message")
        await self.say("ann", "ben")
        await until(lambda: self.receiver.attempts)
        while (await self.row())["failure"] != "status 302":
            await deferLater(reactor, 0.02)
        self.receiver.silent = True
        while (await self.row())["failure"] != "no answer in time":
            await deferLater(reactor, 0.02)

    async def test_deleted(self) -> None:
        """Nothing is told any more, and nothing is written down for nobody."""
        its_id = await self.hook("message", "user")
        await self.done("DELETE", f"/webhooks/{its_id}")
        await until(lambda: not self.node.webhooks._deliveries)
        await self.users("dan")
        await self.say("ann", "ben")
        self.assertEqual(await self.done("GET", "/webhooks"), [])
        self.assertEqual(self.receiver.attempts, [])
        rows = await self.database.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM happening").scalar_one())
        self.assertEqual(rows, 0)
        refused = await self.call("DELETE", f"/webhooks/{its_id}")
        self.assert_refused(refused, 404, "no such webhook")

    async def test_restart(self) -> None:
        """A node that starts again goes on where the other one stopped."""
        self.receiver.status = 500
        await self.hook("message")
        await self.say("ann", "ben", "before")
        await until(lambda: self.receiver.attempts)
        await self.stop()
        self.receiver.status = 200
        await self.start()
        await self.say("ann", "ben", "after")
        await self.told(2)
        self.assertEqual(self.receiver.of("message", "content"), [("before",), ("after",)])

    async def test_administrators(self) -> None:
        """Administrators list, retry and delete; what they changed is in the audit log."""
        self.receiver.status = 500
        its_id = await self.hook("message")
        await self.say("ann", "ben")
        await until(lambda: self.receiver.attempts)
        self.patch(delivery, "GIVE_UP_MS", 0)
        while (await self.row())["state"] != "failed":
            await deferLater(reactor, 0.02)
        tried = len(self.receiver.attempts)
        (row,) = (await self.boss.get("/admin/api/webhooks")).rows
        self.assertEqual((row["id"], row["state"], row["waiting"], row["group"]), (its_id, "failed", 1, 0))
        self.assertNotIn("secret", row)
        self.receiver.status = 200
        answer = await self.boss.post(f"/admin/api/webhooks/{its_id}/retry")
        self.assertEqual(answer.json["code"], 0, answer)
        await self.told(1)
        self.assertEqual(len(self.receiver.attempts), tried + 1)
        answer = await self.boss.post(f"/admin/api/webhooks/{its_id}/delete")
        self.assertEqual(answer.json["code"], 0, answer)
        for act in ("retry", "delete"):
            self.assert_refused(await self.boss.post(f"/admin/api/webhooks/{its_id}/{act}"), 404)
        rows = (await self.node.administration.act("audit.list", {}, COMMAND))["rows"]
        assert isinstance(rows, list)
        acts = [(row["act"], row["what"]) for row in rows if row["act"].startswith("webhook")]
        self.assertEqual(acts, [("webhook.delete", {"id": its_id}), ("webhook.retry", {"id": its_id})])


class RefusedTests(KeyedNode):
    """What a key may not do, and what is no webhook, where only public addresses are taken."""

    async def refused(self, status: int, text: str, loose: object, key: str | None = None) -> None:
        self.assert_refused(await self.call("POST", "/webhooks", loose, key=key), status, text)

    async def test_addresses(self) -> None:
        """An address that isn't public is refused in any form, and what is no URL."""
        for host in ("127.0.0.1", "127.1", "0x7f.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254", "0"):
            await self.refused(422, "not a public address", {"url": f"http://{host}/", "events": ["user"]})
        for url in ("ftp://example.com/", "example.com", "http://a@example.com/", ""):
            await self.refused(422, "url: ", {"url": url, "events": ["user"]})
        self.assertEqual(await self.done("GET", "/webhooks"), [])

    async def test_bodies(self) -> None:
        """Unknown events, none, and fields that there aren't."""
        good = {"url": "https://example.com/", "events": ["user"]}
        wrong_ones: tuple[dict[str, object], ...] = ({"url": 1}, {"name": "x"}, {"filter": {}}, {"events": []})
        for wrong in (*wrong_ones, {"events": ["all"]}, {"events": "user"}):
            await self.refused(400, "", good | wrong)
        await self.refused(404, "no such group", good | {"filter": {"group": "nobody"}})

    async def test_scopes(self) -> None:
        """Webhooks need their scope, messages and reads also one that lets read messages; to read all shows them."""
        url = "https://example.com/"
        only, users, reads = [await self.new_key(scopes) for scopes in ("webhooks", "users", "read,webhooks")]
        await self.refused(403, "scope webhooks", {"url": url, "events": ["user"]}, users)
        for events in (["message"], ["user", "read"]):
            await self.refused(403, "neither the scope messages nor read", {"url": url, "events": events}, only)
        made = await self.call("POST", "/webhooks", {"url": url, "events": ["user", "member"]}, key=only)
        self.assertEqual(made.status, 200, made)
        self.assertTrue(re.fullmatch(r"twh_[\w-]{32}", made.data["secret"]))
        made = await self.call("POST", "/webhooks", {"url": url, "events": ["message", "message"]}, key=reads)
        self.assertEqual(made.status, 200, made)
        read = await self.new_key("read")
        rows = (await self.call("GET", "/webhooks", key=read)).rows
        self.assertEqual([row["events"] for row in rows], [["message"], ["user", "member"]])
        for path in ("/webhooks/1", "/webhooks/x", "/webhooks/99999999999999999999"):
            self.assert_refused(await self.call("DELETE", path, key=read), 403)
            if path != "/webhooks/1":
                self.assert_refused(await self.call("DELETE", path), 404)
        self.assert_refused(await self.call("POST", "/webhooks", {}, key=""), 401)

    async def test_secret_is_not_kept(self) -> None:
        """The answer to a request that is sent again isn't kept, since it had a secret."""
        body = {"url": "https://example.com/", "events": ["user"]}
        first = await self.call("POST", "/webhooks", body, "Idempotency-Key: one")
        self.assertEqual(first.status, 200)
        self.assert_refused(await self.call("POST", "/webhooks", body, "Idempotency-Key: one"), 409)

    async def test_too_many(self) -> None:
        """There is a bound."""
        self.patch(webhooks, "WEBHOOKS", 1)
        body = {"url": "https://example.com/", "events": ["user"]}
        await self.done("POST", "/webhooks", body)
        await self.refused(409, "at most 1 webhooks", body)
