"""Two nodes on one database, joined by Redis: a user disabled at one is disconnected at the other, and a setting
changed at one holds at the other."""

from __future__ import annotations

from typing import Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import globalLogPublisher

from test.access.bot_receiver import Receiver
from test.access.running_node import PASSWD, Device, RunningNode, reactor, until
from test.cluster.redis.redis_server import RedisServer
from test.storage.databases import POSTGRESQL, empty_database
from test.storage.files.samples import multipart, picture
from twim.config import read_config
from twim.doctor import examine
from twim.errors import Conflict
from twim.logic.administration.acts import Actor
from twim.logic.conversation_settings import ConversationSettings
from twim.logic.live_settings import LiveSettings
from twim.node import Node, now_ms
from twim.storage.api_keys import ApiKey
from twim.storage.bots import Command
from twim.storage.conversation_settings import ConversationSettingStore
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.opening import open_database
from twim.storage.orders import Order, OrderStore
from twim.wire.commands import SINGLE

WITHIN = 1.0  # seconds in which the other node knows


class TwoNodes(RunningNode):
    """`node`, and `other` with options of its own. Users connect to the first one."""

    others: ClassVar[dict[str, str]] = {}

    async def start(self) -> None:
        redis = RedisServer()
        redis.start()
        self.addCleanup(redis.kill)
        url = empty_database(POSTGRESQL).render_as_string(hide_password=False).replace("+psycopg", "")
        joined = {"limits": "off", "db": url, "bus": f"redis://127.0.0.1:{redis.port}"}
        self.settings = joined | type(self).settings
        await super().start()
        config = read_config({"data": str(self.folder)} | joined | self.others, {})
        database = Database(parse_url(config.db), reactor)
        epoch = open_database(database)
        database.start()
        self.other = Node(config, database, epoch, reactor)
        self.addCleanup(database.stop)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.other.stop(reactor)))
        await self.other.start()
        await until(lambda: len(self.node.bus.nodes()) == 2 == len(self.other.bus.nodes()), "both know each other")

    async def soon(self, happened: Any) -> None:
        """Wait until it happens, for at most a second."""
        begun = reactor.seconds()
        await until(happened)
        self.assertLess(reactor.seconds() - begun, WITHIN)


class DisabledTests(TwoNodes):
    """Users who were disabled."""

    async def test_cut_off(self) -> None:
        """A device at the first node ends when its user is disabled at the other, and its token is refused there."""
        _, person = await self.people(2)
        device: Device = await person.device()
        await self.other.roles.disable(person.id)
        await self.soon(lambda: device.code is not None or device.gone)
        self.assert_refused(await person.get("/user/sessions"), 401)
        again = await self.post("/user/login", mobile=person.mobile, passwd=PASSWD)
        self.assert_refused(again, 403, "disabled")

    async def test_missed(self) -> None:
        """A node that isn't told of it ends the device, and refuses other tokens that it knows, after it has looked."""
        _, person = await self.people(2)
        device: Device = await person.device()
        silent = await self.log_in(person)
        await silent.get("/user/sessions")
        self.patch(self.other.routing.other_nodes, "ended", lambda userid, deviceid: None)
        await self.other.roles.disable(person.id)
        self.assertEqual((await silent.get("/user/sessions")).status, 200)
        await self.node.admission.look_for_ended()
        await until(lambda: device.code is not None or device.gone)
        self.assert_refused(await silent.get("/user/sessions"), 401)


class SettingTests(TwoNodes):
    """Settings of conversations."""

    async def test_told(self) -> None:
        """A device at the first node is told of what its user sets at the other, at once."""
        ann, ben = await self.people(2)
        await ann.befriend(ben)
        device: Device = await ann.device()
        await device.tell(SINGLE, ben.id, "hello")
        store = ConversationSettingStore(self.other.database, self.other.log_writing.indexing)
        await ConversationSettings(store, self.other.routing).change(ann.id, SINGLE, ben.id, {"mute": 1})
        told = await device.hear(cmd=8, what="setting")
        self.assertEqual((told["scope"], told["dstid"], told["mute"], told["hide"]), (SINGLE, ben.id, 1, 0))


class AdministeredTests(TwoNodes):
    """What an administrator does at the other node."""

    async def act(self, name: str, **values: object) -> dict[str, Any]:
        return await self.other.administration.act(name, values, Actor("command:root"))

    async def test_ends(self) -> None:
        """The devices at the first node end with all sessions, and with a reset of the password."""
        _, *people = await self.people(3)
        for person, act in zip(people, ("user.sessions", "user.reset"), strict=True):
            device: Device = await person.device()
            await self.act(act, user=person.id)
            await self.soon(lambda device=device: device.code is not None or device.gone)  # type: ignore[misc]
            self.assert_refused(await person.get("/user/sessions"), 401)

    async def test_reset(self) -> None:
        """A link that one node gave sets the password at the other, which takes it alone from then on."""
        _, person = await self.people(2)
        url = (await self.act("user.reset", user=person.id))["url"]
        self.assertEqual((await self.post(url, passwd="another-1")).json["code"], 0)
        self.assert_refused(await self.post(url, passwd="another-2"), 404)
        for passwd, code in ((PASSWD, -1), ("another-1", 0)):
            answer = await self.post("/user/login", mobile=person.mobile, passwd=passwd)
            self.assertEqual(answer.json["code"], code)

    async def test_groups(self) -> None:
        """A group's new owner, who is connected to the first node, may at once do what an owner may; nobody posts in a
        group that is dissolved."""
        ann, ben = await self.people(2)
        group = await ann.group()
        devices: list[Device] = [await one.device() for one in (ann, ben)]
        await self.act("group.takeover", group=group, user=ben.id)
        for device in devices:
            await device.hear(cmd=11, content="role", memo="owner")
        answer = await devices[1].ask(cmd=11, dstid=group, media=1, content="mine now")
        self.assertEqual(answer["code"], 0)
        renamed = await ben.post("/contact/updatecommunity", dstid=group, name="Ben's")
        self.assertEqual(renamed.json["code"], 0)
        await self.act("group.dissolve", group=group)
        for device in devices:
            await device.hear(cmd=11, content="dissolved")
            refused = await device.ask(cmd=11, dstid=group, media=1, content="too late")
            self.assertEqual(refused["code"], -3)

    async def test_orders(self) -> None:
        """Of many orders that both nodes look for each is carried out by one of them, once."""
        store = OrderStore(self.database)
        _, person = await self.people(2)
        left = [
            await store.leave("user.sessions", b'{"user":%d}' % person.id, "command:root", now_ms()) for _ in range(16)
        ]
        found: list[Order] = []
        while len(found) < len(left):
            found += [one for number in left if (one := await store.collect(number)) is not None]
            await deferLater(reactor, 0.02)
        lines = (await self.act("audit.list"))["rows"]
        self.assertEqual([line["act"] for line in lines], ["user.sessions"] * len(left))
        self.assertEqual({one.state for one in found}, {"done"})
        self.assertLessEqual({one.node for one in found}, {self.node.bus.node, self.other.bus.node})


class ChangedTests(TwoNodes):
    """Settings that change at run time."""

    others: ClassVar[dict[str, str]] = {"name": "given"}

    async def test_known(self) -> None:
        """A change at one node holds within a second at the other, and at a node that starts later."""
        await self.person()
        await self.other.changing_settings.change("signup", "off")
        await self.soon(lambda: self.node.settings.signup == "off")
        self.assertEqual((await self.ask("GET", "/settings")).data["signup"], "off")
        self.assert_refused(await self.post("/user/register", mobile="139000", passwd=PASSWD), 403)
        later = Node(self.config(), self.database, self.epoch, reactor)
        self.assertEqual(later.settings.signup, "off")

    async def test_missed(self) -> None:
        """A node that isn't told of a change reads it by itself."""
        self.patch(self.other.routing.other_nodes, "settings_changed", lambda: None)
        await self.other.changing_settings.change("find", "id")
        self.assertTrue(self.node.settings.finds_mobiles)
        await self.node.changing_settings._poll()
        self.assertFalse(self.node.settings.finds_mobiles)

    async def test_fixed_elsewhere(self) -> None:
        """A setting that was given to one node as an option is fixed for all until that node ends."""
        await self.soon(lambda: self.node.settings.name == "given")
        with self.assertRaises(Conflict):
            await self.node.changing_settings.change("name", "another")
        await self.other.changing_settings.stop()
        await self.node.changing_settings.change("name", "another")
        self.assertEqual(self.node.settings.name, "another")


class StricterTests(TwoNodes):
    """Nodes that were given different values."""

    settings: ClassVar[dict[str, str]] = {"signup": "approve", "upload-limit": "5", "friend": "open", "find": "id"}
    others: ClassVar[dict[str, str]] = {"signup": "invite", "upload-limit": "3", "friend": "approve", "find": "id"}
    names = ("friend", "signup", "upload_limit")

    async def test_stricter(self) -> None:
        """Of two values the stricter holds at both nodes."""

        def both(name: str, value: object) -> Any:
            found: list[LiveSettings] = [self.node.settings, self.other.settings]
            return lambda: all(getattr(one, name) == value for one in found)

        await self.soon(both("signup", "approve"))
        await self.soon(both("upload_bytes", 3 * 2**20))
        await self.soon(both("approve_friends", True))

    async def both_know(self) -> None:
        """Each has heard what the other was given."""
        for one in (self.node, self.other):
            await self.soon(lambda one=one: tuple(sorted(one.settings.differing)) == self.names)

    async def test_told(self) -> None:
        """In the list of nodes, to monitors, and by the doctor; nothing of it in what everybody may ask."""
        await self.both_know()
        self.assertEqual((await self.ask("GET", "/health/ready")).data["differing"], list(self.names))
        here = {"signup": "approve", "upload_limit": "5", "friend": "open"}
        there = {"signup": "invite", "upload_limit": "3", "friend": "approve"}
        for one, rows in ((self.node, [here, there]), (self.other, [there, here])):
            ids = [each.node for each in one.bus.nodes()]
            self.assertEqual([one.settings.differs(each if at else "") for at, each in enumerate(ids)], rows)
        self.assertNotIn("differing", (await self.ask("GET", "/settings")).data)
        await self.soon(lambda: self.told_by_doctor() == {"friend", "signup", "upload-limit"})

    def told_by_doctor(self) -> set[str]:
        """The options of which the doctor says that they differ."""
        found = [one for one in examine(self.config(), environ={}) if one.topic == "nodes" and one.level == "warning"]
        return {one.text.partition("--")[2].partition(",")[0] for one in found}

    async def test_one_goes(self) -> None:
        """Then nothing differs any more, and the log says so; before, it said once what does."""
        await self.both_know()
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        for _ in range(2):
            await self.node.changing_settings.read()
        self.assertEqual(said(events, "different values"), [])
        await self.other.changing_settings.stop()
        await self.soon(lambda: self.node.settings.differing == {})
        self.assertEqual({one["name"] for one in said(events, "agree about")}, set(self.names))
        self.assertEqual(self.node.settings.signup, "approve")
        self.assertEqual(self.node.settings.upload_bytes, 5 * 2**20)
        self.assertNotIn("differing", (await self.ask("GET", "/health/ready")).data)
        self.assertEqual(self.told_by_doctor(), set())
        other = self.other.settings.given | {"signup": "off"}
        await self.other.changing_settings._store.tell("another", other, {}, now_ms(), 0)
        await self.node.changing_settings.read()
        warned = {one["name"]: (one["values"], one["value"]) for one in said(events, "different values")}
        self.assertEqual(warned["signup"], ("approve, off", "off"))
        self.assertEqual(set(warned), set(self.names))


class ListedTests(TwoNodes):
    """The list of nodes, as its page asks for it."""

    settings: ClassVar[dict[str, str]] = {"name": "one", "operators": "13500000009"}
    others: ClassVar[dict[str, str]] = {"name": "two"}

    async def test_rows(self) -> None:
        """Each row has the settings of its node that differ from another's, until there is no other."""
        await self.soon(lambda: "name" in self.node.settings.differing)
        token = (await self.post("/user/register", mobile="13500000009", passwd=PASSWD)).data["token"]
        asked = ("GET", "/cluster", f"Authorization: Bearer {token}")
        rows = (await self.ask(*asked)).rows
        self.assertEqual([row["differs"] for row in rows], [{"name": "one"}, {"name": "two"}])
        await self.other.changing_settings.stop()
        await self.soon(lambda: not self.node.settings.differing)
        self.assertEqual([row["differs"] for row in (await self.ask(*asked)).rows], [{}, {}])


def said(events: list[Any], words: str) -> list[Any]:
    """The events of the log whose text has these words."""
    return [one for one in events if words in str(one.get("log_format"))]


class FileTests(TwoNodes):
    """Files that are signed at one node and asked for at the other."""

    async def test_alike(self) -> None:
        """Both sign alike: a message has the same URL at both, live and in history, and either gives the file to who
        has it, and to nobody else."""
        ann, bob = await self.friends()
        media, body = multipart(("file", "a.png", "image/png", picture("PNG")))
        url = (await self.ask("POST", f"/attach/upload?token={ann.token}", body=body, media=media)).data
        sender, first = await ann.device(), self.port
        listening = reactor.listenTCP(0, self.other.site, interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        self.port = listening.getHost().port
        receiver = await bob.device()
        answer = await sender.ask(cmd=SINGLE, dstid=bob.id, media=4, url=url)
        self.assertEqual(answer["code"], 0)
        self.assertEqual((await receiver.hear(cmd=SINGLE))["url"], url)
        self.assertEqual([one["url"] for one in await bob.history(SINGLE, ann.id)], [url])
        # The other node doesn't know by itself who uploaded it.
        eve = await self.person()
        await eve.befriend(bob)
        device = await eve.device()
        for person, expected in ((device, -3), (receiver, 0)):
            said = await person.ask(cmd=SINGLE, dstid=ann.id if person is receiver else bob.id, media=4, url=url)
            self.assertEqual(said["code"], expected)
        for port in (first, self.port):
            self.port = port
            for path, status in ((url, 200), (url.partition("?")[0], 403)):
                self.assertEqual((await self.ask("GET", path)).status, status)
        self.port = first
        for one in (receiver, device):
            await one.leave()
        await until(lambda: not self.other.hub.users, "everybody left")


class KeyTests(TwoNodes):
    """Keys of other programs."""

    async def status(self, key: object) -> int:
        return (await self.ask("GET", "/api/v1/users/nobody", f"Authorization: Bearer {key}")).status

    async def test_revoked(self) -> None:
        """A key made at the other node opens the first one at once, and nothing once it is revoked there."""
        made = await self.other.administration.act("key.create", {"name": "shop"}, Actor("command:root"))
        self.assertEqual(await self.status(made["key"]), 404)
        await self.other.administration.act("key.revoke", {"id": made["id"]}, Actor("command:root"))
        await self.soon(lambda: self.node.keys.known(str(made["key"])) is None)
        self.assertEqual(await self.status(made["key"]), 401)

    async def test_missed(self) -> None:
        """A node that isn't told of it learns it at its next look."""
        made = await self.other.administration.act("key.create", {"name": "shop"}, Actor("command:root"))
        self.assertEqual(await self.status(made["key"]), 404)
        self.patch(self.other.routing.other_nodes, "settings_changed", lambda: None)
        await self.other.administration.act("key.revoke", {"id": made["id"]}, Actor("command:root"))
        self.assertEqual(await self.status(made["key"]), 404)
        await self.node.keys._poll()
        self.assertEqual(await self.status(made["key"]), 401)


class BotTests(TwoNodes):
    """Bots that were made at the other node."""

    settings: ClassVar[dict[str, str]] = {"webhooks": "private"}
    others: ClassVar[dict[str, str]] = {"webhooks": "private"}

    async def test_told_once(self) -> None:
        """A command that is said at the first node is told to the bot once, and its answer is heard at both."""
        receiver = Receiver(lambda told: b'{"text":"sun"}')
        url = receiver.listen(self)
        ann = await self.person()
        key = ApiKey(1, "shop", "webhooks", 0)
        bot = await self.other.api.bots.put(key, "meteo", {}, url, [Command("weather")])
        await ann.post("/contact/addfriend", dstid=bot["id"])
        device = await ann.device()
        await until(lambda: "weather" in self.node.bots.by_word, "the first node knows the command")
        await device.tell(SINGLE, int(str(bot["id"])), "/weather")
        await device.hear(cmd=SINGLE, content="sun")
        await until(lambda: not self.node.slash_commands.waiting, "the end of it")
        self.assertEqual(len(receiver.told), 1)
