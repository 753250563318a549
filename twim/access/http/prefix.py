"""Under which path of its site this server is: ``/chat`` for ``https://example.com/chat/``, "" at the root.

``--prefix`` says so for a proxy that passes paths on as they are: then only what lies below it is answered, and what
programs ask that watch the server. Without it the ``X-Forwarded-Prefix`` of a trusted proxy says what the proxy has
taken off. Behind this module paths have no prefix; it stands again in what a browser goes to by itself: redirects, the
addresses in pages, cookies' ``Path``.
"""

from __future__ import annotations

from typing import Final

from twisted.web.server import Request

from twim.access.http.peers import Peers, lines
from twim.config import PREFIX
from twim.errors import NotFound

PREFIX_CHARS: Final = 200  # of a header that is believed; it comes back in every address of a page
FORWARDED_PREFIX: Final = b"x-forwarded-prefix"
ASKED_DIRECTLY: Final = (b"/health/", b"/metrics")
"""What programs ask of the node itself, past every proxy."""


class Prefixes:
    """Takes the prefix `own` (``--prefix``, or "") off what is asked for, and tells the one of each request."""

    def __init__(self, own: str, peers: Peers) -> None:
        self.own = own
        self._own = own.encode()
        self._peers = peers

    def inside(self, target: bytes) -> bytes:
        """The target of a request without `own`. `NotFound` for what isn't below it."""
        if not self._own or target == b"*" or target.startswith(ASKED_DIRECTLY):
            return target
        rest = target.removeprefix(self._own)
        if len(rest) == len(target) or rest[:1] not in (b"", b"/", b"?"):
            raise NotFound("no such path")
        return rest if rest.startswith(b"/") else b"/" + rest

    def of(self, request: Request) -> str:
        """What stands before a path of ours for who sent this request."""
        if self._own:
            return self.own
        said = lines(request, FORWARDED_PREFIX)
        prefix = said[0].decode("latin-1") if len(said) == 1 else ""
        if len(prefix) > PREFIX_CHARS or not PREFIX.fullmatch(prefix) or not self._peers.trusts_sender(request):
            return ""
        return prefix


def prefix_of(request: Request) -> str:
    """What `Prefixes` told of the request when it came; "" for one that didn't come through it."""
    prefix: str = getattr(request, "prefix", "")
    return prefix


def redirect(request: Request, path: str) -> None:
    """Send who asks to a path of ours (302)."""
    request.redirect((prefix_of(request) + path).encode())
