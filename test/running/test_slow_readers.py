"""Clients that don't read their answers use no more of the server than the bounds allow, and disturb nobody."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count

import psutil
import pytest

from test.running.server import Server
from test.running.slow_readers import call, frame, read_answer, request, say_all, unread, upgrade

LONG = "界" * 7_900  # 24 KB of a message
MESSAGES = 400
USER_MIB = 8
SLACK_MIB = 48  # memory that any work keeps afterwards: threads, pools, the allocator
ROUND_TRIP_SECONDS = 10  # on a busy machine; without bounds it took minutes
_mobiles = count(13_700_000_000)


class World:
    """A server, somebody with a long history, and a bystander."""

    def __init__(self, server: Server) -> None:
        self.server, self.port = server, server.port
        self.ann, self.token = self.register()
        self.bob, self.bobs = self.register()
        call(self.port, "/contact/addfriend", self.token, dstid=self.bob)
        with closing(Talking(self.port, self.bobs)) as talking:
            for number in range(MESSAGES):
                talking.say(10, self.ann, LONG, number + 1)
        self.history = request(f"/message/history?scope=10&dstid={self.bob}&limit=200", self.token)

    def register(self) -> tuple[int, str]:
        made = call(self.port, "/user/register", mobile=next(_mobiles), passwd="secret-1")["data"]
        return made["id"], made["token"]

    def mib(self) -> float:
        """The server's memory in MiB."""
        return psutil.Process(self.server.pid).memory_info().rss / (1 << 20)

    def settle(self, seconds: float = 4.0) -> float:
        """The highest memory within some seconds, in which the bystander is always answered."""
        most, end = 0.0, time.monotonic() + seconds
        while time.monotonic() < end:
            asked = time.monotonic()
            assert call(self.port, "/user/find", self.bobs, id=self.bob)["data"]["id"] == self.bob
            assert time.monotonic() - asked < ROUND_TRIP_SECONDS
            most = max(most, self.mib())
            time.sleep(0.02)
        return most


class Talking:
    """A socket whose messages are answered one by one."""

    def __init__(self, port: int, token: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.sendall(upgrade(token))
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            self.data += self.socket.recv(1 << 16)
        self.data = self.data.partition(b"\r\n\r\n")[2]

    def say(self, cmd: int, dstid: int, content: str, its_id: int) -> None:
        self.socket.sendall(
            frame(json.dumps({"cmd": cmd, "dstid": dstid, "media": 1, "content": content, "id": its_id}).encode())
        )
        self.hear(b'"id":%d,' % its_id)

    def hear(self, wanted: bytes) -> None:
        while wanted not in self.data:
            more = self.socket.recv(1 << 16)
            assert more, "closed"
            self.data += more
        self.data = b""

    def beat(self) -> None:
        """Send a heartbeat and wait for its answer."""
        self.socket.sendall(frame(b'{"cmd":0}'))
        self.hear(b'"cmd":0')

    def close(self) -> None:
        self.socket.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Server(tmp_path_factory.mktemp("slow")) as server:
        yield World(server)


def close_all(connections: list[socket.socket]) -> None:
    for one in connections:
        one.close()


def test_answers_on_many_connections(world: World) -> None:
    """Of 400 pages of history that nobody reads most wait or are refused. A socket of the same user works, and a
    client that reads is answered first."""
    mine = Talking(world.port, world.token)
    before = world.settle(1)
    asking = [unread(world.port, world.history) for _ in range(400)]
    try:
        most = world.settle()
        mine.beat()
        assert call(world.port, "/user/find", world.token, id=world.ann)["code"] == 0
    finally:
        close_all([*asking, mine.socket])
    assert most - before < USER_MIB + SLACK_MIB
    page = call(world.port, f"/message/history?scope=10&dstid={world.bob}&limit=200", world.token)
    assert [row["seq"] for row in page["rows"]] == list(range(MESSAGES - 199, MESSAGES + 1))


def test_pipelined_answers(world: World) -> None:
    """Of 100 requests on one connection each begins after the answer to the one before has been read, and all answers
    come in order."""
    before = world.settle(1)
    with unread(world.port, world.history * 100):
        assert world.settle(3) - before < SLACK_MIB
    asked = b"".join(
        request(f"/message/history?scope=10&dstid={world.bob}&before={last + 1}&limit=5", world.token)
        for last in range(MESSAGES, MESSAGES - 100, -1)
    )
    with unread(world.port, asked, window=1 << 18) as asking:
        assert world.settle(2) - before < SLACK_MIB
        asking.settimeout(20)
        with asking.makefile("rb") as answers:
            bodies = [read_answer(answers)[1] for _ in range(100)]
    assert [json.loads(body)["rows"][-1]["seq"] for body in bodies] == list(range(MESSAGES, MESSAGES - 100, -1))


@pytest.mark.parametrize("path", ["/user/login.shtml", "/asset/js/page/chat.js", "/nowhere", "/user/find?id=1"])
def test_pipelined_by_strangers(world: World, path: str) -> None:
    """Thousands of pipelined requests of guests for pages, files and refusals stay within the bounds."""
    before = world.settle(1)
    asking = [unread(world.port) for _ in range(10)]
    try:
        for one in asking:
            say_all(one, request(path) * 20_000, 0.3)
        assert world.settle(3) - before < 10 + SLACK_MIB
    finally:
        close_all(asking)


@pytest.mark.parametrize(
    ("payload", "opcode"),
    [(b"x" * 125, 9), (b'{"cmd":0}', 1), (b'{"cmd":4}', 1), (b'{"cmd":6,"scope":10,"dstid":2,"seq":1}', 1)],
    ids=["ping", "heartbeat", "catch-up", "read"],
)
def test_frames_that_are_answered(world: World, payload: bytes, opcode: int) -> None:
    """The server stops reading from a client that doesn't read its answers."""
    before = world.settle(1)
    talking = [unread(world.port, upgrade(world.token)) for _ in range(4)]
    try:
        flood = frame(payload, opcode) * (8_000_000 // len(payload))
        for one in talking:
            say_all(one, flood, 0.3)
        assert world.settle(3) - before < USER_MIB + SLACK_MIB
    finally:
        close_all(talking)


def test_catch_ups(world: World) -> None:
    """80 devices that request everything and read nothing are served one at a time, and the next device is served
    too."""
    before = world.settle(1)
    everything = frame(json.dumps({"cmd": 4, "have": {f"10:{world.bob}": MESSAGES - 200}}).encode())
    late = [unread(world.port, upgrade(world.token), everything) for _ in range(80)]
    try:
        assert world.settle() - before < USER_MIB + SLACK_MIB
        with closing(Talking(world.port, world.token)) as healthy:
            healthy.socket.settimeout(30)
            healthy.socket.sendall(everything)
            healthy.hear(b'{"cmd":4,')
    finally:
        close_all(late)


def test_live_messages(world: World) -> None:
    """Slow devices are closed; a device of the same user that reads is not, and gets every message."""
    healthy = Talking(world.port, world.token)
    slow = [unread(world.port, upgrade(world.token)) for _ in range(40)]
    before = world.settle(1)
    try:
        with closing(Talking(world.port, world.bobs)) as talking:
            for number in range(300):
                talking.say(10, world.ann, LONG, number + 1)
                if number % 10 == 9:
                    healthy.beat()
        assert world.mib() - before < USER_MIB + SLACK_MIB
        healthy.beat()
    finally:
        close_all([*slow, healthy.socket])


def test_many_friends(world: World) -> None:
    """Long lists are built only as fast as they are read."""
    before = world.settle(1)
    asking = [unread(world.port) for _ in range(40)]
    try:
        for path in ("/message/conversations", "/contact/loadfriend", "/user/sessions"):
            for one in asking:
                say_all(one, request(path, world.token) * 2_000, 0.05)
        assert world.settle(3) - before < USER_MIB + SLACK_MIB
    finally:
        close_all(asking)


def test_file(world: World) -> None:
    """A large file that is requested on many connections, whole and in parts, and not read stays within the bounds."""
    boundary = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
    body = boundary + b"\0" * 8_000_000 + b"\r\n--b--\r\n"
    head = f"POST /attach/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.token}\r\n"
    head += f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", world.port), timeout=20) as uploading:
        uploading.sendall(head.encode() + body)
        said = uploading.recv(1 << 16)
        while b'"data":"' not in said:
            said += uploading.recv(1 << 16)
    url = said.partition(b'"data":"')[2].partition(b'"')[0].decode()
    before = world.settle(1)
    part = f"GET {url} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-7000000\r\n\r\n".encode()
    asking = [unread(world.port, request(url) * 50 + part * 50) for _ in range(40)]
    try:
        assert world.settle(3) - before < 40 * 0.5 + SLACK_MIB
    finally:
        close_all(asking)


def test_uploads(world: World) -> None:
    """Uploads that stop half-way stay within the bounds."""
    before = world.settle(1)
    head = (
        f"POST /attach/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.token}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 10000000\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
    ).encode()
    stopped = [unread(world.port, head, b"x" * 1_000_000) for _ in range(6)]
    try:
        assert world.settle(3) - before < USER_MIB + SLACK_MIB
    finally:
        close_all(stopped)
