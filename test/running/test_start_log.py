"""What a server says at its start of who runs it."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from test.running.people import PASSWD, new_mobile
from test.running.server import Server

HOW = "twim user role USER admin"


def lines(server: Server, words: str) -> list[str]:
    """The lines of the log that have these words."""
    return [line for line in server.log.splitlines() if words in line]


def register(server: Server, **headers: str) -> None:
    """Somebody new."""
    form = urlencode({"mobile": new_mobile(), "passwd": PASSWD}).encode()
    with urlopen(Request(f"{server.url}/user/register", form, headers)) as answer:
        assert json.load(answer)["code"] == 0


def test_no_administrator_yet(tmp_path: Path) -> None:
    """While there are users and no administrator, each start warns, says how one is made, and prints the setup code;
    a server without users has the code alone."""
    with Server(tmp_path) as server:
        assert not lines(server, "no administrator yet")
        assert len(lines(server, "setup code: ")) == 1
        register(server, **{"X-Forwarded-For": "192.0.2.1"})
        server.stop()
        server.start()
        (warning,) = lines(server, "no administrator yet")
        assert HOW in warning
        assert len({line.partition("setup code: ")[2] for line in lines(server, "setup code: ")}) == 1
        register(server)
        server.stop()
        server.start()
        assert len(lines(server, "no administrator yet")) == 1
        assert len(lines(server, "setup code: ")) == 2


def test_operators(tmp_path: Path) -> None:
    """The option that goes is warned about, with what takes its place; without it nothing is said."""
    with Server(tmp_path) as server:
        assert not lines(server, "--operators")
    with Server(tmp_path, ("--operators", "13700000000")) as server:
        (warning,) = lines(server, "--operators")
        assert HOW in warning
