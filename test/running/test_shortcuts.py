"""A server whose version of Autobahn differs from what a shortcut assumes logs it, and works."""

from __future__ import annotations

from pathlib import Path

from test.running.people import close_all, friends, running
from test.running.server import PROJECT, Server

# Python imports this module at its start. It changes Autobahn once that has been imported.
OTHER_AUTOBAHN = """
import importlib.abc, importlib.machinery, sys

NAME = "autobahn.websocket.protocol"

class Other(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != NAME:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        run = spec.loader.exec_module
        def changed(module):
            run(module)
            made = module.WebSocketProtocol._connectionMade
            def made_otherwise(self):
                made(self)
                self.novelty = 1
            module.WebSocketProtocol._connectionMade = made_otherwise
        spec.loader.exec_module = changed
        return spec

sys.meta_path.insert(0, Other())
"""


async def _talk(server: Server) -> None:
    people = await friends(server.url, 2)
    one, other = [await person.device() for person in people]
    await one.ask(cmd=10, dstid=people[1].id, media=1, content="hello")
    assert (await other.hear(cmd=10))["content"] == "hello"
    await close_all([one, other])


@running
async def test_another_autobahn(tmp_path: Path) -> None:
    """One line in the log names the shortcut and the difference."""
    (tmp_path / "sitecustomize.py").write_text(OTHER_AUTOBAHN)
    with Server(tmp_path, environment={"PYTHONPATH": f"{tmp_path}:{PROJECT}"}) as server:
        await _talk(server)
        lines = [line for line in server.log.splitlines() if "the shortcut " in line]
        assert len(lines) == 1 and "handshake" in lines[0] and "novelty" in lines[0], server.log


@running
async def test_installed_autobahn(tmp_path: Path) -> None:
    """With the installed version nothing is logged."""
    with Server(tmp_path) as server:
        await _talk(server)
        assert "the shortcut " not in server.log and " may fail: " not in server.log, server.log
