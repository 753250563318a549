"""``/push/…``: which browsers are told of messages while no page is open."""

from __future__ import annotations

from typing import Final

from klein import Klein
from twisted.web.server import Request

from twim.access.http.authentication import Authenticator
from twim.access.http.declared import text
from twim.access.http.fields import Fields, header
from twim.access.http.route import route
from twim.logic.push_subscriptions import AUTH_CHARS, ENDPOINT_CHARS, KEY_CHARS, SITE_CHARS, PushSubscriptions
from twim.storage.push_subscriptions import Browser
from twim.wire import envelope

ENDPOINT: Final = text("endpoint", ENDPOINT_CHARS)
NEW_ENDPOINT: Final = text("endpoint", ENDPOINT_CHARS, least=1)
P256DH: Final = text("p256dh", KEY_CHARS, least=1)
AUTH: Final = text("auth", AUTH_CHARS, least=1)


class Push:
    """The routes of subscriptions. `key` is the public key by which pages subscribe, or "" where nothing is pushed."""

    app = Klein()

    def __init__(self, authenticator: Authenticator, subscriptions: PushSubscriptions, key: str) -> None:
        self.key = key
        self._authenticator = authenticator
        self._subscriptions = subscriptions

    @route(app, "/subscribe", takes=(NEW_ENDPOINT, P256DH, AUTH))
    async def subscribe(self, request: Request, fields: Fields) -> bytes:
        """Tell this browser of messages, as long as the device is logged in."""
        who = await self._authenticator.caller(request, fields)
        browser = Browser(fields[NEW_ENDPOINT], fields[P256DH], fields[AUTH], _site(request))
        await self._subscriptions.subscribe(who, browser)
        return envelope.ok()

    @route(app, "/unsubscribe", takes=(ENDPOINT,))
    async def unsubscribe(self, request: Request, fields: Fields) -> bytes:
        """Tell it no more: the `endpoint`, or without one whatever this device subscribed."""
        who = await self._authenticator.caller(request, fields)
        await self._subscriptions.unsubscribe(who, fields[ENDPOINT])
        return envelope.ok()


def _site(request: Request) -> str:
    """The origin of the page, by which push services may find who pushes (RFC 8292, section 2.1)."""
    origin = header(request, "origin")
    return origin if origin.startswith("https://") and len(origin) <= SITE_CHARS and origin.isprintable() else ""
