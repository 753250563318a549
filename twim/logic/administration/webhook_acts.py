"""What administrators do with webhooks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twim.logic.administration.acts import Actor, Result
from twim.logic.administration.values import OfId, Values
from twim.logic.webhooks.webhooks import Webhooks


class WebhookActs:
    """The acts `webhook.…`."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks
        self.acts: dict[str, Callable[..., Awaitable[Result]]] = {
            "webhook.list": self.list,
            "webhook.delete": self.delete,
            "webhook.retry": self.retry,
        }

    async def list(self, values: Values, actor: Actor) -> Result:
        """All webhooks, the newest first: `id, url, events, group` (its id, 0 for all), `state` (`ok`, `failing`,
        `failed`), `since` (when it began to fail, ms; 0), `failure` (why), `waiting` (events), `createat`."""
        return {"rows": await self._webhooks.rows(), "next": 0}

    async def delete(self, values: OfId, actor: Actor) -> Result:
        """End a webhook, whoever made it. `NotFound`."""
        await self._webhooks.delete(values.id)
        return {}

    async def retry(self, values: OfId, actor: Actor) -> Result:
        """Try a webhook that fails again at once. `NotFound`."""
        await self._webhooks.retry(values.id)
        return {}
