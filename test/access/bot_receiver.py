"""A bot's own server, which keeps what it is told and answers as a test wants it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from test.access.running_node import reactor


class Told(NamedTuple):
    """One request."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver(Resource):
    """Answers each POST by `answer`, which gets its JSON and gives a body, or None for no answer until `release`."""

    isLeaf = True

    def __init__(self, answer: Callable[[Any], bytes | None] = lambda told: b"") -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.answer = answer
        self.told: list[Told] = []
        self.status = 200
        self.open: list[Request] = []

    def release(self) -> None:
        """Answer what is open, with nothing."""
        open_ones, self.open = self.open, []
        for request in open_ones:
            request.finish()

    def render_POST(self, request: Request) -> Any:
        assert request.content is not None
        headers = {
            name.decode().lower(): values[-1].decode() for name, values in request.requestHeaders.getAllRawHeaders()
        }
        self.told.append(Told(headers, request.content.read()))
        body = self.answer(self.told[-1].json)
        request.setResponseCode(self.status)
        if body is not None:
            return body
        self.open.append(request)
        return NOT_DONE_YET

    def listen(self, test: Any) -> str:
        """Listen until the test ends. Gives the URL."""
        listening = reactor.listenTCP(0, Site(self), interface="127.0.0.1")
        test.addCleanup(listening.stopListening)
        return f"http://127.0.0.1:{listening.getHost().port}/told"
