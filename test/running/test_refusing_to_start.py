"""A server that can't start says why in one line and ends with status 1."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from test.running.server import PROJECT, TWISTD, Server

SECONDS = 60  # a start takes about one, when nothing else runs


Done = subprocess.CompletedProcess[str]


def start(folder: Path, *options: str, environment: Mapping[str, str] | None = None) -> Done:
    """Run ``twistd -n im`` in `folder` until it ends."""
    return subprocess.run(
        [sys.executable, "-c", TWISTD, "-n", "--pidfile=", "im", *options],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(PROJECT)} | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def assert_refused(done: Done, *words: str) -> None:
    """Check for one line on standard error with these words, status 1, and no traceback anywhere."""
    assert done.returncode == 1, done
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("twim: "), done.stderr
    for word in words:
        assert word in lines[0]
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--port", "nonsense"], ["--port nonsense"]),
        (["--port", "tcp:99999"], ["--port tcp:99999"]),
        (["--friend", "maybe"], ["--friend maybe", "open or approve"]),
        (["--limits", "maybe"], ["--limits maybe"]),
        (["--db", "oracle://h/n"], ["--db", "oracle"]),
        (["--bus", "tcp://h"], ["--bus", "udp://"]),
        (["--files", "ftp://h"], ["--files ftp://h"]),
        (["--files", "file://elsewhere/folder"], ["--files file://elsewhere/folder"]),
        (["--views", "nowhere"], ["--views nowhere"]),
        (["--monitors", "somebody"], ["--monitors somebody"]),
        (["--hsts", "long"], ["--hsts long"]),
        (["--log-format", "xml"], ["--log-format xml", "text or json"]),
        (["--log-file", "/proc/im.log"], ["--log-file /proc/im.log"]),
        (["--log-size", "0"], ["--log-size 0"]),
        (["--port", "ssl:0:privateKey=nowhere.pem"], ["--port ssl:0:privateKey=nowhere.pem"]),
        (["--config", "nowhere.toml"], ["--config nowhere.toml", "No such file"]),
        (["--nonsense"], ["--nonsense"]),
        (["--data", "/proc/im-data"], ["--data /proc/im-data"]),
        (["--port", "unix:/proc/im.sock"], ["--port unix:/proc/im.sock"]),
    ],
)
def test_wrong_value(tmp_path: Path, options: list[str], words: list[str]) -> None:
    """An unusable value of an option is refused."""
    port = [] if "--port" in options else ["--port", "tcp:0:interface=127.0.0.1"]
    assert_refused(start(tmp_path, *port, *options), *words)


def test_wrong_value_in_the_environment_and_in_a_file(tmp_path: Path) -> None:
    """An unusable value from the environment or the settings file is refused, too."""
    assert_refused(start(tmp_path, environment={"TWIM_FRIEND": "maybe"}), "--friend maybe")
    (tmp_path / "im.toml").write_text("frend = 'open'\n")
    assert_refused(start(tmp_path, environment={"TWIM_CONFIG": "im.toml"}), "--config im.toml", "frend")


def test_log_in_the_background(tmp_path: Path) -> None:
    """A server in the background has no standard output to log to."""
    done = subprocess.run(
        [sys.executable, "-c", TWISTD, "im", "--log-file", "-"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert_refused(done, "--log-file -")


def test_taken_port(tmp_path: Path) -> None:
    """A port that another program uses is refused."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        endpoint = f"tcp:{other.getsockname()[1]}:interface=127.0.0.1"
        assert_refused(start(tmp_path, "--port", endpoint), f"--port {endpoint}", "in use")


def test_data_is_a_file(tmp_path: Path) -> None:
    """A file in place of the data folder is refused."""
    (tmp_path / "im-data").write_text("")
    assert_refused(start(tmp_path), "--data im-data", "not a folder")


def _garbage(folder: Path) -> None:
    (folder / "im.db").write_bytes(b"not a database, by any means\n" * 1000)


def _folder_in_its_place(folder: Path) -> None:
    (folder / "im.db").mkdir()


def _cut_short(folder: Path) -> None:
    with Server(folder.parent):
        pass
    whole = (folder / "im.db").read_bytes()
    (folder / "im.db").write_bytes(whole[: len(whole) // 2 - 100])


@pytest.mark.parametrize("spoil", [_garbage, _folder_in_its_place, _cut_short])
def test_broken_database(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """A database file that is damaged or not SQLite is refused."""
    data = tmp_path / "im-data"
    data.mkdir(exist_ok=True)
    spoil(data)
    assert_refused(start(tmp_path, "--port", "tcp:0:interface=127.0.0.1"), "--db sqlite:///", "im.db")


def test_second_server_on_the_same_file(tmp_path: Path) -> None:
    """A second server on the same SQLite file is refused, and the first continues."""
    with Server(tmp_path) as first:
        done = start(tmp_path, "--port", "tcp:0:interface=127.0.0.1")
        assert_refused(done, "another server")
        assert first.answers()
