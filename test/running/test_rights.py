"""Rights follow from the present relations: former members, owners and friends are refused."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, DeferredList

from test.running.people import Person, close_all, friends, group, running, until
from test.running.server import Server
from twim.client import ConversationKey
from twim.errors import Refusal


async def refused(one: Person, path: str, **fields: object) -> int:
    """The status of the refusal."""
    return int((await one.refusal(path, **fields)).status)


async def groups_of(one: Person) -> dict[int, int]:
    """The owners of this user's groups, by the group's id."""
    return {each.id: each.ownerid for each in await one.rest.groups()}


@running
async def test_former_owner(server: Server) -> None:
    """A former owner has no rights in a group that others joined later, and can join it like anybody."""
    ann, ben, cat = await friends(server.url, 3)
    number = await group([ann])
    await ann.rest.call("/contact/leavecommunity", dstid=number)
    for path, fields in (("updatecommunity", {"name": "x"}), ("removemember", {"memberid": ben.id})):
        assert await refused(ann, f"/contact/{path}", dstid=number, **fields) == 403
    await ben.rest.join_group(number)
    await cat.rest.join_group(number)
    assert await groups_of(ben) == {number: ben.id}
    device = await ann.device()
    said = await (await ben.device()).ask(cmd=11, dstid=number, media=1, content="ours")
    for path, fields in (
        ("/contact/updatecommunity", {"name": "mine again"}),
        ("/contact/removemember", {"memberid": cat.id}),
        ("/contact/loadmember", {}),
        ("/message/history", {"scope": 11}),
    ):
        assert await refused(ann, path, dstid=number, **fields) == 403, path
    for frame in (
        {"cmd": 11, "media": 1, "content": "x", "cid": "1"},
        {"cmd": 11, "media": 20, "ref": said["seq"], "cid": "2"},
        {"cmd": 5, "scope": 11},
        {"cmd": 6, "scope": 11, "seq": said["seq"]},
    ):
        device.say(dstid=number, **frame)
        assert (await device.hear(cmd=1))["code"] == -3, frame
    assert device.messages() == []
    await ann.rest.join_group(number)
    assert await groups_of(ann) == {number: ben.id}
    assert (await device.ask(cmd=11, dstid=number, media=20, ref=said["seq"]))["code"] == -1
    await close_all([device])


@running
async def test_ownership_passes(server: Server) -> None:
    """When an owner leaves, the next owner has the rights at once and the former owner none."""
    ann, ben, cat = await friends(server.url, 3)
    number = await group([ann, ben, cat])
    await ann.rest.call("/contact/leavecommunity", dstid=number)
    await ben.rest.call("/contact/updatecommunity", dstid=number, name="Ben's")
    assert await refused(cat, "/contact/updatecommunity", dstid=number, name="Cat's") == 403
    await ben.rest.call("/contact/removemember", dstid=number, memberid=cat.id)
    assert await groups_of(cat) == {}
    assert await cat.rest.conversations() == []


@running
async def test_at_once(server: Server) -> None:
    """While everybody leaves and others join at the same time, a group with members always has an owner among them."""
    people = await friends(server.url, 5)
    for _ in range(4):
        number = await group(people[:3])
        leave = [one.rest.call("/contact/leavecommunity", dstid=number) for one in people[:3]]
        join = [one.rest.join_group(number) for one in people[3:]]
        done = await DeferredList([Deferred.fromCoroutine(each) for each in (*leave, *join)], consumeErrors=True)
        assert all(good for good, _ in done)
        assert await groups_of(people[0]) == {}
        owners = [(await groups_of(one))[number] for one in people[3:]]
        assert len(set(owners)) == 1 and owners[0] in [one.id for one in people[3:]]
        for one in people[3:]:
            await one.rest.call("/contact/leavecommunity", dstid=number)


@running
async def test_removed_while_writing(server: Server) -> None:
    """A message of a member who is being removed is stored before the notice or refused; none comes after it."""
    ann, ben = await friends(server.url, 2)
    number = await group([ann, ben])
    here, there = await ann.device(), await ben.device()
    for count in range(40):
        there.say(cmd=11, dstid=number, media=1, content=str(count), cid=f"while {count}")
        if count == 20:
            removing = Deferred.fromCoroutine(ann.rest.call("/contact/removemember", dstid=number, memberid=ben.id))
    await removing
    late = await there.ask(cmd=11, dstid=number, media=1, content="late", cid="late")
    assert late["code"] == -3
    notice = await here.hear(media=23, content="removed")
    rows = (await ann.rest.history(ConversationKey(11, number))).rows
    assert [row.seq for row in rows if row.userid == ben.id and row.seq > notice["seq"]] == []
    await until(lambda: len([f for f in there.heard if f["cmd"] == 1]) == 41, what="an answer to each")
    stored = {row.cid for row in rows if row.userid == ben.id and row.media == 1}
    assert {f["cid"] for f in there.heard if f["cmd"] == 1 and f["code"] == 0} == stored
    assert not [frame for frame in there.messages() if frame.get("seq", 0) >= notice["seq"]]
    await close_all([here, there])


@running
async def test_former_friends(server: Server) -> None:
    """Former friends can read what they said, and can't write, type or see each other's presence."""
    ann, ben = await friends(server.url, 2)
    here, there = await ann.device(), await ben.device()
    seq = (await here.ask(cmd=10, dstid=ben.id, media=1, content="bye"))["seq"]
    await there.hear(cmd=10)
    await ann.rest.call("/contact/deletefriend", dstid=ben.id)
    await there.hear(cmd=8)
    for frame in ({"cmd": 10, "media": 1, "cid": "a"}, {"cmd": 10, "media": 20, "ref": seq}, {"cmd": 5, "scope": 10}):
        there.say(dstid=ann.id, **({"id": 1} | frame))
        assert (await there.hear(cmd=1))["code"] == -3, frame
    there.say(cmd=6, scope=10, dstid=ann.id, seq=seq)
    await there.quiet()
    (row,) = await ben.rest.conversations()
    assert (row.read, row.unread) == (seq, 0)
    assert len((await ben.rest.history(ConversationKey(10, ann.id))).rows) == 1
    assert not [frame for frame in here.heard if frame["cmd"] in (5, 6)]
    await close_all([here, there])


@running
async def test_befriending_at_once(server: Server) -> None:
    """When people add each other at the same moment, each gets a proper answer and no internal error."""
    ann, ben = (await friends(server.url, 2))[:2]
    await ann.rest.call("/contact/deletefriend", dstid=ben.id)

    async def call(one: Person, path: str, other: Person) -> Any:
        try:
            await one.rest.call(path, dstid=other.id)
        except Refusal as told:
            return told.status
        return 0

    calls = [
        call(a, f"/contact/{path}", b) for path in ("addfriend", "deletefriend") for a, b in ((ann, ben), (ben, ann))
    ]
    done = await DeferredList([Deferred.fromCoroutine(each) for each in calls])
    assert {status for _, status in done} <= {0, 200}
    assert bool(await ann.rest.friends()) == bool(await ben.rest.friends())
