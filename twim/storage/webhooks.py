"""Webhooks: to whom events are told, and how far that has come."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update
from twisted.internet.defer import Deferred

from twim.errors import Conflict, NotFound
from twim.storage import happenings, leases
from twim.storage.contacts import count
from twim.storage.database import Database
from twim.storage.schema_webhooks import webhook
from twim.storage.written_through import newest_id

WEBHOOKS: Final = 50  # each of them reads the log on its own
LEASE: Final = "webhooks"
"""The lease of the node that delivers."""
OK: Final = "ok"
FAILING: Final = "failing"
FAILED: Final = "failed"
KEPT_MS: Final = 7 * 24 * 3600 * 1000
"""How long what isn't in the log is kept for a webhook that isn't there."""


class Webhook(msgspec.Struct, frozen=True):
    """One webhook (see `schema_webhooks`)."""

    id: int
    url: str
    secret: str
    events: str
    community: int
    state: str
    since: int
    failure: str
    retries: int
    log: int
    happened: int
    at: int

    def wants(self, event: str) -> bool:
        """Whether it is told of this kind of event."""
        return event in self.events.split(",")

    def public(self) -> dict[str, object]:
        """A row of the list, without the secret."""
        events = self.events.split(",")
        said = {"id": self.id, "url": self.url, "events": events, "state": self.state, "failure": self.failure}
        return said | {"since": self.since, "createat": self.at, "group": self.community}


_WEBHOOK: Final = tuple(webhook.c[name] for name in Webhook.__struct_fields__)


class WebhookStore:
    """The store of webhooks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Deferred[list[Webhook]]:
        """All webhooks, the newest first."""
        wanted = select(*_WEBHOOK).order_by(webhook.c.id.desc())
        return self._database.read(lambda connection: [Webhook(*line) for line in connection.execute(wanted)])

    def create(self, url: str, secret: str, events: str, community: int, at: int) -> Deferred[int]:
        """A new webhook, which is told what happens from now on. Gives its id. `Conflict` where there are too many."""

        def work(connection: Connection) -> int:
            if count(connection, webhook) >= WEBHOOKS:
                raise Conflict(f"at most {WEBHOOKS} webhooks")
            begin = {"log": newest_id(connection), "happened": happenings.newest(connection)}
            told = {"url": url, "secret": secret, "events": events, "community": community, "at": at}
            made = connection.execute(insert(webhook).values(state=OK, since=0, failure="", retries=0, **begin, **told))
            assert made.inserted_primary_key is not None
            return int(made.inserted_primary_key[0])

        return self._database.write(work)

    def delete(self, id: int) -> Deferred[None]:
        """End a webhook; what waits for it is forgotten. `NotFound`."""

        def work(connection: Connection) -> None:
            if not connection.execute(delete(webhook).where(webhook.c.id == id)).rowcount:
                raise NotFound("no such webhook")
            if not count(connection, webhook):
                happenings.forget_all(connection)

        return self._database.write(work)

    def retry(self, id: int) -> Deferred[None]:
        """Try again at once, and for as long as at first. `NotFound`."""
        this = update(webhook).where(webhook.c.id == id)
        again = this.values(state=OK, since=0, failure="", retries=webhook.c.retries + 1)

        def work(connection: Connection) -> None:
            if not connection.execute(again).rowcount:
                raise NotFound("no such webhook")

        return self._database.write(work)

    # For the node that delivers, which holds the lease with this fence; otherwise `LeaseLost`

    def move(self, fence: int, id: int, log: int, happened: int) -> Deferred[None]:
        """Everything was delivered up to these ids, of messages and of happenings. A crash may undo it."""
        this = update(webhook).where(webhook.c.id == id, webhook.c.log <= log, webhook.c.happened <= happened)

        def work(connection: Connection) -> None:
            leases.check(connection, LEASE, fence)
            connection.execute(this.values(log=log, happened=happened))

        return self._database.write(work, synced=False)

    def tell(self, fence: int, id: int, retries: int, state: str, since: int, failure: str) -> Deferred[None]:
        """How the deliveries stand, unless somebody has asked for another try meanwhile."""
        this = update(webhook).where(webhook.c.id == id, webhook.c.retries == retries)

        def work(connection: Connection) -> None:
            leases.check(connection, LEASE, fence)
            connection.execute(this.values(state=state, since=since, failure=failure))

        return self._database.write(work)

    def tidy(self, fence: int, now: int) -> Deferred[None]:
        """Forget what every webhook was told."""

        def work(connection: Connection) -> None:
            leases.check(connection, LEASE, fence)
            told = connection.execute(select(func.coalesce(func.min(webhook.c.happened), 0))).scalar_one()
            happenings.forget(connection, int(told), now - KEPT_MS)

        return self._database.write(work)
