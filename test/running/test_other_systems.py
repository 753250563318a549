"""The server works where the modules and calls are missing that only Unix or only Linux has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from test.running.people import close_all, friends, running
from test.running.server import PROJECT, Server
from twim.doctor import TOPICS

OTHER_SYSTEM = (sys.executable, "-m", "test.internals.other_system")
OF_THE_MACHINE = ("disk", "limits", "clock")
PNG = (PROJECT / "docs" / "examples" / "hello.png").read_bytes()


@running
async def test_without_them(tmp_path: Path) -> None:
    """Without those modules, on a plain reactor, people chat and upload, and what they said is in the database after
    a restart."""
    server = Server(tmp_path)
    server._arguments = [*OTHER_SYSTEM, str(server.data), str(server.port)]
    server.start()
    ann, ben = await friends(server.url)
    sender, receiver = await ann.device(), await ben.device()
    for number in range(200):
        answer = await sender.ask(cmd=10, dstid=ben.id, media=1, content=str(number))
        assert (await receiver.hear(cmd=10, seq=answer["seq"]))["content"] == str(number)
    path = await ann.rest.upload("a.png", PNG, ".png")
    assert path.startswith("/mnt/")
    await close_all([sender, receiver])
    server.stop()
    assert "Traceback" not in server.log
    await server.restarted()
    device = await ben.device()
    await device.ask(cmd=10, dstid=ann.id, media=1, content="again")
    await close_all([device])
    server.stop()


def test_commands_without_them(tmp_path: Path) -> None:
    """The doctor says of each topic what can be said there, and a backup is made, beside a server and without one."""
    server = Server(tmp_path)
    server._arguments = [*OTHER_SYSTEM, str(server.data), str(server.port)]

    def told() -> list[str]:
        """The topics with something wrong."""
        done = command("doctor", str(server.data), str(server.port))
        assert {line.split()[0] for line in done.splitlines()} == set(TOPICS)
        assert "can't be examined" not in done
        ours = [line.split()[:2] for line in done.splitlines() if line.split()[0] not in OF_THE_MACHINE]
        return [topic for topic, level in ours if level not in ("ok", "note")]

    assert told() == []
    server.start()
    assert told() == []
    command("backup", str(server.data), str(tmp_path / "copy.db"))
    assert (tmp_path / "copy.db").stat().st_size
    server.stop()
    assert "Traceback" not in server.log


def command(*words: str) -> str:
    """What a command prints on such a system."""
    done = subprocess.run([*OTHER_SYSTEM, *words], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
