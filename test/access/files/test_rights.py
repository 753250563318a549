"""Who may read a file, and who may name it: on a whole node."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

from sqlalchemy import select
from twisted.internet.task import deferLater

from test.access.running_node import PASSWD, POLL, Person, RunningNode, reactor
from test.storage.files.samples import multipart, picture
from twim.storage.attachments import Attachments
from twim.storage.schema import attachment, community, message, upload, user
from twim.wire.commands import GROUP, NOTICE, SINGLE

PICTURE, CONTACT, RECALL = 4, 9, 20


def plain(url: str) -> str:
    """A URL without its signature."""
    return url.partition("?")[0]


class FileNode(RunningNode):
    """A node to which pictures are uploaded."""

    async def upload(self, person: Person, content: bytes = b"") -> str:
        """The URL of a picture, a new one unless told, as the answer gives it."""
        media, body = multipart(("file", "a.png", "image/png", content or picture("PNG")))
        answer = await self.ask("POST", f"/attach/upload?token={person.token}", body=body, media=media)
        self.assertEqual(answer.status, 200, answer)
        url: str = answer.data
        return url

    async def send(self, person: Person, cmd: int, dstid: int, **more: Any) -> dict[str, Any]:
        """The answer to a picture."""
        device = await person.device()
        answer = await device.ask(cmd=cmd, dstid=dstid, media=PICTURE, **more)
        await device.leave()
        return answer

    async def status(self, url: str) -> int:
        return (await self.ask("GET", url)).status

    def stored(self, column: Any) -> list[Any]:
        return list(self.database.transact(lambda connection: list(connection.scalars(select(column))), False))


class Reading(FileNode):
    """Whoever may read a message or a profile gets signed URLs, wherever it comes from."""

    async def test_everywhere(self) -> None:
        """Live, in history, in the list and in a catch-up, and all of them are the one of the upload."""
        ann, bob = await self.friends()
        url = await self.upload(ann)
        device = await bob.device()
        answer = await self.send(ann, SINGLE, bob.id, url=url, pic=url)
        self.assertEqual(answer["code"], 0)
        live = await device.hear(cmd=SINGLE)
        (row,) = await bob.history(SINGLE, ann.id)
        (last,) = [one["last"] for one in (await bob.get("/message/conversations")).rows]
        fresh = await bob.device()
        fresh.say(cmd=4, have={})
        missed = await fresh.hear(cmd=SINGLE)
        (caught,) = [one["last"] for one in (await fresh.hear(cmd=4))["rows"]]
        for found in (live, row, last, missed, caught):
            self.assertEqual((found["url"], found["pic"]), (url, url))
        self.assertEqual((await self.status(url), await self.status(plain(url))), (200, 403))

    async def test_stored_plain(self) -> None:
        """In the log, and of users and groups, there is no signature."""
        ann, bob = await self.friends()
        url = await self.upload(ann)
        group = await ann.group(bob)
        for said in (url, plain(url), f"http://{self.host}{url}"):
            self.assertEqual((await self.send(ann, GROUP, group, url=said))["code"], 0)
        self.assertEqual((await ann.post("/user/update", avatar=url)).data["avatar"], url)
        made = await ann.post("/contact/updatecommunity", dstid=group, icon=url)
        self.assertEqual(made.data["icon"], url)
        while (history := await bob.history(GROUP, group))[-1]["media"] != NOTICE:
            await deferLater(reactor, POLL)
        bodies = b"".join(self.stored(message.c.body))
        self.assertEqual(bodies.count(plain(url).encode()), 4)
        self.assertNotIn(plain(url).encode() + b"?", bodies)
        self.assertEqual(sorted(self.stored(user.c.avatar)), ["", plain(url)])
        self.assertEqual(self.stored(community.c.icon), [plain(url)])
        self.assertEqual([one["url"] for one in history if one.get("url")], [url] * 3)
        self.assertEqual(history[-1]["memo"], url)

    async def test_profiles(self) -> None:
        """Pictures of users and groups, in every list, and in the page."""
        ann, bob, carl = await self.people(3)
        await ann.befriend(bob)
        url, icon = await self.upload(ann), await self.upload(ann)
        await ann.post("/user/update", avatar=url)
        group = await ann.group(bob)
        await ann.post("/contact/updatecommunity", dstid=group, icon=icon, join="approve")
        await bob.post("/user/update", avatar=await self.upload(bob))
        await carl.post("/contact/joincommunity", dstid=group)
        await bob.post("/contact/block", dstid=ann.id)
        for asked, who, key, wanted in (
            ("/contact/loadfriend", bob, "avatar", url),
            (f"/contact/loadmember?dstid={group}", bob, "avatar", url),
            ("/contact/loadcommunity", bob, "icon", icon),
            ("/contact/loadblock", bob, "avatar", url),
        ):
            joint = "&" if "?" in asked else "?"
            answer = await self.ask("GET", f"{asked}{joint}token={who.token}")
            self.assertIn(wanted, [row[key] for row in answer.rows], asked)
        self.assertEqual((await carl.get("/user/find", id=ann.id)).data["avatar"], url)
        again = await self.post("/user/login", mobile=ann.mobile, passwd=PASSWD)
        self.assertEqual(again.data["avatar"], url)
        page = await self.ask("GET", "/chat/index.shtml", f"Cookie: token={ann.token}")
        self.assertIn(url.encode(), page.body.replace(b"&amp;", b"&").replace(rb"\u0026", b"&"))
        await carl.post("/user/update", avatar=(mine := await self.upload(carl)))
        (asks,) = (await ann.get("/contact/loadjoin", dstid=group)).rows
        self.assertEqual(asks["avatar"], mine)

    async def test_old_messages(self) -> None:
        """What was stored before anything was signed is signed as it is read; its old URL opens nothing."""
        ann, bob = await self.friends()
        url = await self.upload(ann)
        await self.send(ann, SINGLE, bob.id, url=url)
        self.database.transact(lambda connection: connection.execute(upload.delete()), True)
        self.assertEqual((await bob.history(SINGLE, ann.id))[0]["url"], url)
        self.assertEqual(await self.status(plain(url)), 403)

    async def test_after_expiry(self) -> None:
        """A URL that has expired opens nothing, and the message has a new one."""
        ann, bob = await self.friends()
        url = await self.upload(ann)
        await self.send(ann, SINGLE, bob.id, url=url)
        now = self.node.urls._seconds()
        self.patch(self.node.urls, "_seconds", lambda: now + 3 * 86_400)
        self.assertEqual(await self.status(url), 403)
        (row,) = await bob.history(SINGLE, ann.id, before=2, limit=1)
        self.assertEqual((plain(row["url"]), await self.status(row["url"])), (plain(url), 200))

    async def test_one_key(self) -> None:
        """A node that starts again signs as before."""
        ann = await self.person()
        url = await self.upload(ann)
        await self.stop()
        await self.start()
        self.assertEqual(await self.status(url), 200)


class Naming(FileNode):
    """A file is named only by who uploaded it, or may read what carries it."""

    async def test_strangers(self) -> None:
        """Who knows only the address of a file is refused, in every way to name it."""
        ann, bob, eve = await self.friends(3)
        url = await self.upload(ann)
        self.assertEqual((await self.send(ann, SINGLE, bob.id, url=url))["code"], 0)
        group = await eve.group()
        for said in (url, plain(url), f"{plain(url)}?x", f"http://{self.host}{url}"):
            self.assertEqual((await self.send(eve, SINGLE, bob.id, url=said))["code"], -3)
            self.assertEqual((await self.send(eve, GROUP, group, pic=said))["code"], -3)
            self.assert_refused(await eve.post("/user/update", avatar=said), 403)
            self.assert_refused(await eve.post("/contact/createcommunity", name="g", icon=said), 403)
            self.assert_refused(await eve.post("/contact/updatecommunity", dstid=group, icon=said), 403)
        self.assertEqual(await eve.history(SINGLE, bob.id), [])

    async def test_no_account(self) -> None:
        """Nor by somebody who registers, even if it is somebody's avatar."""
        ann = await self.person()
        url = await self.upload(ann)
        await ann.post("/user/update", avatar=url)
        self.assert_refused(await self.post("/user/register", mobile="13500000000", passwd=PASSWD, avatar=url), 403)
        answer = await self.post("/user/register", mobile="13500000000", passwd=PASSWD, avatar="/asset/a.png")
        self.assertEqual(answer.data["avatar"], "/asset/a.png")

    async def test_forwarding(self) -> None:
        """Who got a picture passes it on, and so does the next; the small copy as well."""
        ann, bob, carl = await self.friends(3)
        url = await self.upload(ann)
        for sender, receiver in ((ann, bob), (bob, carl), (carl, ann)):
            self.assertEqual((await self.send(sender, SINGLE, receiver.id, url=url, pic=url))["code"], 0)
        dave = await self.person()
        await dave.befriend(ann)
        self.assertEqual((await self.send(dave, SINGLE, ann.id, url=url))["code"], -3)

    async def test_contact_cards(self) -> None:
        """Anybody's profile may be read, so anybody sends a card with its picture."""
        ann, bob, carl = await self.friends(3)
        url = await self.upload(ann)
        await ann.post("/user/update", avatar=url)
        device = await bob.device()
        card = await device.ask(cmd=SINGLE, dstid=carl.id, media=CONTACT, content=str(ann.id), pic=url)
        self.assertEqual(card["code"], 0)
        await ann.post("/user/update", avatar="")
        self.assertEqual((await self.send(carl, SINGLE, bob.id, url=url))["code"], 0)

    async def test_not_any_more(self) -> None:
        """After it was recalled, after leaving the group, and before one's floor, a file may not be named."""
        ann, bob, carl = await self.friends(3)
        group = await ann.group(bob)
        url, other = await self.upload(ann), await self.upload(ann)
        sent = await self.send(ann, GROUP, group, url=url)
        await self.send(ann, GROUP, group, url=other)
        await ann.post("/contact/updatecommunity", dstid=group, history="joined")
        await carl.post("/contact/joincommunity", dstid=group)
        self.assertEqual((await self.send(carl, GROUP, group, url=url))["code"], -3)
        device = await ann.device()
        await device.ask(cmd=GROUP, dstid=group, media=RECALL, ref=sent["seq"])
        self.assertEqual((await self.send(bob, SINGLE, ann.id, url=url))["code"], -3)
        self.assertEqual((await self.send(bob, SINGLE, ann.id, url=other))["code"], 0)
        await bob.post("/contact/leavecommunity", dstid=group)
        await carl.post("/contact/leavecommunity", dstid=group)
        self.assertEqual((await self.send(carl, SINGLE, ann.id, url=other))["code"], -3)

    async def test_icons(self) -> None:
        """A group's icon is for its members."""
        ann, bob, carl = await self.friends(3)
        group = await ann.group(bob)
        icon = await self.upload(ann)
        await ann.post("/contact/updatecommunity", dstid=group, icon=icon)
        self.assertEqual((await self.send(carl, SINGLE, ann.id, url=icon))["code"], -3)
        self.assertEqual((await self.send(bob, SINGLE, ann.id, url=icon))["code"], 0)

    async def test_who_uploads_the_same(self) -> None:
        """Two people may have one file without knowing of each other."""
        ann, bob = await self.friends()
        same = picture("PNG")
        self.assertEqual(await self.upload(ann, same), await self.upload(bob, same))
        for one, other in ((ann, bob), (bob, ann)):
            self.assertEqual((await self.send(one, SINGLE, other.id, url=await self.upload(one, same)))["code"], 0)
        self.assertEqual(len(self.stored(upload.c.userid)), 2)

    async def test_order(self) -> None:
        """A picture of which it must be asked keeps its place among what is said before and after it."""
        ann, bob = await self.friends()
        url = await self.upload(ann)
        await self.send(ann, SINGLE, bob.id, url=url)
        device = await bob.device()
        for number in range(20):
            more = {"media": PICTURE, "url": url} if number % 3 == 1 else {"media": 1, "content": str(number)}
            device.say(cmd=SINGLE, dstid=ann.id, id=number + 1, **more)
        answers = [await device.hear(cmd=1, id=number + 1) for number in range(20)]
        self.assertEqual([one["seq"] for one in answers], list(range(2, 22)))

    async def test_again(self) -> None:
        """A refused picture is refused again under the same name, and what was stored is answered as it was."""
        ann, bob, eve = await self.friends(3)
        url = await self.upload(ann)
        for _ in range(2):
            self.assertEqual((await self.send(eve, SINGLE, bob.id, url=url, cid="c"))["code"], -3)
        first = await self.send(ann, SINGLE, bob.id, url=url, cid="c")
        self.database.transact(lambda connection: connection.execute(upload.delete()), True)
        self.database.transact(lambda connection: connection.execute(attachment.delete()), True)
        await self.stop()
        await self.start()
        again = await self.send(ann, SINGLE, bob.id, url=url, cid="c")
        self.assertEqual((again["code"], again["seq"]), (0, first["seq"]))

    async def test_bounds(self) -> None:
        """The length of an address counts without its signature, and is bounded."""
        ann, bob = await self.friends()
        url = await self.upload(ann)
        long = url + "&x=" + "y" * 3_000
        self.assertEqual((await self.send(ann, SINGLE, bob.id, url=long))["code"], 0)
        self.assertEqual((await ann.post("/user/update", avatar=long)).data["avatar"], url)
        for field in ("url", "pic"):
            refused = await self.send(ann, SINGLE, bob.id, **{field: "https://example.com/" + "y" * 2_000})
            self.assertEqual(refused["code"], -1)
            self.assertTrue(refused["msg"].startswith(field), refused)
        self.assert_refused(await ann.post("/user/update", avatar="https://example.com/" + "y" * 150), 400)

    async def test_others_addresses(self) -> None:
        """Addresses that aren't ours are taken as they are."""
        ann, bob = await self.friends()
        for url in (
            "https://example.com/a.png",
            "/asset/stickers/a.png",
            f"https://other.example/mnt/ab/{'c' * 62}.png",
        ):
            self.assertEqual((await self.send(ann, SINGLE, bob.id, url=url))["code"], 0)
            self.assertEqual((await bob.history(SINGLE, ann.id))[-1]["url"], url)
        # This server's own address without a signature opens nothing, whoever says it.
        url = f"http://{self.host}{plain(await self.upload(ann))}"
        await self.send(ann, SINGLE, bob.id, url=url)
        self.assertEqual((await bob.history(SINGLE, ann.id))[-1]["url"], url)
        self.assertEqual(await self.status(re.sub("^http://[^/]+", "", url)), 403)


class Sweeping(FileNode):
    """What is known of uploads goes with their files."""

    async def test_forgotten(self) -> None:
        """Unless the same was uploaded again meanwhile."""
        ann, bob = await self.friends()
        url, kept = await self.upload(ann), await self.upload(bob)
        stems = [plain(one).removeprefix("/mnt/").partition(".")[0] for one in (url, kept)]
        attachments = Attachments(self.database)
        before = self.stored(upload.c.at)
        await attachments.forget_uploads(stems[:1], min(before) / 1000)
        self.assertEqual(sorted(self.stored(upload.c.stem)), sorted(stems))
        await attachments.forget_uploads(stems[:1], max(before) / 1000 + 1)
        self.assertEqual(self.stored(upload.c.stem), stems[1:])


class PublicFiles(FileNode):
    """The old way, where the operator wants it."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "files-public": "on"}

    async def test_all(self) -> None:
        """Nothing is signed, anybody reads and names any file; a signature is still taken away."""
        ann, bob, eve = await self.friends(3)
        url = await self.upload(ann)
        self.assertEqual((url, await self.status(url)), (plain(url), 200))
        self.assertEqual((await self.send(eve, SINGLE, bob.id, url=f"{url}?e=1&s=x"))["code"], 0)
        self.assertEqual((await bob.history(SINGLE, eve.id))[0]["url"], url)
        self.assertEqual(json.loads(self.stored(message.c.body)[0])["url"], url)
        self.assertEqual((await eve.post("/user/update", avatar=url)).data["avatar"], url)
