"""``/api/v1/webhooks``."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from klein import Klein

from twim.access.http.declared import data, rows, text
from twim.access.http.rest import answers
from twim.access.http.rest.api.calling import Area, Call, api_route
from twim.access.http.rest.api.repeating import Repeating
from twim.errors import NotFound, NotYours
from twim.logic.api_keys import ApiKeys, check_scope
from twim.logic.host_groups import HostGroups
from twim.logic.webhooks.webhooks import Webhooks
from twim.outbound.requests import LONGEST_URL
from twim.wire import envelope

SCOPE: Final = "webhooks"
_OF_MESSAGES: Final = {"message", "read"}
_ID_DIGITS: Final = 15
ID: Final = text("id", _ID_DIGITS)


class Filter(msgspec.Struct, forbid_unknown_fields=True):
    """Of what alone the webhook is told."""

    group: str


class WebhookBody(msgspec.Struct, forbid_unknown_fields=True):
    """A new webhook."""

    url: Annotated[str, msgspec.Meta(max_length=LONGEST_URL)]
    events: Annotated[list[Literal["message", "member", "user", "read"]], msgspec.Meta(min_length=1, max_length=4)]
    filter: Filter | None = None


class ApiWebhooks(Area):
    """The routes of webhooks."""

    app = Klein()

    def __init__(self, keys: ApiKeys, repeating: Repeating, groups: HostGroups, webhooks: Webhooks) -> None:
        super().__init__(keys, repeating)
        self._groups = groups
        self._webhooks = webhooks

    @api_route(app, "/webhooks", "POST", SCOPE, secret=True, body=WebhookBody, gives=data(answers.WebhookMade))
    async def create(self, call: Call) -> bytes:
        """Make a webhook. Its secret is told this once."""
        body = call.body(WebhookBody)
        events = list(dict.fromkeys(body.events))
        if _OF_MESSAGES.intersection(events):
            _check_reads_messages(call)
        group = 0 if body.filter is None else await self._groups.id_of(body.filter.group)
        made, secret = await self._webhooks.create(body.url, events, group)
        return envelope.ok({"id": made, "secret": secret})

    @api_route(app, "/webhooks", "GET", SCOPE, reads=True, gives=rows(answers.WebhookLine))
    async def list(self, call: Call) -> bytes:
        """All webhooks, and how they stand."""
        return envelope.rows(await self._webhooks.rows())

    @api_route(app, "/webhooks/<id>", "DELETE", SCOPE, takes=(ID,))
    async def delete(self, call: Call) -> bytes:
        """End a webhook."""
        its_id = call.named["id"]
        if not its_id.isascii() or not its_id.isdigit() or len(its_id) > _ID_DIGITS:
            raise NotFound("no such webhook")
        await self._webhooks.delete(int(its_id))
        return envelope.ok()


def _check_reads_messages(call: Call) -> None:
    """`NotYours` for a key that may not read messages."""
    try:
        check_scope(call.key, "messages", reads=True)
    except NotYours:
        raise NotYours("the key has neither the scope messages nor read") from None
