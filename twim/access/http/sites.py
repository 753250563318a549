"""The sites of others that show the chat: which they are, and what browsers let their pages do here.

``--sites`` lists them by their exact origins (RFC 6454). A page of a listed site may call REST by a token, in
Authorization alone: such a call neither reads nor sets a cookie, whatever its browser sends. Without a list there is
no such header in any answer, and a preflight is refused as any other OPTIONS is.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from twisted.web.resource import Resource
from twisted.web.server import Request

from twim.access.http.peers import Peers, lines
from twim.access.websocket.upgrade_request import Upgrade

OPEN: Final = (
    *(b"/user/", b"/contact/", b"/message/", b"/invite/", b"/attach/", b"/push/", b"/settings", b"/mnt/"),
    *(b"/asset/js/im/", b"/embed.js"),
)
"""How the paths begin that pages of listed sites may call. Administrators' paths and those of API keys are none."""
PAGE: Final = b".shtml"
METHODS: Final = b"GET, HEAD, POST"
REQUEST_HEADERS: Final = b"Authorization, Content-Type, Twim-User"
ANSWER_HEADERS: Final = b"Retry-After"  # what a script may read beside the body
PREFLIGHT_SECONDS: Final = b"600"
"""How long a browser need not ask again."""


class Sites:
    """The origins of ``--sites``. `peers` tells which origin is the server's own."""

    def __init__(self, origins: Collection[str], peers: Peers) -> None:
        self.origins = frozenset(origins)
        self._peers = peers

    def of(self, request: Request | Upgrade) -> str:
        """The origin of the listed site whose page sends the request, or "". The server's own pages are no other
        site's, listed or not."""
        if not self.origins:
            return ""
        said = lines(request, b"origin")
        origin = said[0].decode("latin-1") if len(said) == 1 else ""
        return origin if origin in self.origins and not self._peers.is_own(request, origin) else ""

    def is_preflight(self, request: Request) -> bool:
        """Whether a browser asks by the request if a page of a listed site may make another one."""
        asks = request.method == b"OPTIONS" and request.requestHeaders.hasHeader(b"access-control-request-method")
        return asks and _is_open(request.path) and bool(self.of(request))

    def mark(self, request: Request) -> None:
        """Add to an answer, refusals too, whether the page that asked may read it."""
        if not self.origins or not _is_open(request.path):
            return
        _vary(request)
        origin = self.of(request)
        if origin:
            request.setHeader(b"access-control-allow-origin", origin.encode("latin-1"))
            request.setHeader(b"access-control-expose-headers", ANSWER_HEADERS)


class Preflight(Resource):
    """Says what a page of a listed site may send (Fetch, section 3.3); `Sites.mark` says to which site."""

    isLeaf = True

    def render(self, request: Request) -> bytes:
        """Answer without a body (204)."""
        request.setResponseCode(204)
        request.setHeader(b"access-control-allow-methods", METHODS)
        request.setHeader(b"access-control-allow-headers", REQUEST_HEADERS)
        request.setHeader(b"access-control-max-age", PREFLIGHT_SECONDS)
        return b""


def _is_open(path: bytes) -> bool:
    return path.startswith(OPEN) and not path.endswith(PAGE)


def _vary(request: Request) -> None:
    """A copy that a cache keeps is for pages of one site."""
    said = request.responseHeaders.getRawHeaders(b"vary", [])
    request.setHeader(b"vary", b", ".join([*said, b"Origin"]))
