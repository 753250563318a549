"""A program that is told by webhooks: a real HTTP server that keeps what it takes, and fails when it is told to."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

reactor: Any = _reactor


class Receiver(Resource):
    """`taken` has the events in the order in which they came. `status` is what it answers; `refuses` says of an event
    whether it is refused all the same. Checks every signature by `secret`, where that is set."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[dict[str, Any]] = []
        self.attempts: list[dict[str, Any]] = []
        self.status = 200
        self.secret = ""
        self.silent = False
        self.refuses: Any = lambda event: False
        self.headers: list[dict[str, str]] = []
        self._listening: Any = None
        self.port = 0

    def listen(self) -> None:
        """From now on; on the same port again."""
        self._listening = reactor.listenTCP(self.port, Site(self), interface="127.0.0.1")
        self.port = self._listening.getHost().port

    async def close(self) -> None:
        """Be there no more."""
        listening, self._listening = self._listening, None
        if listening is not None:
            await listening.stopListening()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/told"

    def render_POST(self, request: Request) -> bytes | int:
        """Take an event."""
        body = request.content.read()
        event = json.loads(body)
        self.attempts.append(event)
        headers = {name.lower(): request.getHeader(name) or "" for name in ("Twim-Signature", "Content-Type")}
        self.headers.append(headers)
        if self.secret:
            seconds, _, said = headers["twim-signature"].partition(",v1=")
            signed = hmac.new(self.secret.encode(), f"{seconds[2:]}.".encode() + body, hashlib.sha256).hexdigest()
            assert hmac.compare_digest(said, signed), headers
        if self.silent:
            return NOT_DONE_YET
        if self.refuses(event):
            request.setResponseCode(500)
            return b""
        request.setResponseCode(self.status)
        if self.status == 200:
            self.taken.append(event)
        return b""

    def of(self, event: str, *fields: str) -> list[tuple[Any, ...]]:
        """These fields of the events of this kind."""
        return [tuple(one["data"].get(name) for name in fields) for one in self.taken if one["event"] == event]
