"""``/chat``, asked by HTTP: the upgrade to a WebSocket, or the reason why there is none."""

from __future__ import annotations

import re
from typing import Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from werkzeug.exceptions import MethodNotAllowed

from twim.access.http.authentication import Authenticator, check_named, check_own
from twim.access.http.fields import header, read_query
from twim.access.http.route import refuse, refuse_bug, refuse_http
from twim.access.websocket.admission import Admission
from twim.access.websocket.upgrade import ChatUpgrade
from twim.errors import Malformed, Refusal
from twim.internals.http import is_disconnected

SOCKET_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{22}==")  # as Autobahn takes it: the last 4 bits may be anything


class Chat(Resource):
    """The upgrade to a WebSocket on ``/chat``, for requests that `NewConnection` hasn't upgraded itself. A refusal is
    an answer of HTTP."""

    isLeaf = True

    def __init__(self, authenticator: Authenticator, admission: Admission, upgrade: ChatUpgrade) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._authenticator = authenticator
        self._admission = admission
        self._upgrade = upgrade

    def render(self, request: Request) -> bytes | int:
        """Admit the device, then give its connection to Autobahn."""
        if request.method != b"GET":
            return refuse_http(request, MethodNotAllowed(("GET",)))
        upgrading = Deferred.fromCoroutine(self._do_upgrade(request))
        request.notifyFinish().addErrback(lambda _: upgrading.cancel())
        upgrading.addErrback(self._refuse, request)
        return NOT_DONE_YET

    async def _do_upgrade(self, request: Request) -> None:
        fields = read_query(request)
        admitted = await self._admission.admit(self._authenticator.token_of(request, fields, upgrade=True))
        check_named(request, admitted.who.userid)
        check_own(fields, admitted.who.userid, "id")
        _check_handshake(request)
        admitted.address = self._authenticator.peers.of(request).remote
        self._admission.limits.connect(admitted.address)
        self._upgrade.hand_over(request, admitted)

    def _refuse(self, failure: Failure, request: Request) -> None:
        if failure.check(CancelledError) or is_disconnected(request):
            return
        why = failure.value
        if header(request, "upgrade").lower() == "websocket":
            # RFC 6455, section 4.4. It also shows that the proxies on the way pass an upgrade on.
            request.setHeader(b"sec-websocket-version", b"13")
        request.write(refuse(request, why) if isinstance(why, Refusal) else refuse_bug(request, failure))
        request.finish()


def _check_handshake(request: Request) -> None:
    """`Malformed` when a request asks for no WebSocket, for another version of it, or has no key (RFC 6455, section
    4.2). Autobahn refuses the same, but without our envelope. Rarer faults are left to it."""
    if request.clientproto != b"HTTP/1.1":
        raise Malformed("a WebSocket begins with HTTP/1.1")
    if header(request, "upgrade").lower() != "websocket":
        raise Malformed("a WebSocket, please")
    if header(request, "sec-websocket-version") != "13":
        # The headers say what is supported: RFC 6455, section 4.4, and RFC 9110, section 15.5.22.
        request.setHeader(b"sec-websocket-version", b"13")
        request.setHeader(b"upgrade", b"websocket")
        request.responseHeaders.addRawHeader(b"connection", b"Upgrade")
        raise Malformed("Sec-WebSocket-Version: 13, please", status=426)
    keys = request.requestHeaders.getRawHeaders(b"sec-websocket-key", [])
    if len(keys) != 1 or not SOCKET_KEY.fullmatch(keys[0]):
        raise Malformed("Sec-WebSocket-Key: 16 bytes in base64, please")
