"""A push service on this machine: it takes pushes by HTTPS, as the browsers' makers do, and answers as it is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from test.cluster.certificates import Authority


class Pushed(NamedTuple):
    """A request."""

    path: str
    headers: dict[str, str]
    body: bytes


class PushServer(Resource):
    """Keeps what is pushed. `answers` has a status and headers by path, for what isn't simply taken."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.pushed: list[Pushed] = []
        self.answers: dict[str, tuple[int, dict[str, str]]] = {}
        self.origin = ""

    def url(self, name: str) -> str:
        """The endpoint of a subscription."""
        return f"{self.origin}/{name}"

    def at(self, name: str) -> list[Pushed]:
        """What was pushed to a subscription."""
        return [one for one in self.pushed if one.path == f"/{name}"]

    def render(self, request: Request) -> bytes:
        """Created, unless told otherwise."""
        path = request.path.decode()
        names = request.requestHeaders.getAllRawHeaders()
        headers = {name.decode().lower(): values[-1].decode() for name, values in names}
        self.pushed.append(Pushed(path, headers, request.content.read()))
        status, more = self.answers.get(path, (201, {}))
        request.setResponseCode(status)
        for name, value in more.items():
            request.setHeader(name, value)
        return b""


async def start_push_server(test: TestCase) -> PushServer:
    """Start one, which ends with the test and is trusted until then."""
    folder = Path(test.mktemp()).absolute()
    folder.mkdir()
    authority = Authority(folder)
    file = authority.sign("push", address="127.0.0.1")
    server = PushServer()
    where = f"ssl:0:privateKey={file}:certKey={file}:interface=127.0.0.1"
    port: Any = await serverFromString(reactor, where).listen(Site(server))
    test.addCleanup(port.stopListening)
    server.origin = f"https://127.0.0.1:{port.getHost().port}"
    _trust(test, authority.file)
    return server


def _trust(test: TestCase, authority: Path) -> None:
    """OpenSSL reads this variable for each connection."""
    before = os.environ.get("SSL_CERT_FILE")

    def restore() -> None:
        if before is None:
            os.environ.pop("SSL_CERT_FILE", None)
        else:
            os.environ["SSL_CERT_FILE"] = before

    os.environ["SSL_CERT_FILE"] = str(authority)
    test.addCleanup(restore)
