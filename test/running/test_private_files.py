"""Other users of the machine can't read what the server makes, whatever its umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from test.running.people import friends, running
from test.running.server import PROJECT, Server

PNG = (PROJECT / "docs" / "examples" / "hello.png").read_bytes()


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """The usual umask, which servers inherit."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """The modes of a folder and of everything in it."""
    found = [folder, *folder.rglob("*")]
    return {str(one.relative_to(folder)): stat.S_IMODE(one.lstat().st_mode) for one in found}


async def use(server: Server) -> None:
    """Store something of every kind."""
    ann, ben = await friends(server.url)
    device = await ann.device()
    await device.ask(cmd=10, dstid=ben.id, media=1, content="hello")
    await ann.rest.upload("a.png", PNG, ".png")
    await ann.rest.upload("a.txt", b"words", ".txt")


@running
async def test_new_folder(tmp_path: Path) -> None:
    """New folders are 0700, and files in them 0600."""
    with Server(tmp_path) as server:
        await use(server)
        found = modes(server.data)
    assert {"im.db", "im.db-wal", "im.db-shm", "im.db.lock"} <= set(found)
    assert sum(name.startswith("mnt/") for name in found) > 4
    wrong = {
        name: oct(mode)
        for name, mode in found.items()
        if mode != (0o700 if (tmp_path / "im-data" / name).is_dir() else 0o600)
    }
    assert wrong == {}


@running
async def test_folder_that_is_served(tmp_path: Path) -> None:
    """An existing folder of files keeps its mode, and the web server that serves it can read new files."""
    (tmp_path / "served").mkdir()
    with Server(tmp_path, ["--files", f"file://{tmp_path}/served"]) as server:
        await use(server)
        found = modes(tmp_path / "served")
        assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
        assert stat.S_IMODE((server.data / "im.db").stat().st_mode) == 0o600
    stored = {name: mode for name, mode in found.items() if not name.startswith("spool")}
    assert len(stored) > 4 and set(stored.values()) == {0o755, 0o644}


@running
async def test_folder_that_is_there(tmp_path: Path) -> None:
    """An existing data folder and its database keep their modes."""
    with Server(tmp_path) as server:
        pass
    server.data.chmod(0o755)
    (server.data / "im.db").chmod(0o644)
    with Server(tmp_path) as server:
        await use(server)
        found = modes(server.data)
    assert (found["."], found["im.db"], found["im.db-wal"]) == (0o755, 0o644, 0o644)
