"""Recall, edit and reaction: who may do them, how they change their message, and what is stored of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_twisted

from test.running.people import Device, Person, close_all, friends, group, running, whole_history
from test.running.server import Server
from twim.client import ConversationKey

RECALL, EDIT, REACTION = 20, 21, 22


class Room:
    """A group of three with a device each; the first owns it."""

    def __init__(self, people: list[Person], number: int, devices: list[Device]) -> None:
        self.people = people
        self.number = number
        self.owner, self.ben, self.cat = devices
        self.conversation = ConversationKey(11, number)

    async def say(self, device: Device, media: int = 1, **fields: Any) -> dict[str, Any]:
        return await device.ask(cmd=11, dstid=self.number, media=media, **fields)

    async def rows(self) -> dict[int, dict[str, Any]]:
        """History by seq, as the JSON that is sent."""
        import msgspec

        answer = await self.people[2].rest.call("/message/history", scope=11, dstid=self.number, limit=200)
        return {row["seq"]: row for row in msgspec.json.decode(answer.rows)}


@pytest_twisted.async_yield_fixture
async def room(server: Server) -> AsyncIterator[Room]:
    people = await friends(server.url, 3)
    number = await group(people)
    devices = [await one.device() for one in people]
    yield Room(people, number, devices)
    await close_all(devices)


@running
async def test_recall(room: Room) -> None:
    """A recalled message keeps its seq and loses its text; its edits lose theirs."""
    first = await room.say(room.ben, media=4, content="c", url="/u", pic="/p", memo="m", amount=3, mentions=[0])
    edit = await room.say(room.ben, EDIT, ref=first["seq"], content="edited")
    await room.say(room.cat, REACTION, ref=first["seq"], content="👍")
    recall = await room.say(room.ben, RECALL, ref=first["seq"])
    assert (await room.cat.hear(cmd=11, media=RECALL))["ref"] == first["seq"]
    rows = await room.rows()
    gone = rows[first["seq"]]
    assert gone["recalled"] == 1
    assert {"content", "url", "pic", "memo", "amount", "mentions", "reactions", "edited"} & set(gone) == set()
    assert (gone["media"], gone["userid"], gone["at"]) == (4, room.people[1].id, first["at"])
    assert "content" not in rows[edit["seq"]] and rows[recall["seq"]]["media"] == RECALL


@running
async def test_who_may_recall(room: Room) -> None:
    """Only the author and a group's owner may recall, and in a single chat not even the peer."""
    said = [await room.say(device) for device in (room.ben, room.ben, room.owner)]
    assert (await room.say(room.cat, RECALL, ref=said[0]["seq"]))["code"] < 0
    assert (await room.say(room.ben, RECALL, ref=said[2]["seq"]))["code"] < 0
    assert (await room.say(room.owner, RECALL, ref=said[0]["seq"]))["code"] == 0
    assert (await room.say(room.ben, RECALL, ref=said[1]["seq"]))["code"] == 0
    owner, ben = room.people[0].id, room.people[1].id
    single = await room.ben.ask(cmd=10, dstid=owner, media=1, content="x")
    assert (await room.owner.ask(cmd=10, dstid=ben, media=RECALL, ref=single["seq"]))["code"] < 0


@running
async def test_edit(room: Room) -> None:
    """The newest text and its time replace the message's own; the edits stay in the log; only the author may edit."""
    first = await room.say(room.ben, content="one")
    second = await room.say(room.ben, EDIT, ref=first["seq"], content="two")
    third = await room.say(room.ben, EDIT, ref=first["seq"], content="three")
    assert (await room.say(room.cat, EDIT, ref=first["seq"], content="not mine"))["code"] < 0
    assert (await room.say(room.owner, EDIT, ref=first["seq"], content="nor mine"))["code"] < 0
    rows = await room.rows()
    assert (rows[first["seq"]]["content"], rows[first["seq"]]["edited"]) == ("three", third["at"])
    assert rows[first["seq"]]["at"] == first["at"]
    assert [rows[each["seq"]]["content"] for each in (second, third)] == ["two", "three"]
    assert (await room.cat.hear(cmd=11, media=EDIT, seq=third["seq"]))["content"] == "three"


@running
async def test_reactions(room: Room) -> None:
    """Each user has one reaction: another replaces it, an empty one removes it; everybody sees who reacted how."""
    ids = [one.id for one in room.people]
    first = (await room.say(room.ben))["seq"]

    async def shown() -> dict[str, list[int]]:
        found: dict[str, list[int]] = (await room.rows())[first].get("reactions", {})
        return found

    await room.say(room.owner, REACTION, ref=first, content="👍")
    await room.say(room.cat, REACTION, ref=first, content="👍")
    assert await shown() == {"👍": [ids[0], ids[2]]}
    await room.say(room.cat, REACTION, ref=first, content="❤️")
    assert await shown() == {"👍": [ids[0]], "❤️": [ids[2]]}
    await room.say(room.owner, REACTION, ref=first)
    assert await shown() == {"❤️": [ids[2]]}
    await room.say(room.cat, REACTION, ref=first)
    assert await shown() == {}


@running
@pytest.mark.parametrize("media", [RECALL, EDIT, REACTION])
async def test_refused(room: Room, media: int) -> None:
    """An event is refused without `ref`, and to a missing message, an event, a notice or a recalled message."""
    notice = next(row["seq"] for row in (await room.rows()).values() if row["media"] == 23)
    event = (await room.say(room.ben, REACTION, ref=(await room.say(room.ben))["seq"], content="👍"))["seq"]
    recalled = (await room.say(room.ben))["seq"]
    await room.say(room.ben, RECALL, ref=recalled)
    before = len(await whole_history(room.people[0], room.conversation))
    for ref in (None, 2**52, event, notice, recalled):
        fields = {"content": "x"} | ({} if ref is None else {"ref": ref})
        answer = await room.say(room.ben, media, **fields)
        assert answer["code"] < 0 and "ref" in answer["msg"], ref
    assert len(await whole_history(room.people[0], room.conversation)) == before


@running
async def test_notices_are_the_servers(room: Room) -> None:
    """Creating, joining and leaving a group make notices; a client can't send one."""
    await room.people[2].rest.call("/contact/leavecommunity", dstid=room.number)
    await room.owner.hear(media=23, content="left")
    rows = await whole_history(room.people[0], room.conversation)
    said = [(row.userid, row.content) for row in rows if row.media == 23]
    one, other, third = (each.id for each in room.people)
    assert said == [(one, "created"), (other, "joined"), (third, "joined"), (third, "left")]
    assert (await room.say(room.ben, 23, content="left"))["code"] < 0


@running
async def test_an_event_sent_again_is_applied_once(room: Room) -> None:
    """An edit that is sent again with its cid gets the first answer and changes nothing."""
    first = await room.say(room.ben, content="one")
    edit = await room.say(room.ben, EDIT, ref=first["seq"], content="two", cid="edit-1")
    await room.say(room.ben, EDIT, ref=first["seq"], content="three")
    assert await room.say(room.ben, EDIT, ref=first["seq"], content="two", cid="edit-1") == edit
    assert (await room.rows())[first["seq"]]["content"] == "three"


@running
async def test_catch_up_shows_what_later_events_did(room: Room, server: Server) -> None:
    """A device that missed both gets the recalled message without its text."""
    first = await room.say(room.ben, content="secret")
    await room.say(room.ben, EDIT, ref=first["seq"], content="still secret")
    await room.say(room.ben, RECALL, ref=first["seq"])
    late = await room.people[2].device()
    await late.caught_up()
    assert "secret" not in str(late.heard)
    await close_all([late])
