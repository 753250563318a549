"""The command `twim` as an operator runs it: the server, and everything beside one that runs, rests or dies."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from test.running import forked
from test.running.server import PROJECT, Server, free_port
from test.storage.databases import MYSQL, POSTGRESQL, empty_database
from test.storage.databases import Server as DatabaseServer

SECONDS = 60
Process = subprocess.Popen[str]


def begin(*arguments: object, environment: dict[str, str] | None = None, folder: Path | None = None) -> Process:
    """Start the command as an operator does."""
    return subprocess.Popen(
        [sys.executable, "-m", "twim", *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(PROJECT)} | (environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: Process) -> tuple[int, str, str]:
    """How it ended, and what it wrote."""
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out, err


def done(*arguments: object, **how: Any) -> Any:
    """What it gives as JSON."""
    code, out, err = forked.run(*arguments, "--json", **how)
    assert code == 0, err
    return json.loads(out)


def refused(*arguments: object, **how: Any) -> str:
    """Why it can't."""
    code, out, err = forked.run(*arguments, **how)
    assert (code, out) == (1, ""), (code, out, err)
    assert err.startswith("twim: ") and err.count("\n") == 1, err
    return err


def ask(server: Server, path: str, token: str = "", **fields: str) -> tuple[int, Any]:
    """Status and body of a POST."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(server.url + path, urllib.parse.urlencode(fields).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def register(server: Server, mobile: str, nickname: str) -> Any:
    """A new user's own data, with a token."""
    status, answer = ask(server, "/user/register", mobile=mobile, passwd="123456", nickname=nickname)
    assert status == 200, answer
    return answer["data"]


def logged_in(server: Server, user: Any) -> bool:
    """Whether the user's token opens anything."""
    status, _ = ask(server, "/user/find", user["token"], id=str(user["id"]))
    assert status in (200, 401)
    return status == 200


def orders(server: Server, state: str = "%") -> int:
    """How many orders are in the database."""
    with closing(sqlite3.connect(server.data / "im.db")) as database:
        return int(database.execute("SELECT count(*) FROM orders WHERE state LIKE ?", (state,)).fetchone()[0])


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def stand_still(server: Server) -> None:
    """Stop the server with a signal, at a moment when it holds no lock on the database."""
    while True:
        os.kill(server.pid, signal.SIGSTOP)
        until(lambda: Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T", "it stops")
        try:
            with closing(sqlite3.connect(server.data / "im.db", timeout=0)) as database:
                database.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError:
            os.kill(server.pid, signal.SIGCONT)
            time.sleep(0.05)


def leave_order(server: Server, *more: str) -> Process:
    """Start a command that leaves its order to a server that stands still."""
    stand_still(server)
    process = begin("key", "create", "mine", "--data", server.data, *more)
    until(lambda: orders(server) == 1 or process.poll() is not None, "the order is there")
    assert process.poll() is None, ended(process)
    return process


def test_run(tmp_path: Path) -> None:
    """`twim run` is the server, whatever pid file lies about; it leaves none, and ends in good order."""
    for name in ("twistd.pid", "twim.pid"):
        (tmp_path / name).write_text(str(os.getpid()))
    port = free_port()
    process = begin("--data", "kept", "run", "--port", f"tcp:{port}:interface=127.0.0.1", folder=tmp_path)
    server = Server(tmp_path, port=port)
    until(lambda: server.answers() or process.poll() is not None, "it answers")
    try:
        assert process.poll() is None
        assert done("user", "list", environment={"TWIM_DATA": str(tmp_path / "kept")}) == []
    finally:
        process.terminate()
    code, out, _ = ended(process)
    assert code == -signal.SIGTERM
    assert "Server Shut Down" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "twim.pid", "twistd.pid"]


def test_run_refused(tmp_path: Path) -> None:
    """A setting that can't be is one line, and 1; a second server on the same data is refused."""
    assert "--friend maybe: open or approve" in refused("run", "--friend", "maybe", folder=tmp_path)
    with Server(tmp_path) as server:
        port = f"tcp:{free_port()}:interface=127.0.0.1"
        code, _, err = ended(begin("run", "--port", port, "--data", server.data))
        assert code == 1
        assert "another server is using it" in err


def test_found_as_the_server_finds_it(tmp_path: Path) -> None:
    """Data is where an option, the environment or a file says, or in ./im-data."""
    with Server(tmp_path) as server:
        ann = register(server, "111", "Ann")
        (tmp_path / "im.toml").write_text(f'data = "{server.data}"\n')
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        for line, how in (
            (("user", "list"), {"folder": tmp_path}),
            (("user", "list"), {"folder": elsewhere, "environment": {"TWIM_DATA": str(server.data)}}),
            (("--config", tmp_path / "im.toml", "user", "list"), {"folder": elsewhere}),
            (("user", "--data", server.data, "list"), {"folder": elsewhere}),
        ):
            assert [row["id"] for row in done(*line, **how)] == [ann["id"]]
        assert "no such database" in refused("user", "list", folder=elsewhere)
        assert list(elsewhere.iterdir()) == []


def test_beside_a_server(tmp_path: Path) -> None:
    """What a command does holds at once: who is disabled is cut off, a setting is another, a link sets a password."""
    with Server(tmp_path, ["--friend", "approve"]) as server:
        round_beside(server, "--data", server.data)


@pytest.mark.parametrize("kind", [MYSQL, POSTGRESQL], ids=lambda kind: str(kind.name))
def test_beside_a_server_on_a_database_server(tmp_path: Path, kind: DatabaseServer) -> None:
    """The same, and then without a server, where the database has no lock that tells."""
    url = empty_database(kind).render_as_string(hide_password=False)
    options = ["--db", url]
    with Server(tmp_path, ["--friend", "approve", *options]) as server:
        round_beside(server, "--data", server.data, *options)
    done("user", "sessions", "小明", "--data", server.data, *options)
    audit = done("audit", "--data", server.data, *options)
    assert [line["act"] for line in audit[:2]] == ["user.sessions", "purge"]


def round_beside(server: Server, *options: object) -> None:
    ann, bob = register(server, "111", "小明"), register(server, "222", "Bob")
    done("user", "role", "小明", "admin", *options)
    assert ask(server, "/user/find", ann["token"], id=str(ann["id"]))[1]["data"]["role"] == "admin"
    done("user", "disable", "mobile:222", *options)
    assert not logged_in(server, bob)
    assert "administrator" in refused("user", "disable", f"id:{ann['id']}", *options)
    assert "no such user" in refused("user", "show", "333", *options)
    done("set", "signup", "off", *options)
    assert ask(server, "/user/register", mobile="333", passwd="123456")[0] == 403
    assert "friend" in refused("set", "friend", "open", *options)
    fixed = [row["name"] for row in done("set", *options) if row["fixed"]]
    assert fixed == ["friend"]
    link = done("user", "reset", "小明", *options)["url"]
    assert not logged_in(server, ann)
    assert ask(server, link, passwd="654321")[0] == 200
    assert ask(server, "/user/login", mobile="111", passwd="654321")[0] == 200
    assert ask(server, link, passwd="000000")[0] == 404
    assert "--yes" in refused("user", "erase", "Bob", *options)
    done("user", "erase", "Bob", "--yes", *options)
    assert "no such user" in refused("user", "show", "mobile:222", *options)
    assert done("purge", "--older-than", 1, "--yes", *options) == {"messages": 0, "files": 0, "bytes": 0}
    acts = [line["act"] for line in done("audit", *options)]
    assert acts == ["purge", "user.erase", "user.reset", "setting.set", "user.disable", "user.role"]


def test_while_the_server_rests(tmp_path: Path) -> None:
    """Without a server the command acts itself, and the server finds it so."""
    with Server(tmp_path) as server:
        register(server, "111", "Ann")
        bob = register(server, "222", "Bob")
    done("set", "name", "Chess club", "--data", server.data)
    assert ended(begin("user", "disable", "Bob", "--data", server.data))[0] == 0
    with server:
        with urllib.request.urlopen(server.url + "/settings", timeout=SECONDS) as answer:
            assert json.load(answer)["data"]["name"] == "Chess club"
        assert not logged_in(server, bob)


def test_the_command_is_killed(tmp_path: Path) -> None:
    """What a command left before it was killed is carried out, once."""
    with Server(tmp_path) as server:
        process = leave_order(server)
        process.kill()
        process.communicate()
        os.kill(server.pid, signal.SIGCONT)
        until(lambda: orders(server, "done") == 1, "the order is carried out")
        server.kill9()
        server.start()
        assert [row["name"] for row in done("key", "list", "--data", server.data)] == ["mine"]
        assert [line["act"] for line in done("audit", "--data", server.data)] == ["key.create"]


def test_the_server_is_killed(tmp_path: Path) -> None:
    """The order of a server that is gone is done by the command itself, once."""
    with Server(tmp_path) as server:
        process = leave_order(server, "--json")
        server.kill9()
        code, out, err = ended(process)
        assert (code, err) == (0, "")
        assert json.loads(out)["key"].startswith("twk_")
        server.start()
        assert [row["name"] for row in done("key", "list", "--data", server.data)] == ["mine"]
        assert [line["act"] for line in done("audit", "--data", server.data)] == ["key.create"]


def test_import_beside_a_server(tmp_path: Path) -> None:
    """5,000 accounts are made while the server answers, and their links work."""
    lines = [f"1860{number:07d},学生{number}" for number in range(5_000)]
    (tmp_path / "people.csv").write_text("\n".join(["mobile,nickname", *lines]))
    with Server(tmp_path) as server:
        register(server, "111", "Ann")
        result = done("import-users", tmp_path / "people.csv", "--data", server.data)
        assert result["made"] == 5_000
        links = (tmp_path / "people.links.csv").read_text().split("\n")
        mobile, _, link = links[4_321].strip().split(",")
        assert ask(server, "/user/login", mobile=mobile, passwd="")[1]["code"] != 0
        assert ask(server, link, passwd="654321")[0] == 200
        status, answer = ask(server, "/user/login", mobile=mobile, passwd="654321")
        assert (status, answer["data"]["role"]) == (200, "member")


def test_nobody_reads_on(tmp_path: Path) -> None:
    """Where the reader of a long list has enough, the command ends quietly."""
    ours, theirs = os.pipe()
    os.close(ours)
    command = [sys.executable, "-m", "twim", "version"]
    with os.fdopen(theirs, "wb") as out:
        environment = os.environ | {"PYTHONPATH": str(PROJECT)}
        process = subprocess.run(
            command, env=environment, stdout=out, stderr=subprocess.PIPE, timeout=SECONDS, check=False
        )
    assert (process.returncode, process.stderr) == (1, b"")
