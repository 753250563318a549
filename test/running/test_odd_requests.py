"""Whatever a request line or a header holds, a real server answers it in the envelope, and its log has no traceback."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from test.running.people import new_mobile
from test.running.server import Server

SECONDS = 60
HOST = b"Host: 127.0.0.1\r\n"
END = b"Connection: close\r\n\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
FORM = b"application/x-www-form-urlencoded"
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99\r\n"
UPGRADE = b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
HOSTS = (
    b"a" * 256, b"a." * 200, b"example...", b".", b"", b"a..b", b"a b", b"xn--zzzzzzzz", b"xn--\xff", b"\xff",
    b"a:99999",
    b"a:-1", b"a:x", b"a:", b"[::1", b"[::1]", b"[zz]", b"a/b", b"u@h", b"a,b", b"a" * 64, b"a" * 63, b"h\x00",
    b"<b>", b"-",
    "é.example".encode(),
)  # fmt: skip
TARGETS = (
    b"/", b"*", b"//", b"///x", b"/%", b"/%zz", b"/%00", b"/%0d%0a", b"/%ff", b"/\x7f", b"/\xa0", b"/\xff", b"/a\x00",
    b"/asset/" + b"a" * 300, b"/asset/" + b"a/" * 3_000, b"/asset/icon.svg/x", b"/asset/%00", b"/mnt/%00/%00",
    b"/mnt/" + b"a" * 300 + b"/b", b"/user/" + b"a" * 5_000 + b".shtml", b"/user/%00.shtml", b"/" + b"a" * 20_000,
    b"/" + b"a" * 300_000, b"http://x", b"http://127.0.0.1/user/login.shtml", b"http://a..b/", b"https://[::1/",
    b"http:///",
    b"http://u@x/", b"ftp://x/", b"x", b"?", b"#", b"/#", b"x:1", b"/?%ff=%fe", b"/user/find?id=%ff", b"/chat?%ff",
)  # fmt: skip
METHODS = (b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"get", b"FOO", b"CONNECT", b"TRACE", b"G@T", b"A" * 5_000)
NAMES = (
    b"Content-Type", b"Content-Length", b"Transfer-Encoding", b"Range", b"If-Modified-Since", b"If-None-Match",
    b"If-Range",
    b"Accept-Language", b"Accept-Encoding", b"Authorization", b"Cookie", b"X-Forwarded-For", b"X-Forwarded-Proto",
    b"Forwarded", b"Origin", b"Referer", b"User-Agent", b"Expect", b"Upgrade", b"Sec-Fetch-Site",
)  # fmt: skip
VALUES = (
    b"", b"\xff\xfe", b"x" * 8_000, b";", b",", b"=", b'"', b'"\\', b"9" * 5_000, b"-1", b"1e9", b"bytes=-",
    b"bytes=-0",
    b"bytes=9999999999999999-", b"bytes=" + b"0-0," * 3_000, b"bytes=5-1", b"bytes=0-" + b"9" * 5_000, b"bytes=\xff",
    b"Sun, 06 Nov 99999999999999 08:49:37 GMT", b"Sunday, 06-Nov-" + b"9" * 500 + b" 08:49:37 GMT", b"Sun",
    b"Sun, 00 Nov 1994 99:00:00 GMT", b"Sun, 06 Nov " + b"9" * 4_400 + b" 00:00:00 GMT",
    b"multipart/form-data; boundary=",
    b"multipart/form-data; boundary=" + b"b" * 5_000, b'multipart/form-data; boundary="a b"; charset=utf-99',
    b"application/json; charset=utf-16", b"application/x-www-form-urlencoded; charset=\xff", b"Bearer", b"Basic !!!",
    b"token=\xff; token", b"lang=../../x", b"en;q=9", b'for="[::1"', b"203.0.113.7:51234, unknown, <b>",
    b"gzip, chunked",
)  # fmt: skip
LINES = (
    b"GET /", b"GET", b"", b"GET  / HTTP/1.1", b"GET / HTTP/0.9", b"GET / HTTP/2.0", b"GET / FOO",
    b"\x16\x03\x01\x02\x00",
    b"GET / HTTP/1.1\r\nno colon", b"GET / HTTP/1.1\r\n: x", b"GET / HTTP/1.1\r\nA b: x",
    b"GET / HTTP/1.1\r\nA: x\x00",
    b"GET / HTTP/1.1\r\nA: " + b"x" * 300_000, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 600 + b"B: c",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1", b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2",
)  # fmt: skip
UPGRADES = (
    UPGRADE + KEY,
    UPGRADE + KEY + b"Connection: close\r\n",
    UPGRADE + KEY + b"Connection: \xff\r\n",
    UPGRADE + KEY + b"Connection: Upgrade\r\nOrigin: what\r\n",
    UPGRADE + KEY + b"Connection: Upgrade\r\nOrigin: http://[\r\n",
    UPGRADE + KEY + b"Connection: Upgrade\r\nSec-WebSocket-Protocol: a, a\r\n",
    UPGRADE + KEY + b"Connection: Upgrade\r\nSec-WebSocket-Extensions: x\r\nSec-WebSocket-Extensions: y\r\n",
    UPGRADE + KEY + b"Connection: Upgrade\r\n" + DEFLATE,
    UPGRADE + KEY + b"Connection: Upgrade\r\nSec-WebSocket-Extensions: \xff;=;=\r\n",
    UPGRADE + KEY + b"Connection: Upgrade\r\nHost: b\r\n",
    UPGRADE + KEY * 2 + b"Connection: Upgrade\r\n",
    KEY + b"Upgrade: h2c\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade\r\n",
    KEY + b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade\r\n",
    UPGRADE + b"Sec-WebSocket-Key: \xff\r\nConnection: Upgrade\r\n",
)


def asked(server: Server, request: bytes, seconds: float = SECONDS) -> bytes:
    """Everything that the server answers, until it closes the connection or the answer is whole."""
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)  # it may refuse before it has read everything
        while not whole(answer) and (piece := connection.recv(65_536)):
            answer += piece
    return answer


def whole(answer: bytes) -> bool:
    """Whether the answer is complete, as far as its headers tell."""
    head, ended, body = answer.partition(b"\r\n\r\n")
    if ended and head.startswith(b"HTTP/1.1 101 "):
        return True
    length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    return len(body) >= int(length[1]) if length else body.endswith(b"\r\n0\r\n\r\n")


def check(server: Server, request: bytes, refused: bool = False) -> None:
    """The answer is valid HTTP and no internal error, and a refusal has the envelope."""
    answer = asked(server, request)
    if answer.startswith(b"HTTP/1.1 100 "):
        answer = answer.partition(b"\r\n\r\n")[2]
    shown = request[:200], answer[:300]
    assert answer.startswith(b"HTTP/1."), shown
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert (status < 500 or status == 501) and (status >= 400 or not refused), shown
    assert b"Traceback" not in answer, shown
    if status < 400 or request.startswith(b"HEAD"):
        return
    if b"\r\ntransfer-encoding: chunked" in head.lower():
        body = body.partition(b"\r\n")[2].rpartition(b"\r\n0\r\n\r\n")[0]
    assert b"\r\ncontent-type: application/json" in head.lower(), shown
    assert json.loads(body)["code"] < 0, shown


@pytest.fixture(autouse=True)
def no_traceback(server: Server) -> Iterator[None]:
    """After each test the log has no traceback, and the server still answers."""
    before = len(server.log)
    yield
    assert server.answers()
    assert "Traceback" not in server.log[before:], server.log[before:][-4_000:]


def test_hosts(server: Server) -> None:
    """Odd values of Host are answered properly on every kind of path."""
    for host, path in itertools.product(
        HOSTS, (b"/", b"/user/find", b"/user/login.shtml", b"/asset/icon.svg", b"/metrics", b"/mnt/a/b", b"/chat")
    ):
        check(server, b"GET %b HTTP/1.1\r\nHost: %b\r\n" % (path, host) + END)
    for host in HOSTS[:8]:
        refused = host not in (b"xn--zzzzzzzz",)
        check(server, b"GET /user/login.shtml HTTP/1.1\r\nHost: %b\r\n" % host + END, refused)
    check(server, b"GET / HTTP/1.1\r\n" + END, refused=True)
    check(server, b"GET / HTTP/1.1\r\n" + HOST + HOST + END, refused=True)


def test_targets(server: Server) -> None:
    """Odd request targets are answered properly for every method, and for names that aren't methods."""
    for method, target in itertools.product(METHODS, TARGETS):
        check(server, b"%b %b HTTP/1.1\r\n" % (method, target) + HOST + END)
    assert asked(server, b"OPTIONS * HTTP/1.1\r\n" + HOST + END).startswith(b"HTTP/1.1 200 ")
    page = asked(server, b"GET http://127.0.0.1/user/login.shtml HTTP/1.1\r\n" + END)
    assert page.startswith(b"HTTP/1.1 200 ")


def test_no_requests(server: Server) -> None:
    """Bytes that can't be parsed are refused in the envelope, however many there are."""
    for line in LINES:
        check(server, line + b"\r\n" + HOST + END if line else b"\r\n\r\n" + HOST + END, refused=True)
    assert asked(server, b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HOST + END).startswith(b"HTTP/1.1 414 ")
    assert asked(server, b"GET / HTTP/1.1\r\nA: " + b"a" * 20_000 + b"\r\n" + HOST + END).startswith(b"HTTP/1.1 431 ")


def odd(name: bytes, value: bytes) -> Iterator[bytes]:
    """Requests of every kind with this header."""
    line = b"%b: %b\r\n" % (name, value)
    for path in (b"/asset/icon.svg", b"/user/login.shtml", b"/metrics"):
        yield b"GET %b HTTP/1.1\r\n" % path + HOST + line + END
    for path, media in ((b"/user/register", FORM), (b"/attach/upload", b"multipart/form-data; boundary=b")):
        more = {b"Content-Length": b"5", b"Content-Type": media} | {name: value}
        lines = b"".join(b"%b: %b\r\n" % one for one in more.items())
        yield b"POST %b HTTP/1.1\r\n" % path + HOST + lines + END + b"--b\r\n"


def test_headers(server: Server) -> None:
    """Odd values of every header that the server reads are answered properly."""
    for name, value in itertools.product(NAMES, VALUES):
        for request in odd(name, value):
            check(server, request)


def test_upgrades(server: Server) -> None:
    """A wrong upgrade request is refused in the envelope, also from a logged-in user."""
    body = f"mobile={new_mobile()}&passwd=secret-1".encode()
    media = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n" % len(body)
    made = asked(server, b"POST /user/register HTTP/1.1\r\n" + HOST + media + END + body)
    token = made.partition(b'"token":"')[2].partition(b'"')[0]
    for headers in UPGRADES:
        # Extensions are offers, and the server accepts none.
        refused = b"Extensions" not in headers
        check(server, b"GET /chat?token=%b HTTP/1.1\r\n" % token + HOST + headers + b"\r\n", refused)
    for host in (b"example...", b"a" * 64, b"a:70000"):
        lines = b"Host: %b\r\n" % host + UPGRADE + KEY + b"Connection: Upgrade\r\n\r\n"
        check(server, b"GET /chat?token=%b HTTP/1.1\r\n" % token + lines, refused=True)
    http10 = b"GET /chat?token=%b HTTP/1.0\r\n" % token + HOST + UPGRADE + KEY + b"Connection: Upgrade\r\n\r\n"
    check(server, http10, refused=True)


visible = st.binary(max_size=40).map(lambda some: some.translate(None, b"\r\n"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(METHODS[:5]),
    st.one_of(st.sampled_from(TARGETS[:10]), visible.map(lambda some: b"/" + some), visible),
    st.lists(st.tuples(st.sampled_from(NAMES) | visible, st.sampled_from(VALUES) | visible), max_size=4),
    st.binary(max_size=40),
)
def test_anything(
    server: Server, method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    """Any combination of these is answered properly."""
    lines = b"".join(b"%b: %b\r\n" % one for one in headers)
    with contextlib.suppress(TimeoutError):  # it may wait for more
        answer = asked(server, b"%b %b HTTP/1.1\r\n" % (method, target) + HOST + lines + END + body, 1.0)
        assert answer.startswith(b"HTTP/1."), answer[:300]
        assert b" 500 " not in answer[:20], answer[:300]
