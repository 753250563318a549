"""The bot of the documentation, word for word, against a real server."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from twisted.internet.task import deferLater

import twim.client
from test.running.people import PASSWD, close_all, person, reactor, running
from test.running.server import PROJECT, Server
from twim.client import ConversationKey
from twim.wire.message import Shown

TRIES = 60  # texts, half a second apart


def from_the_guide() -> str:
    """The first Python block of docs/bot.md."""
    found = re.search(r"```python\n(.*?)```", (PROJECT / "docs/bot.md").read_text(), re.DOTALL)
    assert found
    return found[1]


def from_the_docstring() -> str:
    """The indented block of the package's docstring."""
    lines = (twim.client.__doc__ or "").split("::", 1)[1].splitlines()
    return "\n".join(line[4:] for line in lines if line.startswith("    ") or not line)


@running
@pytest.mark.parametrize("source", [from_the_guide, from_the_docstring])
async def test_echo(server: Server, tmp_path: Path, source: Callable[[], str]) -> None:
    """The bot answers a text with one reply, and doesn't answer messages from before it connected."""
    bot, ann = await person(server.url), await person(server.url)
    await ann.rest.add_friend(bot.id)
    conversation = ConversationKey(10, bot.id)
    writer = await ann.client().connected()
    await writer.client.send_text(10, bot.id, "too early")

    def answers() -> list[Shown]:
        return [message for message in writer.messages.get(conversation, []) if message.userid == bot.id]

    script = tmp_path / "bot.py"
    there = {"http://127.0.0.1:8080": server.url, "13800000001": bot.mobile, "secret1": PASSWD}
    text = source()
    for example, real in there.items():
        text = text.replace(example, real)
    script.write_text(text)
    running_bot = subprocess.Popen([sys.executable, script], env={"PYTHONPATH": str(PROJECT)})
    try:
        # Nobody answers before the bot has connected, and the first text it gets is one from after that.
        for _ in range(TRIES):
            if answers():
                break
            await writer.client.send_text(10, bot.id, "hello")
            await deferLater(reactor, 0.5)
            assert running_bot.poll() is None
    finally:
        running_bot.terminate()
        running_bot.wait()
    first, *_ = answers()
    said = {message.seq: message.content for message in writer.messages[conversation]}
    assert (first.content, said[first.ref]) == ("You said: hello", "hello")
    assert len({answer.ref for answer in answers()}) == len(answers())
    await close_all([writer])
