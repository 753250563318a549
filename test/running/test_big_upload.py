"""A file of a gigabyte passes through the server without the server's memory growing."""

from __future__ import annotations

import hashlib
import http.client
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from test.running.server import Server
from test.storage.files.swift import KEY_ID, MISSING, SECRET, Swift, find_swift

MIB = 1 << 20
LOCAL_MIB = int(os.environ.get("TWIM_TEST_UPLOAD_MIB", "1024"))
STORE_MIB = int(os.environ.get("TWIM_TEST_UPLOAD_MIB", "256"))
"""Less: the store is several processes of Python on the same machine."""

GROWTH_MIB = 20
BOUNDARY = "b0undary"
HEAD = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'.encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()
PIECE = hashlib.sha256(b"piece").digest() * (MIB // 32)
_mobiles = itertools.count(13_900_000_000)


def log_in(server: Server) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    body = f"mobile={next(_mobiles)}&passwd=secret-1"
    connection.request("POST", "/user/register", body, {"Content-Type": "application/x-www-form-urlencoded"})
    token: str = json.load(connection.getresponse())["data"]["token"]
    connection.close()
    return token


def upload(server: Server, token: str, pieces: int) -> tuple[int, dict[str, object]]:
    """Send a file of so many MiB and give the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    connection.putrequest("POST", "/attach/upload")
    connection.putheader("Authorization", f"Bearer {token}")
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Content-Length", str(len(HEAD) + pieces * MIB + len(TAIL)))
    connection.endheaders(HEAD)
    for _ in range(pieces):
        connection.send(PIECE)
    connection.send(TAIL)
    response = connection.getresponse()
    answer = response.status, json.load(response)
    connection.close()
    return answer


def download(server: Server, path: str) -> tuple[str, int]:
    """Download a file; gives its SHA-256 and its size."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    connection.request("GET", path)
    response = connection.getresponse()
    assert response.status == 200
    digest, size = hashlib.sha256(), 0
    while data := response.read(MIB):
        digest.update(data)
        size += len(data)
    connection.close()
    return digest.hexdigest(), size


class Peak:
    """The most memory that a process had since this was made."""

    def __init__(self, pid: int) -> None:
        self._process = Path(f"/proc/{pid}")
        (self._process / "clear_refs").write_text("5")  # proc(5): begin the peak anew
        self._before = self._field("VmRSS")

    def growth(self) -> float:
        """By how many MiB the peak has grown."""
        return (self._field("VmHWM") - self._before) / 1024

    def _field(self, name: str) -> int:
        lines = (self._process / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def pass_through(server: Server, pieces: int) -> None:
    """Upload and download a file while measuring the memory; nothing is left in the spool."""
    token = log_in(server)
    assert upload(server, token, 1)[0] == 200  # what is loaded at first use is loaded
    peak = Peak(server.pid)
    status, answer = upload(server, token, pieces)
    assert status == 200, answer
    assert peak.growth() < GROWTH_MIB
    expected = hashlib.sha256()
    for _ in range(pieces):
        expected.update(PIECE)
    peak = Peak(server.pid)
    assert download(server, str(answer["data"])) == (expected.hexdigest(), pieces * MIB)
    assert peak.growth() < GROWTH_MIB
    assert list(server.data.rglob("*.part")) == []


def test_to_a_folder(tmp_path: Path) -> None:
    """A gigabyte is stored on the disk and read back."""
    with Server(tmp_path, ["--upload-limit", str(LOCAL_MIB)]) as server:
        pass_through(server, LOCAL_MIB)


@pytest.fixture
def swift(tmp_path: Path) -> Iterator[Swift]:
    programs = find_swift()
    if programs is None:
        if os.environ.get("TWIM_TEST_NO_SKIP") == "1":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    running = Swift(programs, tmp_path / "swift")
    try:
        running.start()
        running.make_bucket("big")
        yield running
    finally:
        running.stop()


def test_to_an_object_store(tmp_path: Path, swift: Swift) -> None:
    """A gigabyte goes through the server to the object store and back."""
    files = f"s3://big/chat?endpoint={swift.endpoint}&public=/mnt"
    environment = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
    options = ["--upload-limit", str(STORE_MIB), "--files", files]
    with Server(tmp_path, options, environment) as server:
        pass_through(server, STORE_MIB)
        swift.stop()
        status, answer = upload(server, log_in(server), 2)
        assert (status, answer["code"]) == (503, -6)
        assert list(server.data.rglob("*.part")) == []
