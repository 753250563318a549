"""What clients of the original Go server do, frame by frame, with that server's own examples."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from twisted.internet.threads import deferToThread

from test.running.people import Device, bare_device, close_all, friends, group, new_mobile, person, running
from test.running.server import Server
from twim.errors import Refusal

EXAMPLES: list[dict[str, Any]] = [
    {"media": 1, "content": "hello"},
    {
        "media": 2,
        "content": "标题",
        "pic": "http://www.baidu.com/a/log,jpg",
        "url": "http://www.a,com/dsturl",
        "memo": "这是描述",
    },
    {"media": 3, "url": "http://www.a,com/dsturl.mp3", "amount": 40},
    {"media": 4, "url": "http://www.baidu.com/a/log.jpg"},
    {
        "media": 5,
        "url": "http://www.baidu.com/a/b/c/redpackageaddress?id=100000",
        "amount": 300,
        "memo": "恭喜发财",
    },
    {"media": 6, "content": "cry"},
    {"media": 7, "url": "http://www.a.com/dsturl.html"},
    {"media": 8, "pic": "http://www.baidu.com/a/log,jpg", "url": "http://www.a,com/a.mp4"},
    {"media": 9, "content": "10086", "pic": "http://www.baidu.com/a/avatar,jpg", "memo": "胡大力"},
    {"media": 100, "content": '{"own":"format"}', "memo": "m", "pic": "p", "url": "u", "amount": -5},
]


def fetch(request: urllib.request.Request | str) -> tuple[int, dict[str, str], bytes]:
    """Make a plain HTTP request; gives status, headers and body."""
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


async def post(url: str, body: bytes, kind: str, **headers: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    """POST as any client would; the answer's JSON."""
    request = urllib.request.Request(url, body, {"Content-Type": kind} | headers)
    status, found, content = await deferToThread(fetch, request)
    return status, found, json.loads(content)


FORM = "application/x-www-form-urlencoded"


@running
async def test_register_and_login_in_the_original_envelope(server: Server) -> None:
    """Registration and log-in answer `{"code":0,"msg":"","data":user}` with a token, and set the cookie."""
    mobile = new_mobile()
    body = f"mobile={mobile}&passwd=secret-1".encode()
    status, headers, made = await post(server.url + "/user/register", body, FORM)
    assert (status, made["code"], made["msg"]) == (200, 0, "")
    assert made["data"]["mobile"] == mobile and made["data"]["sex"] == "U" and made["data"]["nickname"]
    assert not {"passwd", "salt"} & set(made["data"])
    cookie = headers["Set-Cookie"]
    assert "token=" + made["data"]["token"] in cookie and "httponly" in cookie.lower()

    status, _, again = await post(server.url + "/user/register", body, FORM)
    assert (status, again) == (200, {"code": -1, "msg": "this mobile have account"})

    status, _, login = await post(server.url + "/user/login", body, FORM)
    assert login["data"]["id"] == made["data"]["id"] and login["data"]["token"] != made["data"]["token"]
    as_json = json.dumps({"mobile": mobile, "passwd": "secret-1"}).encode()
    assert (await post(server.url + "/user/login", as_json, "application/json"))[2]["code"] == 0

    wrong = [f"mobile={mobile}&passwd=secret-2", "mobile=10000000000&passwd=secret-1"]
    answers = [await post(server.url + "/user/login", each.encode(), FORM) for each in wrong]
    assert [(status, found) for status, _, found in answers] == [(200, {"code": -1, "msg": "password wrong"})] * 2


@running
async def test_friends(server: Server) -> None:
    """Adding a friend makes both friends; adding oneself, a friend or nobody is refused."""
    ann, ben = await person(server.url, nickname="Ann"), await person(server.url, nickname="Ben")
    await ann.rest.add_friend(ben.id)
    assert [friend.nickname for friend in await ann.rest.friends()] == ["Ben"]
    assert [friend.id for friend in await ben.rest.friends()] == [ann.id]
    assert (await ann.rest.friends())[0].mobile == ""
    for dstid, status in ((ben.id, 200), (ann.id, 200), (2**52, 404)):
        refused = await ann.refusal("/contact/addfriend", dstid=dstid)
        assert (refused.code < 0, refused.status) == (True, status)


@running
async def test_userid_of_the_original_clients(server: Server) -> None:
    """`userid` and `ownerid`, which the original Go server's pages send, must be the caller's own."""
    ann, ben = await person(server.url), await person(server.url)
    for name in ("userid", "ownerid"):
        assert (await ann.rest.call("/contact/loadfriend", **{name: ann.id})).code == 0
        assert (await ann.refusal("/contact/loadfriend", **{name: ben.id})).status == 403


@running
async def test_groups(server: Server) -> None:
    """A new group has an id and its creator; others join; a group without a name and a sixth group are refused."""
    ann, ben = await person(server.url), await person(server.url)
    made = await ann.rest.create_group("五人行", icon="/asset/a.png", cate=1, memo="m")
    assert made.id > 0 and made.ownerid == ann.id and (made.icon, made.cate, made.memo) == ("/asset/a.png", 1, "m")
    await ben.rest.join_group(made.id)
    assert [one.name for one in await ben.rest.groups()] == ["五人行"]
    assert (await ann.refusal("/contact/createcommunity", name=" ")).status == 200
    assert (await ben.refusal("/contact/joincommunity", dstid=2**52)).status == 403
    for number in range(2, 6):
        await ann.rest.create_group(f"g{number}")
    assert (await ann.refusal("/contact/createcommunity", name="g6")).status == 200
    assert len(await ann.rest.groups()) == 5


@running
async def test_every_medium_is_carried_whole(server: Server) -> None:
    """The original Go server's example messages arrive with every field as sent, in a chat and in a group."""
    ann, ben = await friends(server.url)
    group_id = await group([ann, ben])
    sender, receiver = await ann.device(), await ben.device()
    for cmd, dstid in ((10, ben.id), (11, group_id)):
        for number, example in enumerate(EXAMPLES, 1):
            sender.say(id=number, userid=ann.id, cmd=cmd, dstid=dstid, **example)
            answer = await sender.hear(cmd=1, id=number)
            assert answer["code"] == 0 and answer["scope"] == cmd
            got = await receiver.hear(cmd=cmd, seq=answer["seq"])
            expected = {"id": number, "userid": ann.id, "cmd": cmd, "dstid": dstid, **example}
            assert {key: value for key, value in got.items() if key not in ("seq", "at")} == expected
            assert got["at"] == answer["at"]
    await close_all([sender, receiver])


@running
async def test_an_original_client_without_id_or_cid(server: Server) -> None:
    """A message without `id` and `cid` is delivered and not answered."""
    ann, ben = await friends(server.url)
    sender, receiver = await ann.device(), await ben.device()
    sender.say(userid=ann.id, cmd=10, dstid=ben.id, media=1, content="hello")
    assert (await receiver.hear(cmd=10))["content"] == "hello"
    assert await sender.quiet() == []
    await close_all([sender, receiver])


@running
async def test_userid_is_the_logged_in_user(server: Server) -> None:
    """A message can't be sent in somebody else's name."""
    ann, ben = await friends(server.url)
    sender, receiver = await ann.device(), await ben.device()
    assert (await sender.ask(userid=ben.id, cmd=10, dstid=ben.id, media=1, content="x"))["code"] == 0
    assert (await receiver.hear(cmd=10))["userid"] == ann.id
    await close_all([sender, receiver])


@running
async def test_heartbeat(server: Server) -> None:
    """cmd 0 is answered; so is `{}`, since the original Go server's encoder leaves out a zero."""
    ann = await person(server.url)
    device = await ann.device()
    device.say(cmd=0)
    assert (await device.hear(cmd=0))["at"] > 1_600_000_000_000
    device.say()
    assert "at" in await device.hear(cmd=0)
    await close_all([device])


@running
async def test_several_devices(server: Server) -> None:
    """A message goes to every device of the peer and to the sender's others, not to the one that sent it."""
    ann, ben = await friends(server.url)
    again = await ann.rest.login(ann.mobile, "secret-1")
    assert again.id == ann.id
    first, second = await ann.device(), await ann.device()
    receivers = [await ben.device() for _ in range(3)]
    answer = await first.ask(cmd=10, dstid=ben.id, media=1, content="hi")
    for device in (second, *receivers):
        assert (await device.hear(cmd=10, seq=answer["seq"]))["content"] == "hi"
    assert [frame for frame in await first.quiet() if frame.get("cmd") == 10] == []
    await close_all([first, second, *receivers])


@running
async def test_to_oneself(server: Server) -> None:
    """A user may write to oneself, and the user's other devices get the message."""
    ann = await person(server.url)
    first, second = await ann.device(), await ann.device()
    answer = await first.ask(cmd=10, dstid=ann.id, media=1, content="note")
    assert (answer["code"], answer["dstid"]) == (0, ann.id)
    assert (await second.hear(cmd=10))["content"] == "note"
    await close_all([first, second])


@running
async def test_a_group_joined_while_connected_works_at_once(server: Server) -> None:
    """No reconnect is needed to hear or speak in a group joined, or created, meanwhile."""
    ann, ben = await friends(server.url)
    one, other = await ann.device(), await ben.device()
    group_id = await group([ann, ben])
    answer = await one.ask(cmd=11, dstid=group_id, media=1, content="welcome")
    assert answer["code"] == 0
    assert (await other.hear(cmd=11, seq=answer["seq"]))["content"] == "welcome"
    assert (await other.ask(cmd=11, dstid=group_id, media=1, content="thanks"))["code"] == 0
    await close_all([one, other])


@running
async def test_ways_into_the_chat(server: Server) -> None:
    """The token is accepted in the address or cookie; a wrong token or another user's id is refused."""
    ann, ben = await friends(server.url)
    ours = {"origin": server.url}
    by_cookie = await bare_device(server.url + "/chat", {"Cookie": f"token={ann.rest.token}"}, **ours)
    assert "at" in (await by_cookie.ask(cmd=10, dstid=ben.id, media=1, content="x"))
    await close_all([by_cookie])
    refused = [
        (f"/chat?id={ann.id}&token=wrong", {}, None, "401"),
        (f"/chat?id={ben.id}&token={ann.rest.token}", {}, None, "40"),
        ("/chat", {}, None, "401"),
        ("/chat", {"Cookie": f"token={ann.rest.token}"}, "http://evil.example", "403"),
        ("/chat", {"Cookie": f"token={ann.rest.token}"}, None, "403"),
    ]
    for path, headers, origin, status in refused:
        with pytest.raises(ConnectionError, match=rf"failed \[{status}"):
            await bare_device(server.url + path, headers, origin)


@running
async def test_upload(server: Server) -> None:
    """A picture is stored under `/mnt/`, with a type by its content and no name of the client's."""
    ann = await person(server.url)
    png = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        + "1f15c4890000000d49444154789c636060606000000005000 1a5f645400000000049454e44ae426082".replace(" ", "")
    )
    url = await ann.rest.upload("../../etc/evil.html", png, ".png")
    assert url.startswith("/mnt/") and url.partition("?")[0].endswith(".png") and ".." not in url
    status, headers, content = await deferToThread(fetch, server.url + url)
    assert (status, headers["Content-Type"], content) == (200, "image/png", png)


@running
async def test_every_view_has_its_page(server: Server) -> None:
    """Every template in a folder is served at its `.shtml` path without being named in the code; those of
    administrators tell everybody else that they are for administrators."""
    from test.running.server import PROJECT

    _, ann = await friends(server.url)  # the first one may be the administrator
    views = PROJECT / "views"
    pages = [p.relative_to(views) for p in views.glob("*/*.html") if not p.name.startswith("_")]
    assert pages
    for page in pages:
        request = urllib.request.Request(
            f"{server.url}/{page.with_suffix('.shtml')}", headers={"Cookie": f"token={ann.rest.token}"}
        )
        status, headers, _ = await deferToThread(fetch, request)
        assert (status, headers["Content-Type"].split(";")[0]) == (
            403 if page.parts[0] == "admin" else 200,
            "text/html",
        ), page


@running
async def test_logged_out_everywhere_else(server: Server) -> None:
    """Another log-in ends no device; a changed password ends the others; logging out ends one's own."""
    ann, ben = await friends(server.url)
    first_token = ann.rest.token
    old: Device = await ann.device()
    await ann.rest.login(ann.mobile, "secret-1")
    assert (await old.ask(cmd=10, dstid=ben.id, media=1, content="still here"))["code"] == 0
    await ann.rest.call("/user/passwd", passwd="secret-1", newpasswd="secret-2")
    assert await old.closed != 1000
    with pytest.raises(ConnectionError, match="401"):
        await bare_device(f"{server.url}/chat?id={ann.id}&token={first_token}")
    await ann.rest.friends()
    token = ann.rest.token
    await ann.rest.logout()
    ann.rest.token = token
    with pytest.raises(Refusal) as refused:
        await ann.rest.friends()
    assert refused.value.status == 401
