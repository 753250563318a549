"""What signals do to a running server."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from test.running.people import bare_device, close_all, person, running
from test.running.server import PROJECT, TWISTD, Server, free_port

SECONDS = 60
ENDING = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL}
CRASHING = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS}
STOPPING = {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCONT}


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_no_other_signal_ends_it(tmp_path: Path) -> None:
    """Only TERM, INT, QUIT, KILL and the signals of a crash end the server."""
    tried = sorted(set(signal.valid_signals()) - ENDING - CRASHING - STOPPING)
    assert {signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGPIPE} <= set(tried)
    with Server(tmp_path) as server:
        for number in tried:
            os.kill(server.pid, number)
            assert server.answers(), number


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_end_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    """TERM and INT end it in good order, as its log says."""
    with Server(tmp_path) as server:
        process = server._process
        assert process is not None
        os.kill(server.pid, number)
        # At the end twistd kills itself by the signal that it was sent.
        assert process.wait(SECONDS) == -number
        assert "Server Shut Down" in server.log


def test_quit(tmp_path: Path) -> None:
    """QUIT ends it at once."""
    with Server(tmp_path) as server:
        process = server._process
        assert process is not None
        os.kill(server.pid, signal.SIGQUIT)
        assert process.wait(SECONDS) == -signal.SIGQUIT


@running
async def test_not_ready_while_ending(tmp_path: Path) -> None:
    """A server that is closing its connections reports that it isn't ready, but still live."""
    server = Server(tmp_path)
    server.start()
    ann = await person(server.url)
    device = await bare_device(f"{server.url}/chat?id={ann.id}&token={ann.rest.token}")
    kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    kept.request("GET", "/health/ready")
    first = kept.getresponse()
    assert (first.status, first.read()) == (200, b'{"code":0,"msg":"","data":{"database":1,"bus":1,"serving":1}}')
    os.kill(server.pid, signal.SIGTERM)
    until(lambda: "Received SIGTERM" in server.log, "the signal came")
    kept.request("GET", "/health/ready")
    answer = kept.getresponse()
    assert (answer.status, b'"serving":0' in answer.read()) == (503, True)
    kept.request("GET", "/health/live")
    assert kept.getresponse().status == 200
    kept.close()
    await close_all([device])
    server.stop()


def run(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    """Run ``twistd -n im`` with the log where the options say."""
    return subprocess.Popen(
        [sys.executable, "-c", TWISTD, "-n", "--pidfile=", "im", "--limits", "off", *options],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(PROJECT), "TWIM_UPLOAD_LIMITS": "3", "TWIM_SERVICE_HOST": "10.0.0.7"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_log_is_opened_again(tmp_path: Path) -> None:
    """HUP opens a new log after another program has moved the old one away, and warns of environment variables that
    look like settings and are none."""
    port, path = free_port(), tmp_path / "im.log"
    process = run(tmp_path, "--port", f"tcp:{port}:interface=127.0.0.1", "--log-file", "im.log", "--log-format", "json")
    try:
        until(lambda: path.exists() and "ready: open http" in path.read_text(), "it is ready")
        assert "TWIM_UPLOAD_LIMITS (did you mean TWIM_UPLOAD_LIMIT?) is no setting" in path.read_text()
        assert "TWIM_SERVICE_HOST" in path.read_text()
        path.rename(tmp_path / "old.log")
        os.kill(process.pid, signal.SIGHUP)
        until(lambda: path.exists() and "SIGHUP" in path.read_text(), "a new one")
        assert "SIGHUP" not in (tmp_path / "old.log").read_text()
    finally:
        process.terminate()
        process.wait(SECONDS)
    for line in path.read_text().splitlines() + (tmp_path / "old.log").read_text().splitlines():
        assert line.startswith('{"time":"') and line.endswith("}"), line
