"""``/openapi.json`` and ``/asyncapi.json``: what this server takes and says, for programs that make clients of it. They
are public, as the protocol is, and the same for everybody who comes by the same path."""

from __future__ import annotations

from time import time
from typing import Final

import msgspec
from klein import Klein
from twisted.web.server import Request

from twim.access.http.assets import REVALIDATE, Asset, send_text
from twim.access.http.asyncapi import asyncapi
from twim.access.http.openapi import Areas, openapi
from twim.access.http.prefix import prefix_of

DOCUMENTS: Final = (b"openapi.json", b"asyncapi.json")
KEPT: Final = 8  # documents; a server is rarely below more than one path


class Descriptions:
    """The routes. The documents are of all `areas`."""

    app = Klein()

    def __init__(self, areas: Areas, version: str) -> None:
        self._areas = areas
        self._version = version
        self._made: dict[tuple[str, str], Asset] = {}
        self._began = time()

    @app.route("/openapi.json", methods=["GET", "HEAD"])
    def openapi(self, request: Request) -> bytes:
        """The paths."""
        return self._send(request, "openapi.json")

    @app.route("/asyncapi.json", methods=["GET", "HEAD"])
    def asyncapi(self, request: Request) -> bytes:
        """The socket."""
        return self._send(request, "asyncapi.json")

    def _send(self, request: Request, name: str) -> bytes:
        request.setHeader(b"cache-control", REVALIDATE.encode())
        request.setHeader(b"x-content-type-options", b"nosniff")
        body = send_text(request, self._document(name, prefix_of(request)))
        request.setHeader(b"vary", b"Accept-Encoding, X-Forwarded-Prefix")
        return body

    def _document(self, name: str, prefix: str) -> Asset:
        found = self._made.get((name, prefix))
        if found is None:
            is_paths = name == "openapi.json"
            made = openapi(self._areas, self._version, prefix) if is_paths else asyncapi(self._version, prefix)
            if len(self._made) >= KEPT:
                self._made.clear()
            found = self._made[name, prefix] = Asset(name, msgspec.json.encode(made), self._began)
        return found
