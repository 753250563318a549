"""The commands in the documents work, and their links lead somewhere."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from test.running.need import need
from test.running.server import PROJECT, Server
from twim import errors
from twim.access.files.uploads import Uploads
from twim.access.http.rest.contacts import Contacts
from twim.access.http.rest.entry import Entry
from twim.access.http.rest.messages import Messages
from twim.access.http.rest.users import Users
from twim.access.websocket.admission import LOGGED_OUT, SERVICE_RESTART
from twim.access.websocket.protocol import UNSUPPORTED_DATA
from twim.hub.outbox import TRY_AGAIN_LATER
from twim.hub.session import POLICY
from twim.wire import commands

PAGES = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])


def test_curl_examples(server: Server) -> None:
    """docs/examples/curl.sh does what its comments say, against a real server."""
    need("curl", "curl")
    script = PROJECT / "docs" / "examples" / "curl.sh"
    done = subprocess.run([script, server.url], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = iter(done.stdout.splitlines())
    expected = [
        ("/user/register", '"nickname":"Ann"'),
        ("/user/register", '"nickname":"Ben"'),
        ("/user/register", '{"code":-1,"msg":"this mobile have account"}'),
        ("/user/login", '{"code":-1,"msg":"password wrong"}'),
        ("/user/login", '"token":"'),
        ("/user/find", '"nickname":"Ben"'),
        ("/contact/addfriend", '{"code":0,'),
        ("/contact/addfriend", '{"code":-1,'),
        ("/contact/loadfriend", '"nickname":"Ben"'),
        ("/contact/createcommunity", '"name":"Chess"'),
        ("/user/login", '"token":"'),
        ("/contact/joincommunity", '{"code":0,'),
        ("/contact/loadcommunity", '"name":"Chess"'),
        ("/attach/upload", '"data":"/mnt/'),
    ]
    for path, words in expected:
        assert next(lines).startswith(path)
        assert words in next(lines)
    assert next(lines).startswith("image/png, ")
    for path in ("/message/conversations", "/message/history"):
        assert next(lines).startswith(path)
        assert '"media":23' in next(lines)
    assert next(lines).startswith("/chat?id=")
    assert next(lines).startswith("HTTP/1.1 101 ")


def links() -> Iterator[tuple[str, str]]:
    """`(page, target)` of every link and picture that points to a file of this project."""
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if "://" not in target:
                yield str(page.relative_to(PROJECT)), target


@pytest.mark.parametrize(("page", "target"), sorted(set(links())))
def test_links(page: str, target: str) -> None:
    """Every link inside the project leads to a file."""
    assert ((PROJECT / page).parent / target).exists()


def test_commands() -> None:
    """Every `make` command in the documents is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"`?\bmake ([a-z-]+)\b`", page.read_text("utf-8"))}
    assert {"run", "test"} <= named | {"run", "test"}
    assert not named - targets


def test_two_commands_are_told() -> None:
    """The README names both commands."""
    readme = (PROJECT / "README.md").read_text("utf-8")
    assert "make run" in readme and "make test" in readme


def test_every_path_is_documented() -> None:
    """The protocol's page names exactly the paths of REST."""
    page = (PROJECT / "docs" / "protocol.md").read_text("utf-8")
    areas = (("user", Users), ("user", Entry), ("contact", Contacts), ("message", Messages), ("attach", Uploads))
    served = {
        f"/{name}{rule.rule}" for name, area in areas for rule in area.app.url_map.iter_rules() if "<" not in rule.rule
    }
    assert served == set(re.findall(r"`(/(?:user|contact|message|attach)/[a-z]+)`", page))


def test_every_number_is_documented() -> None:
    """The protocol's page names each error code, command, medium and close code."""
    page = (PROJECT / "docs" / "protocol.md").read_text("utf-8")
    codes = [value for name, value in vars(errors).items() if name.isupper()]
    assert len(codes) == 8
    for code in codes:
        assert re.search(rf"\| {code} \|", page), code
    for number in (*commands.SENDABLE, commands.NOTICE, commands.HEARTBEAT, commands.ANSWER, commands.CATCH_UP):
        assert re.search(rf"^\| {number}[ ,]", page, re.MULTILINE), number
    for number in (POLICY, SERVICE_RESTART, TRY_AGAIN_LATER, LOGGED_OUT, UNSUPPORTED_DATA):
        assert re.search(rf"^\| {number} \|", page, re.MULTILINE), number


def test_decisions_are_listed() -> None:
    """The list of decisions has every page."""
    folder = PROJECT / "docs" / "decisions"
    listed = set(re.findall(r"\]\(([^)]+)\)", (folder / "README.md").read_text("utf-8")))
    assert listed == {page.name for page in folder.glob("*.md")} - {"README.md"}
