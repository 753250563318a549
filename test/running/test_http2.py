"""A real server with TLS, asked by curl over HTTP/2."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from OpenSSL.crypto import FILETYPE_PEM

from test.access.files.test_incoming import certificate
from test.running.server import Server, free_port
from test.running.test_big_upload import Peak

pytest.importorskip("h2")
MIB = 1 << 20
UPLOAD_MIB = 50
GROWTH_MIB = 20
_mobiles = itertools.count(13_910_000_000)


class Curl:
    """curl with a fixed set of options."""

    def __init__(self, port: int) -> None:
        program = shutil.which("curl")
        if program is None or b"HTTP2" not in subprocess.run([program, "--version"], capture_output=True).stdout:
            if os.environ.get("TWIM_TEST_NO_SKIP") == "1":
                pytest.fail("no curl with HTTP/2")
            pytest.skip("no curl with HTTP/2")
        self.url = f"https://127.0.0.1:{port}"
        self._command = [program, "--silent", "--show-error", "--insecure", "--max-time", "100"]

    def run(self, *arguments: str, version: str = "--http2") -> str:
        """Run curl and give its output."""
        done = subprocess.run([*self._command, version, *arguments], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, path: str, *arguments: str, version: str = "--http2") -> tuple[str, int, str]:
        """Make a request; gives protocol, status and body."""
        form = "\n%{http_version} %{http_code}"
        answer, _, end = self.run(self.url + path, "--write-out", form, *arguments, version=version).rpartition("\n")
        protocol, status = end.split()
        return protocol, int(status), answer

    def register(self) -> str:
        """Register a user and give the token."""
        _, status, answer = self.ask("/user/register", "--data", f"mobile={next(_mobiles)}&passwd=secret-1")
        assert status == 200, answer
        token: str = json.loads(answer)["data"]["token"]
        return token


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Curl]]:
    folder = tmp_path_factory.mktemp("http2")
    pem = folder / "both.pem"
    made = certificate()
    pem.write_bytes(made.privateKey.dump(FILETYPE_PEM) + made.dumpPEM())
    plain, secure = free_port(), free_port()
    ports = f"tcp:{plain}:interface=127.0.0.1 ssl:{secure}:interface=127.0.0.1:privateKey={pem}:certKey={pem}"
    with Server(folder, ["--port", ports, "--upload-limit", str(UPLOAD_MIB)], port=plain) as running:
        yield running, Curl(secure)


def test_pages_and_requests(server: tuple[Server, Curl]) -> None:
    """A page, its files, a REST answer and a refusal work over HTTP/2, and over HTTP/1.1 on the same port."""
    _, curl = server
    for version, protocol in (("--http2", "2"), ("--http1.1", "1.1")):
        assert curl.ask("/user/login.shtml", version=version)[:2] == (protocol, 200)
        assert curl.ask("/asset/icon.svg", version=version)[:2] == (protocol, 200)
        assert curl.ask("/settings", version=version)[:2] == (protocol, 200)
        found = curl.ask("/user/find?id=1", version=version)
        assert (*found[:2], json.loads(found[2])["code"]) == (protocol, 401, -2)
        assert curl.ask("/chat", version=version)[:2] == (protocol, 401)
        assert curl.ask("/nowhere", version=version)[:2] == (protocol, 404)


def test_upload_and_download(server: tuple[Server, Curl], tmp_path: Path) -> None:
    """A file of 50 MiB is sent and fetched, whole and in part, in bounded memory; the spool is empty afterwards."""
    running, curl = server
    bearer = f"Authorization: Bearer {curl.register()}"
    content = b"".join(hashlib.sha256(b"%d" % n).digest() * (MIB // 32) for n in range(UPLOAD_MIB))
    sent, small, got = tmp_path / "sent", tmp_path / "small", tmp_path / "got"
    sent.write_bytes(content)
    small.write_bytes(b"x")
    assert curl.ask("/attach/upload", "-H", bearer, "-F", f"file=@{small}")[1] == 200
    peak = Peak(running.pid)
    protocol, status, answer = curl.ask("/attach/upload", "-H", bearer, "-F", f"file=@{sent}")
    assert (protocol, status) == ("2", 200), answer
    url = json.loads(answer)["data"]
    assert curl.ask(url, "--output", str(got))[:2] == ("2", 200)
    assert got.read_bytes() == content
    assert curl.ask(url, "--output", str(got), "--range", "1000000-3000000")[:2] == ("2", 206)
    assert got.read_bytes() == content[1_000_000:3_000_001]
    assert peak.growth() < GROWTH_MIB
    assert list(running.data.rglob("*.part")) == []


def test_slow_download(server: tuple[Server, Curl], tmp_path: Path) -> None:
    """Downloads that are read slowly use no more memory than their limits."""
    running, curl = server
    sent = tmp_path / "sent"
    sent.write_bytes(os.urandom(20 * MIB))
    answer = curl.ask("/attach/upload", "-H", f"Authorization: Bearer {curl.register()}", "-F", f"file=@{sent}")
    url = curl.url + json.loads(answer[2])["data"]
    peak = Peak(running.pid)
    command = ["curl", "-sk", "--http2", "--limit-rate", "200k", "--max-time", "3", "-o", str(tmp_path / "slow"), url]
    for slow in [subprocess.Popen(command) for _ in range(4)]:
        slow.wait(timeout=30)
    assert peak.growth() < GROWTH_MIB


def test_refused_uploads(server: tuple[Server, Curl], tmp_path: Path) -> None:
    """Uploads are refused with 413 or 401 in the envelope before the body has been sent, also without a length."""
    _, curl = server
    bearer = f"Authorization: Bearer {curl.register()}"
    large = tmp_path / "large"
    large.write_bytes(bytes(UPLOAD_MIB * MIB + 100_000))
    allowed = tmp_path / "allowed"
    allowed.write_bytes(bytes(10 * MIB))
    for path, more, expected in (
        (large, ("-H", bearer), 413),
        (large, ("-H", bearer, "-H", "Content-Length:"), 413),
        (allowed, (), 401),
    ):
        protocol, status, answer = curl.ask("/attach/upload", *more, "-F", f"file=@{path}")
        assert (protocol, status) == ("2", expected), answer
        assert json.loads(answer)["code"] < 0
    body = tmp_path / "body"
    body.write_bytes(b"a" * 100_000)
    assert curl.ask("/user/login", "--data-binary", f"@{body}")[:2] == ("2", 413)


def test_parallel(server: tuple[Server, Curl], tmp_path: Path) -> None:
    """Many parallel requests on one connection, of every kind, each get their own answer."""
    _, curl = server
    bearer = f"Authorization: Bearer {curl.register()}"
    contents = [os.urandom(MIB) for _ in range(6)]
    uploads: list[str] = []
    for number, content in enumerate(contents):
        (tmp_path / f"sent{number}").write_bytes(content)
        uploads += ["--next"] if uploads else []
        uploads += ["-sk", "-H", bearer, "-F", f"file=@{tmp_path}/sent{number}", curl.url + "/attach/upload"]
        uploads += ["-o", f"{tmp_path}/answer{number}"]
    curl.run("--parallel", "--parallel-max", "20", *uploads)
    urls = [json.loads((tmp_path / f"answer{number}").read_text())["data"] for number in range(6)]
    downloads = [part for n, url in enumerate(urls) for part in (curl.url + url, "-o", f"{tmp_path}/got{n}")]
    pages = [part for n in range(60) for part in (f"{curl.url}/user/login.shtml?n={n}", "-o", f"{tmp_path}/page{n}")]
    curl.run("--parallel", "--parallel-max", "66", *downloads, *pages)
    assert [(tmp_path / f"got{number}").read_bytes() for number in range(6)] == contents
    assert all((tmp_path / f"page{n}").read_bytes().rstrip().endswith(b"</html>") for n in range(60))


def test_websocket_on_the_same_port(server: tuple[Server, Curl]) -> None:
    """A browser's WebSocket, which offers HTTP/1.1 only, works on the same port."""
    _, curl = server
    token = curl.register()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    port = int(curl.url.rpartition(":")[2])
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10)) as chat:
        lines = [f"GET /chat?token={token} HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: Upgrade"]
        lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", ""]
        chat.sendall("\r\n".join(lines).encode())
        assert chat.recv(4096).startswith(b"HTTP/1.1 101")


def test_ways_to_upload(server: tuple[Server, Curl], tmp_path: Path) -> None:
    """Uploads work with the token as a field and after a 100; another user's id is refused; HEAD answers as GET
    would."""
    _, curl = server
    token = curl.register()
    sent = tmp_path / "sent"
    sent.write_bytes(os.urandom(3 * MIB))
    file = ("-F", f"file=@{sent}")
    protocol, status, answer = curl.ask("/attach/upload", "-F", f"token={token}", *file)
    assert (protocol, status) == ("2", 200), answer
    assert (
        curl.ask("/attach/upload", "-H", f"Authorization: Bearer {token}", "-H", "Expect: 100-continue", *file)[1]
        == 200
    )
    assert curl.ask("/attach/upload", "-F", f"token={token}", *file, "-F", "userid=1234567")[1] == 403
    head = curl.ask(json.loads(answer)["data"], "--head")
    assert (head[:2], f"content-length: {3 * MIB}" in head[2].lower()) == (("2", 200), True)


def test_client_leaves(server: tuple[Server, Curl], tmp_path: Path) -> None:
    """A client that disconnects during its upload leaves nothing in the spool."""
    running, curl = server
    sent = tmp_path / "sent"
    sent.write_bytes(bytes(20 * MIB))
    bearer = f"Authorization: Bearer {curl.register()}"
    command = ["curl", "-sk", "--http2", "--limit-rate", "500k", "--max-time", "2"]
    command += ["-H", bearer, "-F", f"file=@{sent}", curl.url + "/attach/upload"]
    with subprocess.Popen(command) as leaving:
        deadline = time.monotonic() + 10
        while not list(running.data.rglob("*.part")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        leaving.wait(timeout=30)
    while list(running.data.rglob("*.part")):
        assert time.monotonic() < deadline + 10
        time.sleep(0.05)
