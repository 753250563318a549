"""``/push/…`` on a running node, with a push service on this machine that opens what it gets as a browser would."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from twisted.internet.task import deferLater

from test.access.running_node import PASSWD, POLL, Device, Person, RunningNode, reactor, until
from test.outbound.browser import Browser, encode
from test.outbound.push_server import start_push_server
from test.outbound.test_vapid import claims_of
from twim.logic.push_subscriptions import ENDPOINT_CHARS
from twim.storage.push_subscriptions import MOST

SITE = "https://chat.example"
FREE = {"limits": "off", "push": "private"}


class Pushes(RunningNode):
    """A node whose users subscribe to a push service here. Each subscription has a name."""

    settings: ClassVar[dict[str, str]] = FREE

    async def setUp(self) -> None:
        self.server = await start_push_server(self)
        self.browsers: dict[str, Browser] = {}
        await super().setUp()

    async def subscribe(self, person: Person, name: str, *headers: str) -> Any:
        browser = self.browsers.setdefault(name, Browser())
        fields = {"endpoint": self.server.url(name), "p256dh": browser.p256dh, "auth": browser.auth}
        return await self.post("/push/subscribe", *headers, token=person.token, **fields)

    async def subscribed(self, person: Person, name: str) -> None:
        answer = await self.subscribe(person, name)
        assert answer.json == {"code": 0, "msg": ""}, answer

    def told(self, name: str) -> list[dict[str, Any]]:
        """What a browser was told."""
        return [json.loads(self.browsers[name].open(one.body)) for one in self.server.at(name)]

    async def until_told(self, name: str, words: str) -> dict[str, Any]:
        await until(lambda: words in [one.get("words") for one in self.told(name)], f"{words} at {name}")
        return self.told(name)[-1]

    async def settled(self, talking: Device, other: Person, name: str) -> None:
        """Whatever is pushed of what was said has been pushed: a message to another one, who subscribed, has."""
        await talking.tell(10, other.id, f"after {name}")
        await self.until_told(name, f"after {name}")


class PushTests(Pushes):
    """Who is told of what."""

    async def test_told(self) -> None:
        """Who isn't connected is told by each of their browsers, once, who said what; who is connected is not told."""
        ann, ben, cat = await self.friends(3)
        await ann.post("/user/update", nickname="Ann")
        await self.subscribed(ben, "ben")
        await self.subscribed(await self.log_in(ben), "ben2")
        await self.subscribed(cat, "cat")
        talking, _ = await ann.device(), await cat.device()
        answer = await talking.tell(10, ben.id, "hello")
        await talking.tell(10, cat.id, "to who is here")
        said = {"scope": 10, "dstid": ann.id, "seq": 1, "at": answer["at"], "userid": ann.id, "name": "Ann"}
        for name in ("ben", "ben2"):
            self.assertEqual(await self.until_told(name, "hello"), said | {"media": 1, "words": "hello"})
        await self.devices[-1].leave()
        await self.settled(talking, cat, "cat")
        self.assertEqual([one["words"] for one in self.told("cat")], ["after cat"])
        self.assertEqual(len(self.server.at("ben")), 1)
        # It is counted once its answer is here, which comes after the request.
        await until(lambda: self.node.push.pushing.pushed >= 3)
        self.assertEqual(self.node.push.pushing.pushed, 3)

    async def test_group(self) -> None:
        """A group's members are told, its name too, but for the sender and who has muted it; also who is named."""
        ann, ben, cat = await self.friends(3)
        await ann.post("/user/update", nickname="Ann")
        group = await ann.group(ben, cat, name="us")
        for person, name in ((ann, "ann"), (ben, "ben"), (cat, "cat")):
            await self.subscribed(person, name)
        await ben.post("/message/setting", scope=11, dstid=group, mute=1)
        talking = await ann.device()
        await talking.tell(11, group, "hello", mentions=[ben.id])
        told = await self.until_told("cat", "hello")
        self.assertEqual((told["scope"], told["dstid"], told["group"], told["name"]), (11, group, "us", "Ann"))
        await self.settled(talking, ben, "ben")
        self.assertEqual([one["words"] for one in self.told("ben")], ["after ben"])
        self.assertEqual(self.server.at("ann"), [])

    async def test_muted(self) -> None:
        """Of a chat that is muted nothing is told, until it isn't any more."""
        ann, ben, cat = await self.friends(3)
        await self.subscribed(ben, "ben")
        await self.subscribed(cat, "cat")
        talking = await ann.device()
        await talking.tell(10, ben.id, "first")
        await self.until_told("ben", "first")
        await ben.post("/message/setting", scope=10, dstid=ann.id, mute=1)
        await talking.tell(10, ben.id, "muted")
        await self.settled(talking, cat, "cat")
        await ben.post("/message/setting", scope=10, dstid=ann.id, mute=0)
        await talking.tell(10, ben.id, "again")
        await self.until_told("ben", "again")
        self.assertEqual([one["words"] for one in self.told("ben")], ["first", "again"])

    async def test_settings(self) -> None:
        """Who wants no words is told only of whom; in quiet hours of the user's time zone nothing is told."""
        ann, ben, cat = await self.friends(3)
        await self.subscribed(ben, "ben")
        await self.subscribed(cat, "cat")
        await ben.post("/user/setting", words=0)
        talking = await ann.device()
        await talking.tell(10, ben.id, "secret")
        await until(lambda: self.told("ben"))
        (told,) = self.told("ben")
        self.assertEqual({"words", "media"} & told.keys(), set())
        self.assertNotIn("secret", json.dumps(told))
        now = datetime.now(UTC)
        quiet = f"{now - timedelta(hours=2):%H:%M}-{now + timedelta(hours=2):%H:%M}"
        await ben.post("/user/setting", quiet=quiet, zone="UTC")
        await talking.tell(10, ben.id, "in the night")
        await self.settled(talking, cat, "cat")
        self.assertEqual(len(self.server.at("ben")), 1)
        await ben.post("/user/setting", quiet=quiet, zone="Pacific/Kiritimati", words=1)  # 14 hours ahead
        await talking.tell(10, ben.id, "by day")
        await self.until_told("ben", "by day")

    async def test_read(self) -> None:
        """What was read elsewhere before it could be told isn't told."""
        ann, ben, cat = await self.friends(3)
        await self.subscribed(ben, "ben")
        await self.subscribed(cat, "cat")
        talking, reading = await ann.device(), await ben.device()
        await talking.tell(10, ben.id, "hello")
        reading.say(cmd=6, scope=10, dstid=ann.id, seq=1)
        await reading.quiet()
        await talking.hear(cmd=6)
        await reading.leave()
        await self.settled(talking, cat, "cat")
        self.assertEqual(self.server.at("ben"), [])

    async def test_ends_with_device(self) -> None:
        """Who logs out is told nothing any more; another device of the same user is."""
        ann, ben = await self.friends()
        second = await self.log_in(ben)
        await self.subscribed(ben, "ben")
        await self.subscribed(second, "second")
        await ben.post("/user/logout")
        talking = await ann.device()
        await talking.tell(10, ben.id, "hello")
        await self.until_told("second", "hello")
        self.assertEqual(self.server.at("ben"), [])

    async def test_unsubscribe(self) -> None:
        """One endpoint, or all of the device; what isn't there is no error."""
        ann, ben = await self.friends()
        for name in ("one", "two", "three"):
            await self.subscribed(ben, name)
        second = await self.log_in(ben)
        await self.subscribed(second, "second")
        for fields in ({"endpoint": self.server.url("one")}, {"endpoint": self.server.url("one")}, {}):
            answer = await ben.post("/push/unsubscribe", **fields)
            self.assertEqual(answer.json, {"code": 0, "msg": ""})
        talking = await ann.device()
        await talking.tell(10, ben.id, "hello")
        await self.until_told("second", "hello")
        self.assertEqual({one.path for one in self.server.pushed}, {"/second"})

    async def test_disabled_and_erased(self) -> None:
        """Who is disabled or erased is told nothing, and of who is erased nothing is kept."""
        ann, ben, cat, dan = await self.friends(4)
        for person, name in ((ben, "ben"), (cat, "cat"), (dan, "dan")):
            await self.subscribed(person, name)
        talking = await ann.device()
        await self.node.roles.disable(ben.id)
        await talking.tell(10, ben.id, "to who is disabled")
        group = await ann.group(cat, dan)
        await self.node.deletion.erasure.erase(cat.id)
        await talking.tell(11, group, "to who is left")
        await self.until_told("dan", "to who is left")
        self.assertEqual({one.path for one in self.server.pushed}, {"/dan"})
        for left in (ben, cat):
            self.assertNotIn(left.id, (await self.node.push.subscriptions._store.subscribed()).users)

    async def test_other_user(self) -> None:
        """A browser in which another user logs in is told what is for that one alone."""
        ann, ben, cat = await self.friends(3)
        await self.subscribed(ben, "same")
        await self.subscribed(cat, "same")
        talking = await ann.device()
        await talking.tell(10, ben.id, "to Ben")
        await self.settled(talking, cat, "same")
        self.assertEqual([one["words"] for one in self.told("same")], ["after same"])

    async def test_dead(self) -> None:
        """A subscription that the push service knows no more is dropped: the next message is pushed nowhere."""
        ann, ben, cat = await self.friends(3)
        for person, name in ((ben, "gone"), (ben, "lost"), (cat, "cat")):
            await self.subscribed(person, name)
        self.server.answers |= {"/gone": (410, {}), "/lost": (404, {})}
        talking = await ann.device()
        await talking.tell(10, ben.id, "hello")
        store = self.node.push.subscriptions._store
        await until(lambda: len(self.server.pushed) == 2)
        while ben.id in (await store.subscribed()).users:
            await deferLater(reactor, POLL)
        await talking.tell(10, ben.id, "again")
        await self.settled(talking, cat, "cat")
        self.assertEqual([len(self.server.at(name)) for name in ("gone", "lost")], [1, 1])

    async def test_who_pushes(self) -> None:
        """The push service is told by the key of `/settings` who pushes, and for which site."""
        ann, ben = await self.friends()
        answer = await self.subscribe(ben, "ben", f"Origin: {SITE}")
        self.assertEqual(answer.json["code"], 0)
        key = (await self.ask("GET", "/settings")).data["push"]
        await (await ann.device()).tell(10, ben.id, "hello")
        await until(lambda: self.server.pushed)
        claims = claims_of(self.server.pushed[0].headers["authorization"], key)
        self.assertEqual((claims["aud"], claims["sub"]), (self.server.origin, SITE))


class RefusalTests(Pushes):
    """What is refused."""

    async def test_fields(self) -> None:
        """Fields that are missing, too long, or no keys are 400; no device, no subscription."""
        ann = await self.person()
        good = {"endpoint": self.server.url("a"), "p256dh": Browser().p256dh, "auth": encode(b"s" * 16)}
        for name in good:
            self.assert_refused(await ann.post("/push/subscribe", **{**good, name: ""}), 400, name)
            missing = {one: value for one, value in good.items() if one != name}
            self.assert_refused(await ann.post("/push/subscribe", **missing), 400, name)
        for name, value in (
            ("endpoint", "https://push.example/" + "x" * ENDPOINT_CHARS),
            ("p256dh", encode(b"\4" + b"\1" * 64)),
            ("p256dh", good["p256dh"] + "=" * 40),
            ("auth", encode(b"s" * 15)),
            ("auth", good["auth"] + "=" * 40),
        ):
            self.assert_refused(await ann.post("/push/subscribe", **{**good, name: value}), 400, name)
        self.assert_refused(await self.post("/push/subscribe", **good), 401)
        self.assert_refused(await self.post("/push/unsubscribe"), 401)

    async def test_scheme(self) -> None:
        """An endpoint is https, also where private addresses are taken."""
        ann = await self.person()
        browser = Browser()
        keys = {"p256dh": browser.p256dh, "auth": browser.auth}
        for endpoint in ("http://127.0.0.1/a", "ftp://push.example/a", "push.example/a", "https://", "https://a b/"):
            self.assert_refused(await ann.post("/push/subscribe", endpoint=endpoint, **keys), 422, "endpoint")

    async def test_most(self) -> None:
        """A user has 20 at most: the oldest ends."""
        ann, ben = await self.friends()
        for number in range(MOST + 1):
            await self.subscribed(ben, str(number))
        await (await ann.device()).tell(10, ben.id, "hello")
        await until(lambda: len(self.server.pushed) == MOST)
        self.assertEqual(self.server.at("0"), [])


class PublicTests(RunningNode):
    """A node as it is unless told otherwise."""

    async def test_private_addresses(self) -> None:
        """An endpoint with a private address, however it is written, is refused."""
        ann = await self.person()
        browser = Browser()
        keys = {"p256dh": browser.p256dh, "auth": browser.auth}
        hosts = ("127.0.0.1", "127.1", "0x7f.1", "localhost", "10.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "169.254.1.1")
        for host in hosts:
            answer = await ann.post("/push/subscribe", endpoint=f"https://{host}/a", **keys)
            self.assert_refused(answer, 422, "endpoint")
        answer = await ann.post("/push/subscribe", endpoint="https://push.example/a", **keys)
        self.assertEqual(answer.json["code"], 0)


class OffTests(RunningNode):
    """A node that pushes nothing."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "push": "off"}

    async def test_off(self) -> None:
        """It names no key and takes no subscription."""
        ann, ben = await self.friends()
        self.assertEqual((await self.ask("GET", "/settings")).data["push"], "")
        browser = Browser()
        fields = {"endpoint": "https://push.example/a", "p256dh": browser.p256dh, "auth": browser.auth}
        self.assert_refused(await ann.post("/push/subscribe", **fields), 409)
        await (await ann.device()).tell(10, ben.id, "hello")
        login = await self.post("/user/login", mobile=ann.mobile, passwd=PASSWD)
        self.assertEqual(login.json["code"], 0)
