"""The bots of the documentation, word for word, against a real server: with the server's own package, and with the
client's alone."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from twisted.internet.task import deferLater

import twim.client.aio
from clients.python.build import make_tree
from test.running.people import PASSWD, close_all, person, reactor, running
from test.running.server import PROJECT, Server
from twim.client import ConversationKey
from twim.wire.message import Shown

TRIES = 60  # texts, half a second apart


def block(document: str, number: int) -> str:
    """A Python block of a document."""
    return re.findall(r"```python\n(.*?)```", (PROJECT / document).read_text(), re.DOTALL)[number]


def example(module: ModuleType) -> str:
    """The indented block of a module's docstring."""
    lines = (module.__doc__ or "").split("::", 1)[1].splitlines()
    return "\n".join(line[4:] for line in lines if line.startswith("    ") or not line)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the client's own package installs."""
    folder = tmp_path_factory.mktemp("package")
    make_tree(folder / "source")
    command = ["-m", "pip", "--quiet", "--disable-pip-version-check", "wheel", "--no-deps", "--wheel-dir"]
    subprocess.run([sys.executable, *command, folder, folder / "source"], check=True, cwd="/")
    with zipfile.ZipFile(next(folder.glob("twim_client-*.whl"))) as wheel:
        wheel.extractall(folder / "installed")
    return folder / "installed"


def test_package(package: Path) -> None:
    """The client's package is typed, requires what it imports, and has nothing of the server."""
    (metadata,) = package.glob("*.dist-info/METADATA")
    required = set(re.findall(r"(?m)^Requires-Dist: ([a-z]+)", metadata.read_text()))
    assert required == {"twisted", "autobahn", "treq", "msgspec"}
    assert (package / "twim_client/py.typed").exists()
    imported, internal = set(), set()
    for path in package.glob("twim_client/**/*.py"):
        names = set(re.findall(r"(?m)^(?:from|import) ([\w.]+)", path.read_text()))
        imported |= {name.partition(".")[0] for name in names}
        internal |= {name for name in names if name.startswith("twim")}
    # What comes with those that are required.
    comes_along = {"zope", "txaio"}
    assert imported - set(sys.stdlib_module_names) - comes_along == required | {"twim_client"}
    for name in internal:
        place = package / name.replace(".", "/")
        assert place.with_suffix(".py").exists() or (place / "__init__.py").exists(), name


BOTS: dict[str, Callable[[], str]] = {
    "guide": lambda: block("docs/bot.md", 0),
    "guide, asyncio": lambda: block("docs/bot.md", 1),
    "docstring": lambda: example(twim.client),
    "docstring, asyncio": lambda: example(twim.client.aio),
    "package, asyncio": lambda: block("clients/python/README.md", 0),
    "package": lambda: block("clients/python/README.md", 1),
}


@running
@pytest.mark.parametrize("name", BOTS)
async def test_echo(server: Server, tmp_path: Path, package: Path, name: str) -> None:
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
    text = BOTS[name]()
    for written, real in there.items():
        text = text.replace(written, real)
    script.write_text(text)
    running_bot = subprocess.Popen([sys.executable, script], env={"PYTHONPATH": f"{package}:{PROJECT}"})
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
