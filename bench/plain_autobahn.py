"""What the server is compared with: plain Autobahn that dispatches as the original Go server does. It stores nothing
and answers nothing.

    python -m bench.plain_autobahn PORT USERS GROUP

USERS is a file with a line "id token" for each user; all of them are members of GROUP. Messages are parsed, checked and
sent on as they came: to the peer (cmd 10), or to every member except the sender, prepared once (cmd 11).
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from twisted.internet import reactor


class Said(msgspec.Struct):
    """The fields of a message that the dispatch needs."""

    cmd: int
    dstid: int


decode = msgspec.json.Decoder(Said).decode


class Plain(WebSocketServerProtocol):
    """One connection."""

    userid = 0

    def onConnect(self, request: ConnectionRequest) -> None:
        userid = int(request.params["id"][0])
        if self.factory.tokens.get(userid) != request.params["token"][0]:
            raise ConnectionDeny(401, "please log in")
        self.userid = userid

    def onOpen(self) -> None:
        self.factory.here.setdefault(self.userid, set()).add(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        said = decode(payload)
        if said.cmd == 10:
            for device in self.factory.here.get(said.dstid, ()):
                device.sendMessage(payload)
        elif said.cmd == 11 and said.dstid == self.factory.group:
            prepared = self.factory.prepareMessage(payload)
            for userid in self.factory.tokens:
                for device in self.factory.here.get(userid, ()):
                    if device is not self:
                        device.sendPreparedMessage(prepared)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        if self.userid in self.factory.here:
            self.factory.here[self.userid].discard(self)


class PlainFactory(WebSocketServerFactory):
    """The users who may connect, and the connections that there are."""

    protocol = Plain

    def __init__(self, users: Path, group: int) -> None:
        super().__init__()
        lines = (line.split() for line in users.read_text().splitlines())
        self.tokens = {int(userid): token for userid, token in lines}
        self.here: dict[int, set[Plain]] = {}
        self.group = group


if __name__ == "__main__":
    reactor.listenTCP(
        int(sys.argv[1]), PlainFactory(Path(sys.argv[2]), int(sys.argv[3])), backlog=1024, interface="127.0.0.1"
    )
    reactor.run()
