"""``Strict-Transport-Security`` (RFC 6797): a browser that came by TLS once asks this host by TLS from then on."""

from __future__ import annotations

from twisted.web.server import Request

from twim.access.http.peers import Peers


class TransportSecurity:
    """Adds the header to answers that go out by TLS, to us or to a trusted proxy. `seconds` is how long a browser
    remembers it; with 0 it forgets."""

    def __init__(self, peers: Peers, seconds: int) -> None:
        self._peers = peers
        self._header = b"max-age=%d" % seconds

    def apply(self, request: Request) -> None:
        """To one request, before it is answered."""
        # Who came in the clear and names no scheme needs no closer look.
        may_be = request.isSecure() or request.requestHeaders.hasHeader(b"x-forwarded-proto")
        if may_be and self._peers.of(request).secure:
            request.setHeader(b"strict-transport-security", self._header)
