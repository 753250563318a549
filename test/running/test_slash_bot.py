"""The bot of docs/examples/slash_bot.py beside a real server: a command is said over a socket, told and answered."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread

from test.running.people import close_all, person, running, until
from test.running.server import PROJECT, Server
from twim.client import ConversationKey


def ask(method: str, url: str, key: str, loose: object) -> Any:
    """One request of another program. Gives the data."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    asking = urllib.request.Request(url, json.dumps(loose).encode(), headers, method=method)
    with urllib.request.urlopen(asking, timeout=60) as answer:
        return json.load(answer).get("data")


@running
async def test_command(tmp_path: Path) -> None:
    """Whoever says /roll in a group with the bot hears the bot's answer; a hook's message stands beside it."""
    with Server(tmp_path, ["--webhooks", "private"]) as server:
        command = [sys.executable, "-m", "twim", "key", "create", "shop", "--data", str(server.data), "--json"]
        made = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=PROJECT)
        key = json.loads(made.stdout)["key"]
        example = [sys.executable, str(PROJECT / "docs/examples/slash_bot.py"), key, server.url]
        bot = subprocess.Popen(example, stdout=subprocess.PIPE, text=True)
        try:
            assert bot.stdout is not None
            line = await deferToThread(bot.stdout.readline)
            assert line.strip() == "ready"
            ann = await person(server.url)
            api = f"{server.url}/api/v1"
            body = {"name": "G", "owner": f"id:{ann.id}", "members": ["dice"]}
            group = (await deferToThread(ask, "PUT", f"{api}/groups/g", key, body))["id"]
            listening = await ann.client().connected()
            await listening.client.send_text(11, group, "/roll 1")
            expected = f"id:{ann.id} rolls 1"

            def heard() -> list[str]:
                return [message.content for message in listening.messages.get(ConversationKey(11, group), [])]

            await until(lambda: expected in heard(), what="the bot's answer")
            hook = await deferToThread(ask, "POST", f"{api}/hooks", key, {"group": "g", "name": "Builds"})
            await deferToThread(ask, "POST", server.url + hook["url"], "", {"text": "build 7 is done"})
            await until(lambda: "build 7 is done" in heard(), what="the hook's message")
            assert hook["url"].removeprefix("/hook/") not in server.log_path.read_text()
            await close_all([listening])
        finally:
            bot.kill()
            bot.wait()
            assert bot.stdout is not None
            bot.stdout.close()
