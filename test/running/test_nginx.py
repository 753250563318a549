"""deploy/nginx.conf, with only its addresses and paths changed, in front of a real server."""

from __future__ import annotations

import http.client
import json
import re
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from twisted.internet.threads import deferToThread

from test.running.need import need
from test.running.nginx_config import CONFIGURATION, for_this_machine, replaced
from test.running.people import PASSWD, bare_device, close_all, friends, new_mobile, person, running
from test.running.server import PROJECT, START_SECONDS, Server, free_port
from twim.storage.files.local import LocalFiles
from twim.storage.files.threads import FileThreads
from twim.storage.files.urls import FileUrls

PNG = (PROJECT / "docs" / "examples" / "hello.png").read_bytes()
ANSWER = tuple[int, dict[str, str], bytes]


class Front:
    """nginx on `port`, with one node that runs and one that doesn't."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.port = free_port()
        self.server = server
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "nginx.conf"
        addresses = {
            "192.168.0.100:8080": f"127.0.0.1:{server.port}",
            "192.168.0.102:8080": f"127.0.0.1:{free_port()}",
        }
        text = replaced(CONFIGURATION.read_text("utf-8"), addresses)
        text = for_this_machine(text, folder, server.data, self.port)
        self.config.write_text(text, "utf-8")
        self._command = [need("nginx", "nginx"), "-c", str(self.config), "-e", str(folder / "error.log")]

    def check(self) -> subprocess.CompletedProcess[str]:
        """The result of ``nginx -t``."""
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
        """Make a request; gives status, headers (names in lower case) and body."""
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
    """nginx in front of a server."""
    need("nginx", "nginx")
    folder = tmp_path_factory.mktemp("front")
    with Server(folder, ["--proxies", "127.0.0.1"]) as server, Front(folder, server) as running_front:
        yield running_front


def test_is_valid(front: Front) -> None:
    """nginx accepts the file without a warning."""
    done = front.check()
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


@running
async def test_chat(front: Front) -> None:
    """Two people chat through nginx, although one of its two nodes is down."""
    ann, ben = await friends(front.url)
    sender, receiver = await ann.device(), await ben.device()
    for number in range(20):
        answer = await sender.ask(cmd=10, dstid=ben.id, media=1, content=str(number))
        assert (await receiver.hear(cmd=10, seq=answer["seq"]))["content"] == str(number)
    await close_all([sender, receiver])


@running
async def test_cookie_and_origin(front: Front) -> None:
    """Log-in by cookie works through nginx: the node gets the Host that the browser sent."""
    ann = await person(front.url)
    device = await bare_device(front.url + "/chat", {"Cookie": f"token={ann.rest.token}"}, front.url)
    device.say(cmd=0)
    await device.hear(cmd=0)
    await close_all([device])
    with pytest.raises(ConnectionError, match="403"):
        await bare_device(front.url + "/chat", {"Cookie": f"token={ann.rest.token}"}, "http://evil.example")


@running
async def test_address_of_a_client(front: Front) -> None:
    """The node takes the client's address from nginx, and nginx ignores one that the client claims."""
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
    """nginx serves the assets, with the same types and cache rules as the node."""
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
async def test_files_of_a_page(front: Front) -> None:
    """The files that a page names come from a node, compressed, and may be cached for ever."""
    _, _, page = await deferToThread(front.ask, "GET", "/user/login.shtml")
    named = re.findall(r'(?:src|href)="(/asset/[^"]*)"', page.decode())
    assert len(named) >= 4
    for path in named:
        status, headers, _ = await deferToThread(lambda path=path: front.ask("GET", path, Accept_Encoding="gzip"))
        # Pictures are compressed as they are.
        encoding = None if path.endswith(".png") else "gzip"
        assert (status, headers.get("content-encoding")) == (200, encoding), (path, headers)
        assert headers["cache-control"].endswith("immutable")


@running
async def test_uploads(front: Front) -> None:
    """A file is uploaded through nginx and served by it with the headers that keep it harmless."""
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
    with sqlite3.connect(front.server.data / "im.db") as database:
        ((key,),) = database.execute("SELECT value FROM meta WHERE name = 'filekey'")
    urls = FileUrls(LocalFiles(front.server.data, FileThreads(None, "", 1)), bytes.fromhex(key), time.time)
    missing = urls.sign("/mnt/ab/" + "0" * 62 + ".png")
    status, _, body = await deferToThread(front.ask, "GET", missing)
    assert (status, json.loads(body)["code"]) == (404, -4)


@running
async def test_signed(front: Front) -> None:
    """nginx gives a file to who has a signed URL of it: whole or in parts, its small copy, and not again to who has it.
    It asks a node, which refuses everybody else in its own words."""
    ann = await person(front.url)
    noise = Image.effect_noise((900, 600), 60)
    file = BytesIO()
    noise.save(file, "PNG")
    boundary = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    upload = boundary + file.getvalue() + b"\r\n--x--\r\n"
    kind = "multipart/form-data; boundary=x"
    status, _, answered = await deferToThread(
        lambda: front.ask("POST", f"/attach/upload?token={ann.rest.token}", upload, Content_Type=kind)
    )
    assert status == 200, answered
    answer = json.loads(answered)
    for url in (answer["data"], answer["thumb"]):
        status, headers, body = await deferToThread(front.ask, "GET", url)
        assert (status, headers["server"], headers["cache-control"]) == (
            200,
            "nginx",
            "private, max-age=172800, immutable",
        )
        assert headers["referrer-policy"] == "no-referrer"
        tag, size = headers["etag"], len(body)
        asked = [
            ("GET", {"Range": "bytes=1-3"}, 206, body[1:4]),
            ("GET", {"Range": f"bytes={size - 2}-"}, 206, body[-2:]),
            ("GET", {"If_None_Match": tag}, 304, b""),
            ("HEAD", {}, 200, b""),
        ]
        for method, more, expected, content in asked:
            found = await deferToThread(lambda a=(method, url), more=more: front.ask(*a, **more))
            assert (found[0], found[2]) == (expected, content), (method, more)
        plain, _, query = url.partition("?")
        other = answer["thumb" if url == answer["data"] else "data"].partition("?")[0]
        for wrong in (plain, f"{plain}?{query}x", f"{other}?{query}", f"/mnt/../mnt/{plain[5:]}?", f"/{plain}?{query}"):
            for method, more in (
                ("GET", {}),
                ("GET", {"Range": "bytes=0-1"}),
                ("HEAD", {}),
                ("GET", {"If_None_Match": tag}),
            ):
                found = await deferToThread(
                    lambda a=(method, wrong), more={**more, "X_Original_URI": url}: front.ask(*a, **more)
                )
                # To a node a path that nginx made simpler is no path at all.
                refused = (404, -4) if ".." in wrong or wrong.startswith("//") else (403, -3)
                assert found[0] == refused[0], (wrong, method, more)
                assert method == "HEAD" or json.loads(found[2])["code"] == refused[1]
    granted = await deferToThread(lambda: front.ask("GET", "/mnt/granted", X_Original_URI=answer["data"]))
    assert granted[0] == 404
    log = (front.config.parent / "access.log").read_text() + (front.config.parent / "error.log").read_text()
    assert answer["data"].partition("?")[0] in log and answer["data"].partition("&s=")[2] not in log


@running
async def test_figures_are_not_for_strangers(front: Front) -> None:
    """nginx doesn't pass on what is meant for programs on this machine only."""
    assert (await deferToThread(front.ask, "GET", "/metrics"))[0] == 404


@running
async def test_secret_paths(front: Front) -> None:
    """Codes in the paths of invitations, resets and hooks are in no log and in no Referer."""
    for path in ("/i/Zq3xK9", "/reset/Zq3xK9", "/hook/Zq3xK9"):
        _, headers, _ = await deferToThread(front.ask, "GET", f"{path}?token=Yy7")
        assert headers["referrer-policy"] == "no-referrer"
    assert (await deferToThread(front.ask, "GET", "/health/ready"))[0] == 404
    log = (front.config.parent / "access.log").read_text() + (front.config.parent / "error.log").read_text()
    assert "/reset/..." in log and "Zq3xK9" not in log and "Yy7" not in log


@running
async def test_no_node(front: Front) -> None:
    """While no node answers, the answer is an envelope with a Retry-After."""
    front.server.stop()
    try:
        for path in ("/message/conversations", "/mnt/ab/" + "0" * 62 + ".png?e=1&s=x"):
            status, headers, body = await deferToThread(front.ask, "GET", path)
            assert (status, json.loads(body)["code"], headers["retry-after"]) == (503, -6, "2")
    finally:
        await front.server.restarted()
