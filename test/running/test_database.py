"""The server on a database server: starting before it, and running on it."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest

from test.running.server import Server, free_port
from test.storage.databases import MYSQL, POSTGRESQL, empty_database
from test.storage.databases import Server as Kind

SECONDS = 60.0


def _until(server: Server, text: str) -> None:
    deadline = time.monotonic() + SECONDS
    while text not in server.log:
        assert time.monotonic() < deadline, server.log
        time.sleep(0.05)


@pytest.mark.parametrize("scheme", ["mysql", "postgresql"])
def test_waits_and_can_be_stopped(tmp_path: Path, scheme: str) -> None:
    """Without its database the server waits, logs it once, and ends on TERM."""
    server = Server(tmp_path, ["--db", f"{scheme}://root:secret@127.0.0.1:{free_port()}/im"])
    server.spawn()
    try:
        _until(server, "waiting for the database")
        time.sleep(2.5)
        assert server.log.count("waiting for the database") == 1
        assert "secret" not in server.log
    finally:
        begun = time.monotonic()
        server.stop()
    assert time.monotonic() - begun < 5
    assert "Server Shut Down" in server.log


@pytest.mark.parametrize("kind", [MYSQL, POSTGRESQL], ids=["mysql", "postgresql"])
def test_runs(tmp_path: Path, kind: Kind) -> None:
    """A user with an emoji in the name registers, and is still there after a restart."""
    url = empty_database(kind).render_as_string(hide_password=False)
    with Server(tmp_path, ["--db", url]) as server:
        given = {"mobile": "13800000001", "passwd": "secret1", "nickname": "👩‍🚀𠮷"}
        made = _post(server, "/user/register", given)
        server.kill9()
        server.start()
        again = _post(server, "/user/login", given)
    assert again["nickname"] == made["nickname"] == given["nickname"]
    assert again["id"] == made["id"]


def test_wrong_password(tmp_path: Path) -> None:
    """A database that refuses the password ends the program with one line."""
    url = empty_database(POSTGRESQL).set(database="no_such_database")
    server = Server(tmp_path, ["--db", url.render_as_string(hide_password=False)])
    with pytest.raises(AssertionError, match="did not start"):
        server.start()
    assert "twim: --db " in server.log
    assert "does not exist" in server.log


def _post(server: Server, path: str, fields: dict[str, str]) -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", path, urlencode(fields), {"Content-Type": "application/x-www-form-urlencoded"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert answer["code"] == 0, answer
    found: dict[str, object] = answer["data"]
    return found
