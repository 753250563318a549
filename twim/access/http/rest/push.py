"""``/push/…``: which browsers are told of messages while no page is open."""

from __future__ import annotations

from klein import Klein
from twisted.web.server import Request

from twim.access.http.authentication import Authenticator
from twim.access.http.fields import Fields, header
from twim.access.http.route import route
from twim.logic.push_subscriptions import AUTH_CHARS, ENDPOINT_CHARS, KEY_CHARS, SITE_CHARS, PushSubscriptions
from twim.storage.push_subscriptions import Browser
from twim.wire import envelope


class Push:
    """The routes of subscriptions. `key` is the public key by which pages subscribe, or "" where nothing is pushed."""

    app = Klein()

    def __init__(self, authenticator: Authenticator, subscriptions: PushSubscriptions, key: str) -> None:
        self.key = key
        self._authenticator = authenticator
        self._subscriptions = subscriptions

    @route(app, "/subscribe")
    async def subscribe(self, request: Request, fields: Fields) -> bytes:
        """Tell this browser of messages, as long as the device is logged in."""
        who = await self._authenticator.caller(request, fields)
        endpoint = fields.text("endpoint", ENDPOINT_CHARS, 1, None)
        p256dh, auth = fields.text("p256dh", KEY_CHARS, 1, None), fields.text("auth", AUTH_CHARS, 1, None)
        await self._subscriptions.subscribe(who, Browser(endpoint, p256dh, auth, _site(request)))
        return envelope.ok()

    @route(app, "/unsubscribe")
    async def unsubscribe(self, request: Request, fields: Fields) -> bytes:
        """Tell it no more: the `endpoint`, or without one whatever this device subscribed."""
        who = await self._authenticator.caller(request, fields)
        await self._subscriptions.unsubscribe(who, fields.text("endpoint", ENDPOINT_CHARS))
        return envelope.ok()


def _site(request: Request) -> str:
    """The origin of the page, by which push services may find who pushes (RFC 8292, section 2.1)."""
    origin = header(request, "origin")
    return origin if origin.startswith("https://") and len(origin) <= SITE_CHARS and origin.isprintable() else ""
