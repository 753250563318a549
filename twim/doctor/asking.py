"""Requests of HTTP to a server that may be ours, each answered within a few seconds or not at all."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from twim.doctor.listening import Listening

ASK_SECONDS: Final = 5.0
SETTINGS: Final = "/settings"
"""What anybody may ask of a server, and no other program answers like it."""
MOST_BYTES: Final = 1 << 20  # of an answer; ours are far smaller


class NoAnswer(Exception):
    """Nothing that is HTTP came back; the text says why."""


@dataclass(frozen=True)
class Reply:
    """An answer. The names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """Its body, when that is an object of JSON; else nothing."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class _UnixConnection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ASK_SECONDS)
        self._path = path

    def connect(self) -> None:
        """The hook of `HTTPConnection`."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(ASK_SECONDS)
        self.sock.connect(str(self._path))


def ask(listening: Listening, path: str) -> Reply:
    """GET from an endpoint of this machine, whoever's its certificate is."""
    if listening.path is not None:
        return exchange(_UnixConnection(listening.path), "GET", path)
    host = listening.nearby
    if not listening.is_tls:
        return exchange(HTTPConnection(host, listening.port, timeout=ASK_SECONDS), "GET", path)
    unchecked = ssl.create_default_context()
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    return exchange(HTTPSConnection(host, listening.port, timeout=ASK_SECONDS, context=unchecked), "GET", path)


def ask_url(url: str, headers: Mapping[str, str] | None = None) -> Reply:
    """GET from anywhere. The certificate is checked."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=ASK_SECONDS)
    return exchange(connection, "GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), headers)


def exchange(
    connection: HTTPConnection, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Reply:
    """One request and its answer. `NoAnswer`."""
    with closing(connection):
        try:
            connection.request(method, path, body or None, dict(headers or {}))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            # What follows an upgrade isn't the answer's body.
            said = b"" if answer.status == 101 else answer.read(MOST_BYTES)
        except (OSError, HTTPException, ValueError) as error:
            raise NoAnswer(_why(error)) from error
    return Reply(answer.status, found, said)


def answers(listening: Listening) -> bool:
    """Whether a server of this program listens there."""
    try:
        return is_ours(ask(listening, SETTINGS))
    except NoAnswer:
        return False


def is_ours(reply: Reply) -> bool:
    """Whether a server of this program answered when it was asked for `SETTINGS`."""
    data = reply.json.get("data")
    return isinstance(data, dict) and {"signup", "upload_limit"} <= set(data)


def running(places: list[Listening]) -> Iterator[Listening]:
    """Those endpoints at which a server of this program answers."""
    for one in places:
        if (one.has_port or one.path is not None) and answers(one):
            yield one


def _why(error: Exception) -> str:
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(said).split())
