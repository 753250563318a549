"""What makes the chat an app of the browser's: its manifest, and the service worker that shows what is pushed and opens
the chat without a network.

Both lie at the root, since a service worker serves no page above its own address. Their content changes with the
program and the language, so browsers ask for them each time.
"""

from __future__ import annotations

import json
from typing import Final

from twisted.web.server import Request

from twim.access.http.assets import REVALIDATE, TYPES
from twim.access.http.fields import header, read_query
from twim.access.http.pages import CHAT_PAGE, KEPT_PAGE, Pages, choose_language
from twim.errors import NotFound
from twim.logic.live_settings import LiveSettings

MANIFEST: Final = "/manifest.webmanifest"
WORKER: Final = "/service-worker.js"
SCRIPT: Final = "js/worker/service-worker.js"
WORDS: Final = ("push.", "media.")
"""With one of these begins what the worker says."""
POLICY: Final = b"default-src 'none'; script-src 'self'; connect-src 'self'"
_LANGUAGE_CHARS: Final = 20
_COLOUR: Final = "#f4f5fb"


class Installable:
    """Gives both."""

    def __init__(self, pages: Pages, settings: LiveSettings) -> None:
        self._pages = pages
        self._settings = settings

    def manifest(self, request: Request) -> bytes:
        """The manifest. Its addresses are relative to it."""
        name = self._settings.name
        found = {
            "id": CHAT_PAGE[1:],
            "name": name,
            "short_name": name,
            "start_url": CHAT_PAGE[1:],
            "scope": "./",
            "display": "standalone",
            "background_color": _COLOUR,
            "theme_color": _COLOUR,
            "icons": [
                self._icon("icon-192.png", 192, "any"),
                self._icon("icon-512.png", 512, "any"),
                self._icon("icon-maskable.png", 512, "maskable"),
            ],
        }
        return _send(request, ".webmanifest", json.dumps(found, ensure_ascii=False).encode())

    def _icon(self, file: str, size: int, purpose: str) -> dict[str, str]:
        address = self._pages.assets.url(file)[1:]
        return {"src": address, "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}

    def worker(self, request: Request) -> bytes:
        """The worker's script, after a line with its words and the addresses that it uses."""
        asked = read_query(request).text("lang", _LANGUAGE_CHARS)
        lang = choose_language(asked, header(request, "accept-language"))
        self._pages.assets.refresh()
        script = self._pages.assets.text(SCRIPT)
        if script is None:
            raise NotFound("no such file")
        known = {
            "words": self._pages.words(lang, WORDS),
            "lang": lang,
            "chat": CHAT_PAGE[1:],
            "kept": KEPT_PAGE[1:],
            "icon": self._pages.assets.url("icon-192.png")[1:],
            "badge": self._pages.assets.url("badge.png")[1:],
        }
        request.setHeader(b"content-security-policy", POLICY)
        return _send(request, ".js", b"self.twim = %s;\n%s" % (json.dumps(known).encode(), script.content))


def _send(request: Request, ending: str, body: bytes) -> bytes:
    request.setHeader(b"content-type", TYPES[ending][0].encode())
    request.setHeader(b"cache-control", REVALIDATE.encode())
    request.setHeader(b"vary", b"Accept-Language")
    request.setHeader(b"x-content-type-options", b"nosniff")
    return body
