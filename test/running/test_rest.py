"""Refusals of REST: every status has the envelope, and every bound names its field."""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.request
from typing import Any

import pytest
from twisted.internet.threads import deferToThread

from test.running.people import bare_device, friends, new_mobile, person, running
from test.running.server import Server
from test.running.test_go_clients import FORM, fetch, post

BOUNDS = [
    ("/user/register", {"mobile": "12"}, "mobile"),
    ("/user/register", {"mobile": "1" * 21}, "mobile"),
    ("/user/register", {"mobile": "++123"}, "mobile"),
    ("/user/register", {"passwd": "12345"}, "passwd"),
    ("/user/register", {"passwd": "x" * 129}, "passwd"),
    ("/user/register", {"nickname": "x" * 21}, "nickname"),
    ("/user/register", {"avatar": "x" * 151}, "avatar"),
    ("/user/register", {"memo": "x" * 141}, "memo"),
    ("/user/register", {"sex": "X"}, "sex"),
    ("/contact/createcommunity", {"name": "x" * 31}, "name"),
    ("/contact/createcommunity", {"name": "x", "icon": "x" * 251}, "icon"),
    ("/contact/createcommunity", {"name": "x", "memo": "x" * 121}, "memo"),
    ("/contact/addfriend", {"dstid": "x"}, "dstid"),
    ("/contact/addfriend", {}, "dstid"),
    ("/contact/addfriend", {"dstid": 2**53}, "dstid"),
    ("/contact/addfriend", {"dstid": -1}, "dstid"),
    ("/contact/joincommunity", {"dstid": 0}, "dstid"),
    ("/message/history", {"dstid": 1}, "scope"),
    ("/message/history", {"scope": 10}, "dstid"),
    ("/message/history", {"scope": 10, "dstid": 1, "limit": 201}, "limit"),
    ("/message/history", {"scope": 10, "dstid": 1, "before": "x"}, "before"),
]


@running
async def test_bounds_name_the_field(server: Server) -> None:
    """A field beyond its bound is refused with 400, and named."""
    ann = await person(server.url)
    for path, fields, name in BOUNDS:
        said = {"mobile": new_mobile(), "passwd": "secret-1"} | fields if path == "/user/register" else fields
        refused = await ann.refusal(path, **said)
        assert (refused.status, refused.code < 0) == (400, True), (path, fields, refused.msg)
        assert name in refused.msg, (path, fields, refused.msg)


@running
async def test_bounds_are_taken(server: Server) -> None:
    """Values exactly at every bound are stored whole."""
    profile = {"nickname": "名" * 20, "avatar": "/" + "a" * 149, "sex": "W", "memo": "m" * 140}
    ann = await person(server.url, **profile)
    found = await ann.rest.find(id=ann.id)
    assert {name: getattr(found, name) for name in profile} == profile
    made = await ann.rest.create_group("群" * 30, icon="i" * 250, memo="m" * 120)
    (stored,) = await ann.rest.groups()
    assert stored == made and (stored.name, stored.icon, stored.memo) == ("群" * 30, "i" * 250, "m" * 120)


@running
async def test_not_logged_in(server: Server) -> None:
    """Every path that needs a user answers 401 without a token or with a wrong one."""
    paths = [
        *("/user/logout", "/user/find", "/user/update", "/user/passwd", "/user/sessions", "/user/revoke"),
        *("/contact/addfriend", "/contact/loadfriend", "/contact/createcommunity", "/contact/joincommunity"),
        *("/contact/loadcommunity", "/message/conversations", "/message/history", "/attach/upload"),
    ]
    for path in paths:
        for token in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "token=wrong"}):
            kind = "multipart/form-data; boundary=b" if path == "/attach/upload" else FORM
            status, _, answer = await post(server.url + path, b"--b--\r\n", kind, **token)
            assert (status, answer["code"] < 0) == (401, True), path


@running
async def test_three_ways_to_say_who_asks(server: Server) -> None:
    """The token is accepted as a cookie, a bearer header or a field."""
    ann = await person(server.url)
    token = ann.rest.token
    for body, headers in (
        (b"", {"Cookie": f"token={token}"}),
        (b"", {"Authorization": f"Bearer {token}"}),
        (f"token={token}".encode(), {}),
    ):
        status, _, answer = await post(server.url + "/contact/loadfriend", body, FORM, **headers)
        assert (status, answer["code"], answer["rows"], answer["total"]) == (200, 0, [], 0)


@running
async def test_another_sites_page_is_refused(server: Server) -> None:
    """A cookie sent by another site's page is refused, by our own page accepted; a bearer token isn't affected."""
    ann = await person(server.url)
    cookie = {"Cookie": f"token={ann.rest.token}"}
    for origin, status in (("http://evil.example", 403), ("null", 403), (server.url, 200)):
        found, _, _ = await post(server.url + "/contact/loadfriend", b"", FORM, Origin=origin, **cookie)
        assert found == status, origin


@running
async def test_statuses_carry_the_envelope(server: Server) -> None:
    """404 for a path, 405 for a method, 400 for broken JSON and 404 for a user have the envelope."""
    ann = await person(server.url)
    bearer = {"Authorization": f"Bearer {ann.rest.token}"}
    for path, body, kind, status in (
        ("/user/nothing", b"", FORM, 404),
        ("/user/find", b"{", "application/json", 400),
        ("/user/find", b"[]", "application/json", 400),
        ("/user/find", b"id=9007199254740991", FORM, 404),
        ("/user/find", b"\xff=1&id=%ff", FORM, 400),
    ):
        found, headers, answer = await post(server.url + path, body, kind, **bearer)
        assert (found, answer["code"] < 0, bool(answer["msg"])) == (status, True, True), (path, body)
        assert headers["Content-Type"].startswith("application/json")
    request = urllib.request.Request(server.url + "/user/register", headers=bearer, method="GET")
    status, _, content = await deferToThread(fetch, request)
    assert (status, json.loads(content)["code"] < 0) == (405, True)


@running
async def test_never_a_hash_nor_anothers_mobile(server: Server) -> None:
    """What a user sees of another has no mobile, no token and no password in any form."""
    ann, ben = await friends(server.url)
    for path, fields in (("/user/find", {"id": ben.id}), ("/user/find", {"mobile": ben.mobile})):
        answer = await ann.rest.call(path, **fields)
        shown = json.loads(bytes(answer.data))
        assert set(shown) <= {"id", "avatar", "sex", "nickname", "online", "memo", "createat", "mobile"}
        assert not shown.get("mobile")
    whole = b"".join(
        [bytes((await ann.rest.call(path)).rows) for path in ("/contact/loadfriend", "/message/conversations")]
    )
    assert ben.mobile.encode() not in whole and b"argon2" not in whole
    assert (await ann.rest.find(id=ann.id)).mobile == ann.mobile


def exchange(server: Server, head: bytes, body: bytes) -> tuple[int, dict[str, Any]]:
    """Send a hand-made request; gives the status and the JSON of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.connect()
    assert connection.sock is not None
    # It may refuse before everything was sent.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.sock.sendall(head + body)
    answer = http.client.HTTPResponse(connection.sock)
    answer.begin()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


@running
async def test_too_large(server: Server) -> None:
    """A form beyond its bound and an upload beyond 20 MiB get 413 as soon as their length is known."""
    ann = await person(server.url)
    for path, kind, size in (
        ("/user/find", FORM, 10 * 1024 * 1024),
        ("/attach/upload", "multipart/form-data; boundary=b", 21 * 1024 * 1024),
    ):
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {ann.rest.token}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {size}\r\n\r\n"
        ).encode()
        status, answer = await deferToThread(exchange, server, head, b"x" * 1000)
        assert (status, answer["code"] < 0) == (413, True), path


@running
async def test_wrong_type_of_upload(server: Server) -> None:
    """A form isn't accepted as an upload (400 or 415); an HTML file isn't served as a page."""
    ann = await person(server.url)
    bearer = {"Authorization": f"Bearer {ann.rest.token}"}
    status, _, answer = await post(server.url + "/attach/upload", b"file=x", FORM, **bearer)
    assert (status in (400, 415), answer["code"] < 0) == (True, True)
    url = await ann.rest.upload("page.html", b"<html><script>alert(1)</script></html>", ".html")
    status, headers, _ = await deferToThread(fetch, server.url + url)
    assert status == 200
    assert headers["Content-Type"].split(";")[0] != "text/html" or "attachment" in headers["Content-Disposition"]


@running
async def test_approval(tmp_path_factory: pytest.TempPathFactory) -> None:
    """With `--friend approve` both are told, and are friends only after the other one has accepted."""
    with Server(tmp_path_factory.mktemp("approve"), ["--friend", "approve"]) as server:
        ann, ben = await person(server.url), await person(server.url)
        device = await ben.device()
        await device.quiet()
        await ann.rest.add_friend(ben.id)
        assert (await device.hear(cmd=8))["what"] == "friend-request"
        assert await ann.rest.friends() == []
        assert (await device.ask(cmd=10, dstid=ann.id, media=1, content="x"))["code"] < 0
        (asked,) = json.loads(bytes((await ben.rest.call("/contact/loadrequest")).rows))
        assert (await ann.refusal("/contact/approvefriend", requestid=asked["id"])).status in (200, 403, 404)
        await ben.rest.call("/contact/approvefriend", requestid=asked["id"])
        assert [friend.id for friend in await ann.rest.friends()] == [ben.id]
        assert (await device.ask(cmd=10, dstid=ann.id, media=1, content="x"))["code"] == 0
        await device.close()


@running
async def test_limits(tmp_path_factory: pytest.TempPathFactory) -> None:
    """With limits on, guessing passwords gets 429 with Retry-After, in the envelope."""
    with Server(tmp_path_factory.mktemp("limits"), limits="on") as server:
        ann = await person(server.url)
        body = f"mobile={ann.mobile}&passwd=wrong-1".encode()
        for _ in range(100):
            status, headers, answer = await post(server.url + "/user/login", body, FORM)
            if status == 429:
                break
        assert status == 429 and int(headers["Retry-After"]) > 0 and answer["code"] < 0


@running
async def test_chat_is_no_page(server: Server) -> None:
    """`/chat` without an upgrade is refused with the envelope or 426."""
    ann = await person(server.url)
    status, _, _ = await deferToThread(fetch, f"{server.url}/chat?id={ann.id}&token={ann.rest.token}")
    assert status in (400, 426)
    with pytest.raises(ConnectionError, match="401"):
        await bare_device(f"{server.url}/chat")
