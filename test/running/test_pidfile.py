"""The commands of the README start the server even if a killed one left a pid file; two servers at once are refused."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from test.running.server import PROJECT, TWISTD, free_port

SECONDS = 60
Process = subprocess.Popen[bytes]
NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")

Start = Callable[..., Process]


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/settings")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def command(port: int, *twistd: str) -> list[str]:
    """A shell command like ``twistd -n im``."""
    return [sys.executable, "-c", TWISTD, *twistd, "im", "--port", f"tcp:{port}:interface=127.0.0.1"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a command in the test's folder; it is killed at the end if it still runs."""
    started: list[Process] = []

    def run(*arguments: str) -> Process:
        with (tmp_path / "out").open("ab") as out:
            process = subprocess.Popen(
                arguments,
                cwd=tmp_path,
                env=os.environ | {"PYTHONPATH": str(PROJECT)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def elsewhere() -> Iterator[int]:
    """A living process that isn't ours."""
    process = subprocess.Popen(["sleep", "1000"])
    yield process.pid
    process.kill()
    process.wait()


def said(folder: Path) -> str:
    return (folder / "out").read_text()


def test_killed(start: Start, tmp_path: Path) -> None:
    """A killed server is started again by the same command."""
    port = free_port()
    for _ in range(2):
        process = start(*command(port, "-n"))
        until(lambda: answers(port), "an answer")
        process.kill()
        process.wait()
    assert not (tmp_path / "twistd.pid").exists()


def test_stale(start: Start, tmp_path: Path, elsewhere: int) -> None:
    """A pid file that names another living process stops no server in the foreground, with the default pid file or
    none."""
    port = free_port()
    for twistd in (["-n"], ["--nodaemon", "--pidfile="], ["-n", "--pidfile=own.pid"]):
        for name in ("twistd.pid", "own.pid"):
            (tmp_path / name).write_text(str(elsewhere))
        process = start(*command(port, *twistd))
        until(lambda: answers(port), f"an answer with {twistd}: {said(tmp_path)}")
        if "--pidfile=own.pid" in twistd:
            assert (tmp_path / "own.pid").read_text() == str(process.pid)
        process.send_signal(signal.SIGTERM)
        process.wait(SECONDS)


def test_first_process(start: Start, tmp_path: Path) -> None:
    """Works in a container, where every server is process 1."""
    if subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("unshare --pid isn't allowed here: it takes root")
    port = free_port()
    for twistd in (["-n"], ["-n", "--pidfile=own.pid"]):
        for _ in range(2):
            process = start(*NAMESPACE, *command(port, *twistd))
            until(lambda: answers(port), f"an answer: {said(tmp_path)}")
            process.kill()
            process.wait()
            until(lambda: not answers(port), "the end")
    assert (tmp_path / "own.pid").read_text() == "1"


def test_background(start: Start, tmp_path: Path) -> None:
    """``twistd im``, started by a shell in a container, starts although another process has the old number."""
    if subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("unshare --pid isn't allowed here: it takes root")
    port = free_port()
    others = "for n in 1 2 3 4 5 6 7 8; do sleep 1000 & done; "
    for before in ("", others):
        process = start(*NAMESPACE, "sh", "-c", before + '"$@"; sleep 1000', "sh", *command(port))
        until(lambda: answers(port), f"an answer: {said(tmp_path)}")
        process.kill()
        process.wait()
        until(lambda: not answers(port), "the end")


def test_background_twice(start: Start, tmp_path: Path) -> None:
    """Twisted's own refusal remains: the second server in the background ends, and the pid file is the first one's."""
    port = free_port()
    start(*command(port)).wait(SECONDS)
    until(lambda: answers(port), f"an answer: {said(tmp_path)}")
    pid = int((tmp_path / "twistd.pid").read_text())
    try:
        assert start(*command(free_port())).wait(SECONDS) == 1
        assert "Another twistd server is running" in said(tmp_path)
        assert answers(port)
        assert int((tmp_path / "twistd.pid").read_text()) == pid
    finally:
        os.kill(pid, signal.SIGTERM)
        until(lambda: not answers(port), "the end")


def test_twice(start: Start, tmp_path: Path) -> None:
    """Of two in the foreground the second is refused: for its port, or with another port for its database."""
    port = free_port()
    start(*command(port, "-n"))
    until(lambda: answers(port), "an answer")
    for other, word in ((port, "in use"), (free_port(), "another server")):
        (tmp_path / "out").write_text("")
        second = [*command(other, "-n"), *(["--data", "other"] if other == port else [])]
        assert start(*second).wait(SECONDS) == 1
        assert word in said(tmp_path)
        assert answers(port)
