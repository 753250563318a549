"""What the protocol promises about messages, one promise for each test."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from test.running.people import (
    Device,
    bare_device,
    close_all,
    friends,
    group,
    person,
    running,
    soon,
    until,
    whole_history,
)
from test.running.server import Server
from test.talking import new_cid
from twim.client import ConversationKey
from twim.errors import Refusal

FRAME_BYTES = 64 * 1024
WRONGS = 20  # refused frames within a minute, after which a connection is closed


def text(dstid: int, content: str = "x", **more: Any) -> dict[str, Any]:
    return {"cmd": 10, "dstid": dstid, "media": 1, "content": content} | more


@running
async def test_an_answered_message_is_on_disk(server: Server) -> None:
    """When the answer arrives, another connection to the database can read the message."""
    ann, ben = await friends(server.url)
    device = await ann.device()
    (path,) = server.data.glob("*.db")
    reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    for _ in range(20):
        cid = new_cid()
        answer = await device.ask(**text(ben.id, cid=cid))
        found = reader.execute("SELECT seq FROM message WHERE sender=? AND cid=?", (ann.id, cid.encode())).fetchall()
        assert found == [(answer["seq"],)]
    reader.close()
    await close_all([device])


@running
async def test_seq_counts_each_conversation_from_one(server: Server) -> None:
    """Both sides of a single chat share one numbering; another conversation has its own."""
    ann, ben, cat = await friends(server.url, 3)
    one, other = await ann.device(), await ben.device()
    answers = [await one.ask(**text(ben.id)), await other.ask(**text(ann.id)), await one.ask(**text(ben.id))]
    assert [answer["seq"] for answer in answers] == [1, 2, 3]
    assert [(answer["scope"], answer["dstid"]) for answer in answers] == [(10, ben.id), (10, ann.id), (10, ben.id)]
    assert (await one.ask(**text(cat.id)))["seq"] == 1
    await close_all([one, other])


@running
async def test_a_cid_sent_again_gets_the_first_answer(server: Server) -> None:
    """A message sent again is stored and delivered once, whatever its text, device or conversation is then."""
    ann, ben, cat = await friends(server.url, 3)
    first, second, receiver = await ann.device(), await ann.device(), await ben.device()
    cid = new_cid()
    answer = await first.ask(**text(ben.id, "a", cid=cid))
    assert await first.ask(**text(ben.id, "b", cid=cid)) == answer
    assert await second.ask(**text(cat.id, "c", cid=cid)) == answer
    assert (await receiver.hear(cmd=10))["content"] == "a"
    assert [frame for frame in await receiver.quiet() if frame["cmd"] == 10] == []
    assert len(await whole_history(ann, ConversationKey(10, ben.id))) == 1
    other = await cat.device()
    assert (await other.ask(**text(ben.id, cid=cid)))["code"] == 0
    await close_all([first, second, receiver, other])


@running
async def test_the_same_cid_many_times_at_once(server: Server) -> None:
    """Many messages with one cid in one batch are stored once, and each is answered."""
    ann, ben = await friends(server.url)
    device = await ann.device()
    cid = new_cid()
    for _ in range(10):
        device.say(**text(ben.id, cid=cid))
    answers = [await device.hear(cmd=1, cid=cid) for _ in range(10)]
    assert [answer["seq"] for answer in answers] == [1] * 10
    assert len(await whole_history(ann, ConversationKey(10, ben.id))) == 1
    await close_all([device])


@running
async def test_a_burst_arrives_in_order_everywhere(server: Server) -> None:
    """Of a thousand messages by three writers each device of each member gets every one, in order of seq."""
    people = await friends(server.url, 3)
    group_id = await group(people)
    devices = [await one.device() for one in people for _ in range(2)]
    for number in range(1000):
        devices[number % 3 * 2].say(cmd=11, dstid=group_id, media=1, content=f"{number}", id=number + 1)
    await until(lambda: sum(f["cmd"] == 1 for d in devices for f in d.heard) == 1000, what="1,000 answers")
    rows = await whole_history(people[0], ConversationKey(11, group_id))
    sent = {row.seq for row in rows if row.media != 23}
    for index, device in enumerate(devices):
        own = {f["seq"] for f in device.heard if f["cmd"] == 1}
        await until(lambda d=device, o=own: sent <= o | {m["seq"] for m in d.messages()}, what="all delivered")
        seqs = [message["seq"] for message in device.messages()]
        assert seqs == sorted(set(seqs)) and not own & set(seqs), f"device {index}"
    await close_all(devices)


@running
async def test_catch_up_gives_what_was_missed(server: Server) -> None:
    """A catch-up gives the missed messages in order, then every conversation with head, mark, unread and newest
    message."""
    ann, ben = await friends(server.url)
    device = await ann.device()
    for number in range(1, 6):
        await device.ask(**text(ben.id, f"{number}"))
    late = await ben.device()
    end = await late.caught_up(have={f"10:{ann.id}": 2})
    assert [message["content"] for message in late.messages()] == ["3", "4", "5"]
    (row,) = end["rows"]
    assert (row["scope"], row["dstid"], row["seq"], row["read"], row["unread"]) == (10, ann.id, 5, 0, 5)
    assert row["last"]["content"] == "5" and "reset" not in end and "more" not in row
    await close_all([device, late])


@running
async def test_catch_up_of_very_much(server: Server) -> None:
    """Exactly 200 missed messages are sent; of a conversation with more none is sent and `more` is set."""
    ann, ben = await friends(server.url)
    writer = await ann.client().connected()
    for number in range(450):
        writer.client.send_text(10, ben.id, f"{number}")
    await until(lambda: writer.client.unanswered == 0)
    late = await ben.device()
    end = await late.caught_up()
    assert (late.messages(), end["rows"][0]["more"], end["rows"][0]["unread"]) == ([], True, 450)
    again = await ben.device()
    end = await again.caught_up(have={f"10:{ann.id}": 250})
    assert [message["seq"] for message in again.messages()] == list(range(251, 451))
    assert "more" not in end["rows"][0]
    afresh = await ben.client().connected()
    await until(lambda: afresh.seqs(ConversationKey(10, ann.id)) == list(range(1, 451)), what="all pages")
    await close_all([writer, late, again, afresh])


@running
async def test_catch_up_and_live_messages_do_not_mix(server: Server) -> None:
    """While others write during a catch-up, no message is missing, doubled or out of order."""
    ann, ben = await friends(server.url)
    writer = await ann.client().connected()
    for _ in range(10):
        for number in range(30):
            writer.client.send_text(10, ben.id, f"{number}")
        late = await ben.device()
        end = await late.caught_up()
        await until(lambda: writer.client.unanswered == 0)
        await late.quiet()
        head = (await ann.rest.history(ConversationKey(10, ben.id), limit=1)).total
        seqs = [message["seq"] for message in late.messages()]
        if not end["rows"] or not end["rows"][0].get("more"):
            assert seqs == list(range(1, head + 1))
        await close_all([late])
        if head > 150:
            break
    await close_all([writer])


@running
async def test_epoch(server: Server) -> None:
    """The right epoch is no reset; a wrong one is, and then what the client claims to have is ignored."""
    ann, ben = await friends(server.url)
    device = await ann.device()
    await device.ask(**text(ben.id))
    epoch = (await device.caught_up())["epoch"]
    assert epoch
    have = {f"10:{ann.id}": 1}
    for said, reset, given in ((epoch, None, 0), ("another", True, 1)):
        late = await ben.device()
        end = await late.caught_up(epoch=said, have=have)
        assert (end.get("reset"), len(late.messages()), end["epoch"]) == (reset, given, epoch)
        await close_all([late])
    await close_all([device])


@running
async def test_history_pages_both_ways(server: Server) -> None:
    """`before` and `after` give ascending pages with the head as total; without either the newest page comes."""
    ann, ben = await friends(server.url)
    device = await ann.device()
    for number in range(1, 11):
        await device.ask(**text(ben.id, f"{number}"))
    conversation = ConversationKey(10, ben.id)
    for edges, expected in (
        ({}, [8, 9, 10]),
        ({"before": 8}, [5, 6, 7]),
        ({"before": 2}, [1]),
        ({"after": 0}, [1, 2, 3]),
        ({"after": 9}, [10]),
        ({"after": 10}, []),
    ):
        page = await ann.rest.history(conversation, limit=3, **edges)
        assert ([row.seq for row in page.rows], page.total) == (expected, 10), edges
    assert (await ann.refusal("/message/history", scope=10, dstid=ben.id, limit=201)).status == 400
    stranger = await person(server.url)
    assert (await stranger.refusal("/message/history", scope=10, dstid=ben.id)).status in (403, 404)
    assert (await ann.refusal("/message/history", scope=11, dstid=2**52)).status in (403, 404)
    await close_all([device])


@running
async def test_unread_is_arithmetic(server: Server) -> None:
    """Unread is the head minus the mark; sending reads; a mark never goes back, nor beyond the head."""
    ann, ben = await friends(server.url)
    one, other = await ann.device(), await ben.device()

    async def unread() -> tuple[int, int]:
        (row,) = await ben.rest.conversations()
        return row.read, row.unread

    for _ in range(5):
        await one.ask(**text(ben.id))
    assert await unread() == (0, 5)
    other.say(cmd=6, scope=10, dstid=ann.id, seq=3)
    await one.hear(cmd=6)
    assert await unread() == (3, 2)
    other.say(cmd=6, scope=10, dstid=ann.id, seq=1)
    other.say(cmd=6, scope=10, dstid=ann.id, seq=99, cid="beyond")
    assert (await other.hear(cmd=1, cid="beyond"))["code"] < 0
    assert await unread() == (3, 2)
    await other.ask(**text(ann.id))
    assert await unread() == (6, 0)
    await close_all([one, other])


@running
async def test_read_marks_are_told(server: Server) -> None:
    """Read marks are told to the peer, under the peer's name for the conversation, and to one's other devices."""
    ann, ben = await friends(server.url)
    writer, reader, second = await ann.device(), await ben.device(), await ben.device()
    await writer.ask(**text(ben.id))
    reader.say(cmd=6, scope=10, dstid=ann.id, seq=1)
    told = {"cmd": 6, "scope": 10, "userid": ben.id, "seq": 1}
    assert await writer.hear(cmd=6) == told | {"dstid": ben.id}
    assert await second.hear(cmd=6) == told | {"dstid": ann.id}
    assert [frame for frame in await reader.quiet() if frame["cmd"] == 6] == []
    await close_all([writer, reader, second])


@running
async def test_typing(server: Server) -> None:
    """Typing is told to the peer or the members at once, and not stored."""
    ann, ben = await friends(server.url)
    group_id = await group([ann, ben])
    one, other = await ann.device(), await ben.device()
    one.say(cmd=5, scope=10, dstid=ben.id)
    assert await other.hear(cmd=5) == {"cmd": 5, "scope": 10, "dstid": ann.id, "userid": ann.id}
    one.say(cmd=5, scope=11, dstid=group_id)
    assert await other.hear(cmd=5) == {"cmd": 5, "scope": 11, "dstid": group_id, "userid": ann.id}
    assert all(row.scope == 11 for row in await ann.rest.conversations())
    await close_all([one, other])


@running
async def test_presence(server: Server) -> None:
    """A friend is told when the first device comes and, seconds after, when the last one left; a stranger isn't."""
    ann, ben = await friends(server.url)
    watching = await ann.device()
    stranger = await (await person(server.url)).device()
    first, second = await ben.device(), await ben.device()
    assert (await watching.hear(cmd=7, userid=ben.id))["online"] == 1
    assert (await ann.rest.friends())[0].online == 1
    await close_all([first])
    assert [frame for frame in await watching.quiet() if frame["cmd"] == 7] == []
    await close_all([second])
    third = await ben.device()
    await close_all([third])
    gone = await watching.hear(cmd=7, userid=ben.id)
    assert gone.get("online", 0) == 0
    assert sum(frame["cmd"] == 7 and frame["userid"] == ben.id for frame in watching.heard) == 2
    assert (await ann.rest.friends())[0].online == 0
    assert [frame for frame in stranger.heard if frame["cmd"] == 7] == []
    await close_all([watching, stranger])


@running
async def test_changes_are_told(server: Server) -> None:
    """A new friend, a group joined on another device and a changed profile are told by cmd 8."""
    ann, ben = await person(server.url), await person(server.url)
    one, other = await ann.device(), await ben.device()
    await one.quiet()
    await other.quiet()
    await ann.rest.add_friend(ben.id)
    for device in (one, other):
        assert (await device.hear(cmd=8))["what"] == "friend"
    await group([ann])
    assert (await one.hear(cmd=8))["what"] == "group"
    await ann.rest.call("/user/update", nickname="Ann B.")
    assert (await other.hear(cmd=8, what="profile"))["userid"] == ann.id
    await close_all([one, other])


@running
async def test_leaving_a_group_ends_reading_and_writing(server: Server) -> None:
    """Who left a group can't write or read in it and is told nothing; who comes back can again."""
    ann, ben = await friends(server.url)
    number = await group([ann, ben])
    one, other = await ann.device(), await ben.device()
    await ben.rest.call("/contact/leavecommunity", dstid=number)
    assert (await other.ask(cmd=11, dstid=number, media=1, content="x"))["code"] < 0
    seq = (await one.ask(cmd=11, dstid=number, media=1, content="secret"))["seq"]
    one.say(cmd=5, scope=11, dstid=number)
    await one.quiet()
    heard = [f for f in await other.quiet() if f.get("content") == "secret" or f["cmd"] == 5]
    assert heard == []
    assert (await ben.refusal("/message/history", scope=11, dstid=number)).status == 403
    late = await ben.device()
    assert [row for row in (await late.caught_up())["rows"] if row["scope"] == 11] == []
    assert late.messages() == []
    await ben.rest.join_group(number)
    again = await one.ask(cmd=11, dstid=number, media=1, content="welcome back")
    assert again["seq"] > seq
    assert (await other.hear(cmd=11, seq=again["seq"]))["content"] == "welcome back"
    await close_all([one, other, late])


@running
async def test_unfriended(server: Server) -> None:
    """After a friendship has ended, neither side can write in the single chat."""
    ann, ben = await friends(server.url)
    one, other = await ann.device(), await ben.device()
    assert (await one.ask(**text(ben.id)))["code"] == 0
    await ben.rest.call("/contact/deletefriend", dstid=ann.id)
    assert (await one.ask(**text(ben.id)))["code"] < 0
    assert (await other.ask(**text(ann.id)))["code"] < 0
    await close_all([one, other])


@running
async def test_refusals_end_nothing(server: Server) -> None:
    """Each wrong frame gets a negative code and its cid; the connection, and those of others, continue."""
    ann, ben = await friends(server.url)
    stranger = await person(server.url)
    number = await group([stranger])
    device, other = await ann.device(), await ben.device()
    wrong: list[dict[str, Any]] = [
        {"cmd": 99},
        {"cmd": 10, "dstid": stranger.id, "media": 1, "content": "x"},
        {"cmd": 10, "dstid": 2**52, "media": 1, "content": "x"},
        {"cmd": 10, "media": 1, "content": "x"},
        {"cmd": 11, "dstid": number, "media": 1, "content": "x"},
        {"cmd": 11, "dstid": 2**52, "media": 1, "content": "x"},
        {"cmd": 10, "dstid": ben.id, "media": 50},
        {"cmd": 10, "dstid": ben.id, "media": 23, "content": "joined"},
        {"cmd": 10, "dstid": ben.id, "media": 1, "content": "x" * 8001},
        {"cmd": 10, "dstid": ben.id, "media": 1, "memo": "x" * 2001},
        {"cmd": 10, "dstid": str(ben.id), "media": 1},
        {"cmd": 5, "scope": 10, "dstid": stranger.id},
        {"cmd": 6, "scope": 11, "dstid": number, "seq": 1},
        {"cmd": 6, "scope": 12, "dstid": 1, "seq": 1},
    ]
    for frame in wrong:
        answer = await device.ask(**frame)
        assert answer["code"] < 0 and answer["msg"], frame
    for raw in (b"{", b"[]", b"7", b'"x"', b"null"):
        device.say_raw(raw)
        answer = await device.hear(cmd=1)
        assert answer["code"] < 0 and answer["msg"]
    assert len(wrong) + 5 < WRONGS
    assert (await device.ask(**text(ben.id)))["code"] == 0
    assert (await other.hear(cmd=10))["content"] == "x"
    await close_all([device, other])


@running
async def test_too_long_a_cid(server: Server) -> None:
    """A cid of more than 64 characters is refused, in an answer without it."""
    ann, ben = await friends(server.url)
    device = await ann.device()
    device.say(**text(ben.id, cid="c" * 65))
    assert (await device.hear(cmd=1))["code"] < 0
    assert (await device.ask(**text(ben.id, cid="c" * 64)))["code"] == 0
    await close_all([device])


@running
async def test_twenty_wrong_frames_end_a_connection(server: Server) -> None:
    """Too many wrong frames end only that connection; the user's other device continues."""
    ann, ben = await friends(server.url)
    bad, good = await ann.device(), await ann.device()
    for _ in range(WRONGS + 1):
        bad.say(cmd=99)
    assert await soon(bad.closed) == 1008
    assert sum(frame["cmd"] == 1 for frame in bad.heard) >= WRONGS
    assert (await good.ask(**text(ben.id)))["code"] == 0
    await close_all([good])


def _big(device: Device) -> None:
    device.say_raw(b'{"cmd":0,"memo":"' + b"x" * FRAME_BYTES + b'"}')


def _binary(device: Device) -> None:
    device.say_raw(b'{"cmd":0}', binary=True)


def _not_utf8(device: Device) -> None:
    device.say_raw(b'{"cmd":0,"memo":"\xff"}')


def _not_masked(device: Device) -> None:
    device.protocol.transport.write(b"\x81\x0b" + b'{"cmd":  0}')


def _reserved_bits(device: Device) -> None:
    device.protocol.sendFrame(opcode=1, payload=b"{}", rsv=4)


@running
@pytest.mark.parametrize(
    ("wrong", "code"),
    [(_big, 1009), (_binary, 1003), (_not_utf8, 1007), (_not_masked, 1002), (_reserved_bits, 1002)],
)
async def test_protocol_errors_end_a_connection(server: Server, wrong: Any, code: int) -> None:
    """A frame over 64 KiB, a binary one, invalid UTF-8 and broken framing close the connection, each with its code."""
    ann, ben = await friends(server.url)
    bad, good = await ann.device(), await ben.device()
    wrong(bad)
    assert await soon(bad.closed) == code
    assert (await good.ask(**text(ann.id)))["code"] == 0
    await close_all([good])


@running
async def test_a_frame_of_the_largest_size(server: Server) -> None:
    """A frame of 64 KiB is read; it is the bounds of the fields that refuse it."""
    ann, _ = await friends(server.url)
    device = await ann.device()
    frame = b'{"cmd":0,"unknown":"'
    device.say_raw(frame + b"x" * (FRAME_BYTES - len(frame) - 2) + b'"}')
    assert "at" in await device.hear(cmd=0)
    await close_all([device])


@running
async def test_text_survives(server: Server) -> None:
    """Quotes, newlines, emoji, right-to-left text, 8,000 characters and control characters arrive as they were sent."""
    ann, ben = await friends(server.url)
    one, other = await ann.device(), await ben.device()
    for content in ('"\\/\n\t', "👩‍👩‍👧‍👦🇩🇪", "שלום \u202e x", "长" * 8000, "\u2028\u0001", "<script>"):
        answer = await one.ask(**text(ben.id, content))
        assert answer["code"] == 0
        assert (await other.hear(cmd=10, seq=answer["seq"]))["content"] == content
    rows = await whole_history(ben, ConversationKey(10, ann.id))
    assert [row.content for row in rows] == [frame["content"] for frame in other.messages()]
    await close_all([one, other])


@running
async def test_mentions_and_replies(server: Server) -> None:
    """`mentions` and `ref` are carried; a reply refers to a message by its seq."""
    ann, ben = await friends(server.url)
    number = await group([ann, ben])
    one, other = await ann.device(), await ben.device()
    first = await one.ask(cmd=11, dstid=number, media=1, content="@all", mentions=[0, ben.id])
    assert (await other.hear(cmd=11, seq=first["seq"]))["mentions"] == [0, ben.id]
    reply = await other.ask(cmd=11, dstid=number, media=1, content="yes", ref=first["seq"])
    assert (await one.hear(cmd=11, seq=reply["seq"]))["ref"] == first["seq"]
    await close_all([one, other])


@running
async def test_revoked_device(server: Server) -> None:
    """A device that is logged out from another one is disconnected, and its token is refused."""
    ann = await person(server.url)
    old = ann.rest.token
    device = await ann.device()
    await ann.rest.login(ann.mobile, "secret-1")
    sessions = await ann.rest.call("/user/sessions")
    import msgspec

    others = [row for row in msgspec.json.decode(sessions.rows) if not row.get("current")]
    assert len(others) == 1
    await ann.rest.call("/user/revoke", id=others[0]["id"])
    await soon(device.closed)
    with pytest.raises(ConnectionError, match="401"):
        await bare_device(f"{server.url}/chat?id={ann.id}&token={old}")
    ann.rest.token = old
    with pytest.raises(Refusal):
        await ann.rest.friends()
