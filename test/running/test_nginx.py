"""deploy/nginx.conf, with only its addresses and paths changed, in front of a real server."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.threads import deferToThread

from test.running.need import need
from test.running.people import PASSWD, bare_device, close_all, friends, new_mobile, person, running
from test.running.server import PROJECT, START_SECONDS, Server, free_port

PNG = (PROJECT / "docs" / "examples" / "hello.png").read_bytes()
ANSWER = tuple[int, dict[str, str], bytes]


class Front:
    """nginx on `port`, with one node that is there and one that isn't."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.port = free_port()
        self.server = server
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "nginx.conf"
        changes = {
            "192.168.0.100:8080": f"127.0.0.1:{server.port}",
            "192.168.0.102:8080": f"127.0.0.1:{free_port()}",
            "listen 80 ": f"listen 127.0.0.1:{self.port} ",
            "user www-data;": "user root;" if os.geteuid() == 0 else "",
            "/run/nginx.pid": str(folder / "nginx.pid"),
            "/var/log/nginx": str(folder),
            "/opt/twim/lib/python3.11/site-packages/twim/asset/": f"{PROJECT}/asset/",
            "root /srv/twim;": f"root {server.data};",
            "worker_processes auto;": "worker_processes 1;",
            # A developer's machine lets nobody open that many.
            "worker_rlimit_nofile 200000;": "",
            "worker_connections 100000;": "worker_connections 500;",
        }
        text = (PROJECT / "deploy" / "nginx.conf").read_text("utf-8")
        for before, after in changes.items():
            assert before in text, before
            text = text.replace(before, after)
        self.config.write_text(text, "utf-8")
        self._command = [need("nginx", "nginx"), "-c", str(self.config), "-e", str(folder / "error.log")]

    def check(self) -> subprocess.CompletedProcess[str]:
        """``nginx -t``."""
        return subprocess.run([*self._command, "-t"], capture_output=True, text=True, timeout=60, check=False)

    def __enter__(self) -> Front:
        self._process = subprocess.Popen([*self._command, "-g", "daemon off;"], stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.ask("GET", "/user/login.shtml")
            except OSError:
                assert time.monotonic() < deadline and self._process.poll() is None, "nginx doesn't start"
                time.sleep(0.05)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> ANSWER:
        """Status, headers (names in lower case) and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """nginx before a server."""
    need("nginx", "nginx")
    folder = tmp_path_factory.mktemp("front")
    with Server(folder, ["--proxies", "127.0.0.1"]) as server, Front(folder, server) as running_front:
        yield running_front


def test_is_valid(front: Front) -> None:
    """nginx takes the file without a warning."""
    done = front.check()
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


@running
async def test_chat(front: Front) -> None:
    """Two people chat by way of nginx, though one of its two nodes isn't there."""
    ann, ben = await friends(front.url)
    sender, receiver = await ann.device(), await ben.device()
    for number in range(20):
        answer = await sender.ask(cmd=10, dstid=ben.id, media=1, content=str(number))
        assert (await receiver.hear(cmd=10, seq=answer["seq"]))["content"] == str(number)
    await close_all([sender, receiver])


@running
async def test_cookie_and_origin(front: Front) -> None:
    """The pages' way in works: the node sees the Host that the browser sees."""
    ann = await person(front.url)
    device = await bare_device(front.url + "/chat", {"Cookie": f"token={ann.rest.token}"}, front.url)
    device.say(cmd=0)
    await device.hear(cmd=0)
    await close_all([device])
    with pytest.raises(ConnectionError, match="403"):
        await bare_device(front.url + "/chat", {"Cookie": f"token={ann.rest.token}"}, "http://evil.example")


@running
async def test_address_of_a_client(front: Front) -> None:
    """A node believes nginx, and nginx doesn't believe the client."""
    body = f"mobile={new_mobile()}&passwd={PASSWD}".encode()
    kind = "application/x-www-form-urlencoded"
    _, _, made = await deferToThread(
        lambda: front.ask("POST", "/user/register", body, Content_Type=kind, X_Forwarded_For="6.6.6.6")
    )
    token = json.loads(made)["data"]["token"]
    _, _, devices = await deferToThread(lambda: front.ask("GET", "/user/sessions", Authorization=f"Bearer {token}"))
    assert json.loads(devices)["rows"][0]["address"] == "127.0.0.1"


@running
async def test_static_files(front: Front) -> None:
    """Assets come from nginx, with types and cache rules like the node's."""
    for path, kind, caching in [
        ("/asset/js/im/index.js", "javascript", "no-cache"),
        ("/asset/css/base.css", "text/css", "no-cache"),
        ("/asset/i18n/zh.json", "application/json", "no-cache"),
        ("/asset/icon.svg", "image/svg+xml", "public, max-age=86400"),
    ]:
        status, headers, body = await deferToThread(front.ask, "GET", path)
        assert (status, headers["server"], headers["cache-control"]) == (200, "nginx", caching), path
        assert kind in headers["content-type"] and body and headers["x-content-type-options"] == "nosniff"
        assert headers["etag"]
    for path in ("/asset/../setup.cfg", "/asset/%2e%2e/setup.cfg", "/asset/nothing.js"):
        assert (await deferToThread(front.ask, "GET", path))[0] in (400, 404)


@running
async def test_uploads(front: Front) -> None:
    """An upload goes through whole, and comes back from nginx with the headers that keep it harmless."""
    ann = await person(front.url)
    for name, content, kind, shown in [
        ("a.png", PNG, "image/png", "inline"),
        ("a.html", b"<script>alert(1)</script>" * 100_000, "application/octet-stream", "attachment"),
    ]:
        path = await ann.rest.upload(name, content, "." + name.rpartition(".")[2])
        status, headers, body = await deferToThread(front.ask, "GET", path)
        assert (status, headers["server"], body) == (200, "nginx", content)
        assert headers["content-type"].partition(";")[0] == kind
        assert headers["content-disposition"] == shown
        assert headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert headers["x-content-type-options"] == "nosniff"
    missing = "/mnt/ab/" + "0" * 62 + ".png"
    status, _, body = await deferToThread(front.ask, "GET", missing)
    assert (status, json.loads(body)["code"]) == (404, -4)


@running
async def test_figures_are_not_for_strangers(front: Front) -> None:
    """What is for programs on this machine isn't given away by nginx, which is on this machine too."""
    assert (await deferToThread(front.ask, "GET", "/metrics"))[0] == 404


@running
async def test_no_node(front: Front) -> None:
    """While no node answers, the answer is still an envelope, and says to come back."""
    front.server.stop()
    try:
        status, headers, body = await deferToThread(front.ask, "GET", "/message/conversations")
        assert (status, json.loads(body)["code"], headers["retry-after"]) == (503, -6, "2")
    finally:
        await front.server.restarted()
